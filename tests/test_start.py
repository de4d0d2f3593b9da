"""Starts on data folders that are damaged or odd: what can be mended is, what cannot is said, and the rest goes on.

Each test works on a copy of one folder: task `full` has a log of several segments, task `other` has little and shows
that a neighbour's trouble is not its own.
"""

import contextlib
import dataclasses
import fcntl
import http.client
import random
import shutil
import subprocess
import threading
from pathlib import Path

import confluent_kafka
import pytest

from harness import clients, database, debris, disk, record, wait, wellhead, witness

ENVIRONMENT, BAD_ANSWER = 3, 4
SMALL_SEGMENTS = '[storage]\nsegment_bytes = "1MiB"\ncompression = "none"\n'
ROWS = 40
# Starts that end while tasks are created and deleted.
LIVES = 25
ROW_BYTES = 100_000
# Where the version stands in a partition.meta and in an index.
VERSION_AT = 8


@dataclasses.dataclass
class Kept:
    """The folder that is copied, and what it held when its server ended."""

    folder: Path
    source: database.Database
    login: clients.Login
    batches: list


@pytest.fixture(scope="module")
def kept(templates, session_folder):
    """A server that has written several segments and was killed."""
    source = database.MariaDb(session_folder / "kept-source", template=templates["mariadb"]).start()
    source.create_user()
    server = wellhead.Wellhead.serve(session_folder / "kept", SMALL_SEGMENTS).start()
    try:
        for name in ("full", "other"):
            source.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, note LONGBLOB)")
            server.track_now(name, source, name)
        login = server.new_login("full")
        for number in range(ROWS):
            source.sql(f"INSERT INTO full.t VALUES ({number}, REPEAT('{number % 10}', {ROW_BYTES}))")
        source.sql("INSERT INTO other.t VALUES (0, 'x')")
        batches = wait.until(lambda: read_batches(server, login, ROWS), "all rows to be served")
        server.kill()
        yield Kept(server.data, source, login, batches)
    finally:
        server.kill()
        source.stop()


def read_batches(server, login, rows):
    """The batches of `full`, once they hold so many rows; each is a transaction of three records."""
    connection = witness.Connection(server.kafka_port, "full", login)
    batches, at = [], 0
    while fetched := connection.fetch(at, 64 << 20, wait_ms=0).batches:
        batches += fetched
        at = batches[-1].next
    connection.close()
    return batches if at >= 3 * rows else None


@pytest.fixture
def copy(kept, scratch, new_wellhead):
    """The same folder again, with a server that is not started yet."""
    server = new_wellhead.serve(SMALL_SEGMENTS)
    shutil.copytree(kept.folder, server.data, ignore=shutil.ignore_patterns("admin.sock"))
    return server


@pytest.fixture
def folder(copy):
    """The files of the task's log."""
    return debris.LogFolder(copy.data, "full")


def assert_all_there(server, kept, behind=0):
    """What was ever served still is, byte by byte, and new rows come behind it."""
    number = kept.source.sql("SELECT MAX(id) + 1 FROM full.t")[0][0]
    kept.source.sql(f"INSERT INTO full.t VALUES ({number}, 'new')")
    batches = wait.until(lambda: read_batches(server, kept.login, number + 1), "the new row")
    assert batches[: len(kept.batches) - behind] == kept.batches[: len(kept.batches) - behind]
    rows = rows_of(server, kept)
    assert rows == list(range(number + 1)), "each row once, in order"


def rows_of(server, kept):
    """The numbers of the inserted rows in the log, read by a client that checks checksums."""
    records = clients.read_all(server.kafka, "full", kept.login)
    return [record.after(entry)["id"] for _, entry in records if entry["operation"] == "INSERT"]


def assert_other_goes_on(server, kept):
    """The neighbour follows its source."""
    before = server.task("other")["data_range"]["end_offset"]
    number = kept.source.sql("SELECT MAX(id) + 1 FROM other.t")[0][0]
    kept.source.sql(f"INSERT INTO other.t VALUES ({number}, 'x')")
    wait.until(lambda: server.task("other")["data_range"]["end_offset"] >= before + 3, "the neighbour's new row")


def assert_unusable(server, kept, *words):
    """The task says what is wrong and what to do; its neighbour goes on; nothing is served of it."""
    task = server.task("full")
    assert (task["state"], task["reason"]["code"]) == ("failed", "log_unusable"), task
    for word in words:
        assert word in task["reason"]["message"], task["reason"]
    assert task["reason"]["remedy"]
    assert_other_goes_on(server, kept)


def snapshot(folder):
    """The bytes of all segments."""
    return {path.name: path.read_bytes() for path in folder.segments()}


