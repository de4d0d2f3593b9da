"""`wellhead log`: looks at the files of logs beside a server, on copies and on damage, and touches nothing."""

import hashlib
import json
import os
import shutil
import signal
import subprocess

import pytest
from harness import clients, paths, record, wait, wellhead

SMALL = '[storage]\nsegment_bytes = "1MiB"\ncompression = "none"\n'
ROWS = 3_000
NOTE = "x" * 900


@pytest.fixture(scope="module")
def log(source, tmp_path_factory):
    """A server with a task of several segments, caught up; shared by tests that do not write to it."""
    folder = tmp_path_factory.mktemp("tools")
    name = "tools"
    server = wellhead.Wellhead.serve(folder / "wellhead", SMALL)
    try:
        server.start()
        source.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, note VARCHAR(1000))")
        server.track_now("shop", source, name)
        for begin in range(0, ROWS, 250):
            rows = ",".join(f"({number}, '{NOTE}')" for number in range(begin, begin + 250))
            source.sql(f"INSERT INTO {name}.t VALUES {rows}")
        server.login = server.new_login("shop")
        follower = clients.Follower(server.kafka, "shop", server.login)
        try:
            follower.wait_for_rows(ROWS)
        finally:
            follower.close()
        yield server
    finally:
        server.kill()
        source.sql(f"DROP DATABASE {name}")


def run(*arguments, **options):
    return wellhead.run("log", *arguments, **options)


def result(*arguments, code=0):
    done = run(*arguments, "-o", "json")
    assert done.returncode == code, done.stdout + done.stderr
    envelope = json.loads(done.stdout)
    assert envelope["command"] == f"log {arguments[0]}" and envelope["ok"] == (code == 0), envelope
    return envelope["result"]


def partition(data):
    return data / "log" / "shop" / "0"


def copy_of(server, folder):
    """A copy of the live folder as `cp -r` makes it."""
    data = folder / "copy"
    shutil.copytree(server.data, data, ignore=lambda _, names: [n for n in names if n == "admin.sock"])
    return data


