"""Every format that records were ever fetched in, read by one client that can be told how old the broker is."""

import base64
import json
import subprocess

import pytest

from harness import paths

import tour

HERE = paths.TESTS / "clients" / "python"
# The age of a broker, and whether what kafka-python 1.4 fetches from such a one has timestamps: Fetch 0 to 4.
AGES = {"0.8.2": False, "0.9": False, "0.10": True, "0.10.1": True, "0.11": True}


@pytest.mark.parametrize("age", AGES)
def test_j02_records_are_read_as_from_a_broker_of_any_age(age, served):
    python = paths.CACHE / "clients" / "kafka-python-1" / "bin/python"
    with served.new_login() as login:
        told = tour.environment(served, login, {"WELLHEAD_SECOND": "0", "WELLHEAD_COUNT": str(tour.COUNT)})
        done = subprocess.run(
            [python, HERE / "read_as.py", age], env=told, capture_output=True, text=True, timeout=tour.DEADLINE_S,
            stdin=subprocess.DEVNULL, cwd=served.folder)
    assert done.returncode == 0, done.stderr[-4000:]
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["offset"] for one in seen] == list(range(tour.COUNT))
    for one, held in zip(seen, served.records):
        assert base64.b64decode(one["value"]) == held.value
        assert one["timestamp"] in ([held.timestamp] if AGES[age] else [None, -1])