@pytest.mark.parametrize("leave", debris.ALL, ids=lambda leave: leave.__name__)
def test_j07_what_a_crash_leaves_behind_is_cleared_away(kept, copy, folder, dice, leave):
    leave(folder, dice)
    copy.start()
    assert_all_there(copy, kept)
    assert not list(folder.path.glob("*.tmp"))


def test_j08_all_indexes_are_rebuilt(kept, copy, folder):
    before = {path.name: path.read_bytes() for path in folder.indexes()}
    assert before
    for path in folder.indexes():
        path.unlink()
    copy.start()
    assert {path.name: path.read_bytes() for path in folder.indexes()} == before
    assert "index is missing or damaged" in copy.log.read_text()
    assert_all_there(copy, kept)


def test_j08_an_index_of_a_newer_format_is_rebuilt(kept, copy, folder):
    for path in folder.indexes()[:2]:
        content = bytearray(path.read_bytes())
        content[VERSION_AT : VERSION_AT + 4] = (99).to_bytes(4, "big")
        path.write_bytes(content)
    copy.start()
    assert_all_there(copy, kept)


def test_j07_a_torn_end_is_cut_off_and_read_again(kept, copy, folder):
    active, batches, content = folder.whole()
    assert len(batches) > 1
    active.write_bytes(content[:-7])
    copy.start()
    assert "cutting off the torn end" in copy.log.read_text()
    assert_all_there(copy, kept, behind=1)