def digests(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_beside_a_running_server(log):
    [info] = result("info", "--data-dir", log.data)
    task = log.task("shop")
    assert info["log"] == "shop/0" and info["format_version"] == 1 and len(info["cluster_id"]) == 22
    assert len(info["segments"]) > 2 and info["segments"][-1]["active"], info
    assert {segment["index"] for segment in info["segments"][:-1]} == {"ok"}
    assert info["end_offset"] >= ROWS and info["start_offset"] == task["data_range"]["begin_offset"] == 0
    [verified] = result("verify", "--data-dir", log.data)
    assert verified["ok"] and verified["damages"] == verified["notes"] == 0, verified
    assert verified["records"] == verified["end_offset"] - verified["start_offset"] >= ROWS
    text = run("info", "shop", "--data-dir", log.data, "-v").stdout
    assert "CLUSTER ID" in text and info["cluster_id"] in text and "00000000000000000000.log" in text
    text = run("verify", partition(log.data))
    assert text.returncode == 0 and text.stdout.startswith("ok "), text


def test_a_dump_shows_what_a_consumer_gets(log):
    end = clients.end_of(log.kafka, "shop", log.login)
    dumped = run("dump", "shop", "--data-dir", log.data, "--to", end, "-o", "jsonl", "--positions", "--headers")
    assert dumped.returncode == 0, dumped.stderr
    records = [json.loads(line) for line in dumped.stdout.splitlines()]
    assert [entry["offset"] for entry in records] == list(range(end))
    consumed = clients.read_all(log.kafka, "shop", log.login)[:end]
    for shown, (offset, entry) in zip(records, consumed, strict=True):
        assert (shown["offset"], shown["operation"]) == (offset, entry["operation"])
        if record.is_row(entry):
            assert shown["after"]["id"] == record.after(entry)["id"]
    for shown in records:
        is_last = shown["offset"] == shown["batch"]["last_offset"]
        assert (shown["source_position"] is not None) == is_last, shown
        assert bool(shown["headers"]) == is_last
    middle = records[ROWS // 2]
    part = run("dump", partition(log.data), "--from", middle["offset"], "--limit", 3).stdout.splitlines()
    assert part[0].startswith("-- batch ") and part[1].startswith(f"{middle['offset']} ") and len(part) >= 4
    second = f"@{middle['timestamp_ms']}"
    [first] = run("dump", "shop", "--data-dir", log.data, "--from", second, "--limit", 1, "-o", "json").stdout.splitlines()
    reached = next(entry for entry in records if entry["timestamp_ms"] >= middle["timestamp_ms"])
    assert json.loads(first)["offset"] == reached["offset"]
    [segment] = [s for s in result("info", partition(log.data))[0]["segments"] if s["start_offset"] == 0]
    alone = run("dump", segment["file"], "-o", "hex").stdout.splitlines()
    assert len([line for line in alone if not line.startswith("--")]) == segment["end_offset"]


def test_a_reader_that_wants_no_more_ends_a_dump_quietly(log):
    dump = subprocess.Popen(
        [paths.wellhead_binary(), "log", "dump", "shop", "--data-dir", log.data, "-o", "jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert dump.stdout.readline()
    dump.stdout.close()
    assert (dump.wait(30), dump.stderr.read()) == (0, b"")


def test_copies_of_a_live_folder_torn_and_damaged(log, scratch):
    data = copy_of(log, scratch)
    before = digests(data)
    [verified] = result("verify", "--data-dir", data)
    assert verified["ok"], verified
    for verb in ("info", "verify"):
        assert run(verb, data).returncode == 0
    assert digests(data) == before, "a look changed the folder"

    segments = sorted(partition(data).glob("*.log"))
    active, first = segments[-1], segments[0]
    with open(active, "ab") as file:
        file.write(first.read_bytes()[:100])
    [verified] = result("verify", data)
    assert verified["ok"] and verified["unfinished"] == 1, verified
    assert "unfinished end: 100 bytes" in verified["findings"][0]["what"]
    assert "unfinished end: 100 bytes" in run("info", data).stdout

    with open(first, "r+b") as file:
        file.seek(5_000)
        byte = file.read(1)
        file.seek(5_000)
        file.write(bytes([byte[0] ^ 1]))
    [verified] = result("verify", data, code=4)
    [damage] = [finding for finding in verified["findings"] if finding["severity"] == "damage"]
    assert damage["file"] == str(first) and damage["position"] <= 5_000, damage
    assert "checksum" in damage["what"] and verified["segments"] == len(segments)
    dumped = run("dump", partition(data))
    assert dumped.returncode == 4 and dumped.stderr.startswith("error: ") and "damaged at byte" in dumped.stderr

    first.unlink()
    [verified] = result("verify", data)
    assert verified["ok"] and verified["start_offset"] > 0, "as retention would leave it, but for the indexes"
    assert verified["notes"] == 2, "which are left over"
    data = copy_of(log, scratch / "again")
    sorted(partition(data).glob("*.log"))[1].unlink()
    [verified] = result("verify", data, code=4)
    assert verified["damages"] == 1
    assert [f["what"] for f in verified["findings"] if "does not follow the segment before it" in f["what"]]


def test_k08_newer_formats_are_refused_with_what_to_do(log, scratch):
    data = copy_of(log, scratch)
    meta = partition(data) / "partition.meta"
    newer = bytearray(meta.read_bytes())
    newer[11] = 2
    meta.write_bytes(newer)
    for verb in ("info", "verify"):
        told = run(verb, "--data-dir", data)
        assert told.returncode == 4 and "has format version 2, and this release reads up to 1" in told.stdout
    told = run("dump", "shop", "--data-dir", data)
    assert told.returncode == 3 and "use the release that wrote it, or a newer one" in told.stderr


def test_wrong_places_lead_to_right_ones(log, scratch):
    told = run("verify", "nosuch", "--data-dir", log.data)
    assert told.returncode == 2 and "no task of" in told.stderr and "there: shop" in told.stderr
    told = run("info", scratch)
    assert told.returncode == 2 and "holds no log" in told.stderr
    told = run("info", "--data-dir", scratch / "nothing")
    assert told.returncode == 3 and "there is no folder" in told.stderr and not (scratch / "nothing").exists()
    told = run("dump", "shop", "--data-dir", log.data, "--from", "soon")
    assert told.returncode == 2 and "no place in a log" in told.stderr


def test_j08_indexes_lost_between_stop_and_start_are_made_anew(source, new_wellhead, schema, follow):
    """Each kind of loss while the server is down; all records and times are found afterwards."""
    server = new_wellhead.serve(SMALL).start()
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, note VARCHAR(1000))")
    server.track_now("shop", source, schema)
    rows = ",".join(f"({number}, '{NOTE}')" for number in range(2_500))
    source.sql(f"INSERT INTO {schema}.t VALUES {rows}")
    login = server.new_login("shop")
    follow(server.kafka, "shop", login).wait_for_rows(2_500)
    before = clients.read_all(server.kafka, "shop", login)
    assert server.stop() == 0
    indexes = sorted(partition(server.data).glob("*.*index"))
    assert len(indexes) >= 4, indexes
    deleted, garbled, shortened, newer = indexes[:4]
    deleted.unlink()
    garbled.write_bytes(os.urandom(200))
    shortened.write_bytes(shortened.read_bytes()[:70])
    newer.write_bytes(newer.read_bytes()[:11] + b"\2" + newer.read_bytes()[12:])
    [info] = result("info", "--data-dir", server.data)
    states = {segment["index"] for segment in info["segments"][:-1]}
    assert states & {"missing", "damaged"}, info
    server.start()
    [info] = result("info", "--data-dir", server.data)
    assert {segment["index"] for segment in info["segments"][:-1]} == {"ok"}, info
    [verified] = result("verify", "--data-dir", server.data)
    assert verified["ok"] and verified["notes"] == 0, verified
    after = clients.read_all(server.kafka, "shop", login)
    assert after[: len(before)] == before
    server.process.send_signal(signal.SIGKILL)
    wait.until(lambda: not server.alive(), "the server to be gone")
    assert result("verify", "--data-dir", server.data)[0]["ok"]
