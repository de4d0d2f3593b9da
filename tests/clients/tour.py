"""Runs the tour of a client and holds what it says against what the topic holds. README.md is its contract."""

import base64
import dataclasses
import itertools
import json
import os
import subprocess

from harness import record

COUNT = 40
METADATA = "1712905965|tour"
DEADLINE_S = 240


@dataclasses.dataclass(frozen=True)
class Client:
    """One version of one library: the command that runs its tour, and the steps that the library has no call for."""

    name: str
    command: tuple
    cannot: frozenset = frozenset()
    environment: tuple = ()

    def __str__(self):
        return self.name


def environment(served, login, more=()):
    """What a program is told about a server."""
    return {
        **os.environ,
        "WELLHEAD_BROKER": served.broker,
        "WELLHEAD_TOPIC": served.topic,
        "WELLHEAD_GROUP": login.group,
        "WELLHEAD_USER": login.user,
        "WELLHEAD_PASSWORD": login.password,
        **dict(more),
    }


def run(client, served):
    """The lines that a client's tour said, and the group's checkpoint afterwards as the API tells it."""
    with served.new_login() as login:
        told = environment(served, login, client.environment)
        told |= {"WELLHEAD_SECOND": str(served.second), "WELLHEAD_COUNT": str(COUNT)}
        done = subprocess.run(
            list(map(str, client.command)), env=told, capture_output=True, text=True, timeout=DEADLINE_S,
            stdin=subprocess.DEVNULL, cwd=served.folder)
        said = done.stdout.splitlines()
        assert done.returncode == 0, f"{client}: exit {done.returncode}\n{tail(said)}\n{done.stderr[-4000:]}"
        return [json.loads(line) for line in said], served.checkpoint(login)


def judge(client, served, lines, checkpoint):
    """Whether a tour was what the README of this folder promises."""
    tour = Tour(client, lines)
    assert lines and lines[-1] == {"event": "done"}, f"{client} did not end its tour: {tail(lines)}"
    assert tour.cannot == client.cannot, f"{client} cannot {set(tour.cannot)}, expected {set(client.cannot)}"

    tour.reads("assign", served, 0, COUNT)
    if tour.does("range"):
        [seen] = tour.events("range")
        assert seen["beginning"] == 0 and seen["end"] >= served.end
    at = served.offset_of_second
    if tour.does("time"):
        [seen] = tour.events("time")
        assert seen["offset"] == at
        second = served.timestamp(at) // 1000
        assert seen.get("timestamp", second) == second, "a time is told in the unit in which it was asked"
    tour.reads("seek", served, at, 1)
    if tour.does("pause"):
        assert tour.events("paused") == [{"event": "paused", "records": 0}]
        tour.reads("resume", served, at + 1, 1)

    expected = [(COUNT, METADATA if tour.does("metadata") else None)] if tour.does("commit") else []
    begin = COUNT if tour.does("commit") else 0
    if tour.does("subscribe"):
        if tour.does("assigned"):
            assert tour.events("assigned")[0]["partitions"] == [0]
        tour.reads("subscribe", served, begin, COUNT)
        tour.reads("rejoin", served, begin + COUNT, 1)
        expected.append((begin + COUNT, None))
        behind = begin + COUNT if tour.does("uncommitted") else begin + COUNT + 1
        assert checkpoint["offset"] == behind, f"the API says {checkpoint}"
    seen = tour.events("committed")
    if tour.does("committed"):
        assert [entry["offset"] for entry in seen] == [offset for offset, _ in expected]
    for entry, (_, metadata) in zip(seen, expected):
        assert metadata in (None, entry.get("metadata")), "metadata comes back byte for byte"


class Tour:
    """What one client said."""

    def __init__(self, client, lines):
        self.client = client
        self.lines = lines
        self.cannot = frozenset(entry["step"] for entry in self.events("cannot"))

    def events(self, name):
        """The lines of one kind."""
        return [entry for entry in self.lines if entry["event"] == name]

    def does(self, step):
        """Whether the library has a call for a step."""
        return step not in self.cannot

    def reads(self, step, served, begin, count):
        """Whether a step read exactly these records, each as the topic holds it."""
        seen = [entry for entry in self.events("record") if entry["step"] == step]
        offsets = [entry["offset"] for entry in seen]
        assert offsets == list(range(begin, begin + count)), f"{self.client}, {step}: {offsets}"
        for entry in seen:
            held = served.records[entry["offset"]]
            assert base64.b64decode(entry["value"]) == held.value, f"{step}: value of {entry['offset']}"
            assert entry.get("timestamp", held.timestamp) == held.timestamp, f"{step}: {entry}"
            if "key" in entry:
                key = None if entry["key"] is None else base64.b64decode(entry["key"])
                assert key == held.key, f"{step}: key of {entry['offset']}"


def rows(records):
    """The row changes among the records: offset, operation, table."""
    entries = ((offset, record.decode(held.value)) for offset, held in enumerate(records))
    return [(offset, entry["operation"], entry["objectName"]) for offset, entry in entries if record.is_row(entry)]


def second_in_the_middle(records):
    """A second that is not the first at which a row was written, and the first offset at or after it."""
    seconds = [record.decode(held.value)["sourceTimestamp"] for held in records]
    rows = sorted({at for at, held in zip(seconds, records) if record.is_row(record.decode(held.value))})
    assert len(rows) >= 3, "the rows lie in different seconds"
    second = rows[1]
    return second, next(offset for offset, at in zip(itertools.count(), seconds) if at >= second)


def tail(lines):
    """The end of what was said, short enough to read."""
    return "\n".join(str(line)[:300] for line in lines[-12:])