def test_damage_to_what_was_acknowledged_is_no_torn_end(kept, copy, folder):
    active, batches, content = folder.whole()
    assert len(batches) > 2
    spoil(active, len(content) // 2)
    before = snapshot(folder)
    copy.start()
    assert_unusable(copy, kept, active.name, "damaged at byte", "no torn end")
    assert snapshot(folder) == before, "nothing was cut off"
    copy.kill()
    assert_verify_names(copy, active)


def test_damage_to_a_closed_segment_reaches_no_client_unnoticed(kept, copy, folder):
    segment = folder.segments()[1]
    spoil(segment, segment.stat().st_size // 2 + 1000)
    at = next(batch.base for batch in witness.batches_of(segment.read_bytes()) if batch not in kept.batches)
    copy.start()
    # What is behind is not lost with it.
    batches = read_batches(copy, kept.login, ROWS)
    changed = [one for one, other in zip(kept.batches, batches) if one != other]
    assert [batch.base for batch in changed] == [at]
    taken, error = read_with_checks(copy, kept.login)
    assert (taken, error) == (list(range(at)), confluent_kafka.KafkaError._BAD_MSG)
    assert_other_goes_on(copy, kept)
    copy.kill()
    assert_verify_names(copy, segment)


def spoil(path, at):
    """Changes one bit of a file."""
    with open(path, "r+b") as file:
        file.seek(at)
        [byte] = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def assert_verify_names(server, path):
    """`wellhead log verify` finds the damage that is in a file."""
    done = wellhead.run("log", "verify", "--data-dir", server.data)
    assert done.returncode == BAD_ANSWER, done.stdout + done.stderr
    assert path.name in done.stdout + done.stderr


def read_with_checks(server, login):
    """The offsets that a client takes which looks at checksums, and the error that ends it."""
    consumer = confluent_kafka.Consumer(clients.Confluent.settings(server.kafka, login))
    consumer.assign([confluent_kafka.TopicPartition("full", 0, 0)])
    taken, errors = [], []

    def ended():
        for message in consumer.consume(1000, 0.2):
            if message.error():
                errors.append(message.error().code())
            elif not errors:
                taken.append(message.offset())
        return errors

    try:
        wait.until(ended, lambda: f"an error; {len(taken)} records came", 30, 0)
    finally:
        consumer.close()
    return taken, errors[0]


def test_a_lost_segment_stops_the_task_and_nothing_else(kept, copy, folder):
    lost = folder.segments()[1]
    lost.unlink()
    before = snapshot(folder)
    copy.start()
    assert_unusable(copy, kept, "does not follow")
    assert snapshot(folder) == before, "what is left is left as it is"


def test_a_segment_that_starts_elsewhere_stops_the_task(kept, copy, folder):
    one, two = folder.segments()[:2]
    shutil.copy(one, two)
    for kind in debris.INDEXES:
        two.with_suffix(f".{kind}").unlink()
    copy.start()
    assert_unusable(copy, kept, two.name)


def test_an_identity_that_is_lost_stops_the_task(kept, copy, folder):
    (folder.path / "partition.meta").unlink()
    before = snapshot(folder)
    copy.start()
    assert_unusable(copy, kept, "partition.meta")
    assert snapshot(folder) == before


def test_an_identity_that_is_damaged_stops_the_task(kept, copy, folder):
    meta = folder.path / "partition.meta"
    content = bytearray(meta.read_bytes())
    content[-1] ^= 1
    meta.write_bytes(content)
    copy.start()
    assert_unusable(copy, kept, "partition.meta", "checksum")


def test_a_log_of_a_newer_format_is_left_alone(kept, copy, folder):
    meta = folder.path / "partition.meta"
    content = bytearray(meta.read_bytes())
    content[VERSION_AT : VERSION_AT + 4] = (99).to_bytes(4, "big")
    meta.write_bytes(content)
    before = snapshot(folder)
    copy.start()
    assert_unusable(copy, kept, "99", "newer")
    assert snapshot(folder) == before and meta.read_bytes() == bytes(content)


def test_a_log_that_another_process_holds_is_told_and_can_be_started_later(kept, copy, folder):
    with open(folder.path / "lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy.start()
        assert_unusable(copy, kept, "in use")
    copy.api("POST", "/tasks/full/start", expect=202)
    copy.wait_for_state("full", "normal")
    assert_all_there(copy, kept)


def test_files_of_others_are_left_alone(kept, copy, folder):
    foreign = [
        folder.path / "notes.txt",
        folder.path / "42.log",
        folder.path / "00000000000000000001.log.bak",
        copy.data / "log" / "README",
        copy.data / "log" / "lost+found" / "0" / "00000000000000000000.log",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not ours")
    copy.start()
    assert_all_there(copy, kept)
    assert all(path.read_bytes() == b"not ours" for path in foreign)


def test_a_read_only_data_folder_is_refused(copy):
    mounted = copy.data
    disk.mount("--bind", mounted, mounted)
    try:
        disk.mount("-o", "remount,bind,ro", mounted)
        copy.spawn()
        assert copy.process.wait(30) == ENVIRONMENT, copy.log_tail()
        assert str(mounted) in copy.log_tail() and "--data-dir" in copy.log_tail()
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_log_that_is_gone_is_not_begun_anew_in_silence(kept, copy, folder):
    shutil.rmtree(folder.path)
    copy.start()
    assert_unusable(copy, kept, "is gone")
    status, refused = copy.api("POST", "/tasks/full/start")
    assert status >= 400 and "is gone" in refused["detail"], refused
    assert not folder.path.exists()
    # The other way out, as the remedy says it: the task is made anew, with a topic that begins at 0.
    copy.api("DELETE", "/tasks/full")
    copy.track_now("full", kept.source, "full")
    assert_other_goes_on(copy, kept)


def test_killed_while_tasks_come_and_go(kept, new_wellhead, dice):
    """Whatever was half done, the next start serves, and a task is there whole, is gone, or says that its log is."""
    kept.source.sql("CREATE DATABASE moving", "CREATE TABLE moving.t (id INT PRIMARY KEY)")
    server = new_wellhead.serve()
    names = ("one", "two")
    for _ in range(LIVES):
        server.start()
        for task in server.api("GET", "/tasks", expect=200)[1]["items"]:
            if task["state"] == "failed":
                assert "is gone" in task["reason"]["message"], task
                server.api("DELETE", f"/tasks/{task['name']}")
        acts = threading.Thread(target=come_and_go, args=(server, kept.source, names, dice.getrandbits(30)))
        acts.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(dice.uniform(0, 0.15))
            raise wellhead.Exited(f"it ended by itself:\n{server.log_tail()}")
        server.kill()
        acts.join(30)
    server.start()
    for name in names:
        server.api("DELETE", f"/tasks/{name}")
    assert not list((server.data / "log").iterdir()), "nothing of a deleted task is left"
    server.track_now("one", kept.source, "moving")
    kept.source.sql("INSERT INTO moving.t VALUES (1)")
    login = server.new_login("one")

    def rows():
        records = clients.read_all(server.kafka, "one", login)
        return [record.after(entry)["id"] for _, entry in records if record.is_row(entry)]

    assert wait.until(rows, "the row") == [1]


def come_and_go(server, source, names, seed):
    """Creates, starts, pauses and deletes tasks until the server is gone."""
    dice = random.Random(seed)
    body = {"source": {"url": source.url()}, "objects": {"moving": {"all": True}}, "auto_start": True}
    with contextlib.suppress(OSError, http.client.HTTPException):
        while True:
            task = f"/tasks/{dice.choice(names)}"
            match dice.choice(("put", "put", "delete", "start", "pause")):
                case "put":
                    server.api("PUT", task, body)
                case "delete":
                    server.api("DELETE", task)
                case act:
                    server.api("POST", f"{task}/{act}")
