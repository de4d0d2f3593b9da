"""`wellhead backup`: taken beside a server under load, restored, and served: the same records, nothing lost or twice."""

import json
import threading

import confluent_kafka
from harness import clients, load, record, wait, wellhead

NOTE = "x" * 900
SMALL = '[storage]\nsegment_bytes = "1MiB"\ncompression = "none"\nmin_free = "1%"\n'


def run(*arguments, code=0):
    done = wellhead.run("backup", *arguments, "-o", "json")
    assert done.returncode == code, done.stdout + done.stderr
    envelope = json.loads(done.stdout)
    assert envelope["ok"] == (code == 0), envelope
    return envelope["result"] if code == 0 else envelope["summary"]


def verified(data):
    done = wellhead.run("log", "verify", "--data-dir", data, "-o", "json")
    assert done.returncode == 0, done.stdout
    [log] = json.loads(done.stdout)["result"]
    return log


def cluster_id(broker, login):
    client = confluent_kafka.Consumer(clients.Confluent.settings(broker, login))
    try:
        return client.list_topics("shop", timeout=20).cluster_id
    finally:
        client.close()


def raw(broker, login, end):
    """Offset and bytes of each record before `end`."""
    return clients.Confluent().read(broker, "shop", clients.BEGINNING, end, login)[:end]


class Consumer:
    """Reads all the time as a member of its group, and commits what it has taken."""

    def __init__(self, broker, login):
        self.consumer = confluent_kafka.Consumer(clients.Confluent.settings(broker, login))
        self.consumer.subscribe(["shop"])
        self.taken = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            messages = [message for message in self.consumer.consume(100, 0.1) if not message.error()]
            if messages:
                self.taken += len(messages)
                self.consumer.commit(message=messages[-1], asynchronous=False)

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
        self.consumer.close()


def latest(records):
    """{id: counter} as the last record of each row has it."""
    counters = {}
    for entry in records:
        if record.is_row(entry):
            counters[record.after(entry)["id"]] = record.after(entry)["counter"]
    return counters


def caught_up(server, login, final):
    """All records, once they show the last change of every row."""
    follower = clients.Follower(server.kafka, "shop", login)
    try:
        follower.wait_for(
            lambda records: latest(follower.rows) == final and records[-1]["operation"] in ("COMMIT", "HEARTBEAT"),
            "the last change of every row",
        )
    finally:
        follower.close()
    return [entry for _, entry in clients.read_all(server.kafka, "shop", login)]


def test_taken_under_load_a_copy_serves_the_same_and_resumes(source, new_wellhead, new_ledger, scratch, dice):
    ledger = new_ledger(source)
    server = new_wellhead.serve(SMALL, name="original").start()
    server.track_now("shop", source, ledger.name)
    login = server.new_login("shop")
    server.new_login("shop", "idle")
    ledger.fill().start(seed=dice.getrandbits(30))
    consumer = Consumer(server.kafka, login)
    backups = []
    try:
        wait.until(lambda: consumer.taken > 500, "the consumer to read")
        for number in range(3):
            ledger.wait_for_commits(60)
            backup = scratch / f"backup-{number}"
            backups.append((backup, run("create", backup, "--data-dir", server.data)["manifest"]))
    finally:
        consumer.stop()
    assert not list(scratch.glob("*.unfinished"))
    for backup, manifest in backups:
        assert manifest["server_was_running"] and manifest["has_key"]
        assert oct(backup.stat().st_mode & 0o777) == "0o700"
        assert oct((backup / "catalog.key").stat().st_mode & 0o777) == "0o600"
        assert verified(backup)["end_offset"] == manifest["partitions"][0]["end_offset"]
    backup, manifest = backups[-1]
    end = manifest["partitions"][0]["end_offset"]
    original_id = cluster_id(server.kafka, login)
    assert manifest["partitions"][0]["cluster_id"] == original_id
    before = raw(server.kafka, login, end)

    copy = new_wellhead.serve(SMALL, name="copy")
    run("restore", backup, "--data-dir", copy.data)
    copy.start()
    # The original goes on, and is not cut off by the copy that reads the same source.
    ledger.wait_for_commits(100)
    final = ledger.stop()
    for one in (server, copy):
        records = caught_up(one, login, final)
        load.assert_each_change_once(records, final)
        load.assert_transactions_are_whole(records)
        assert one.task("shop")["state"] == "normal", one.task("shop")
    assert raw(copy.kafka, login, end) == before, "the same records, byte for byte"
    assert cluster_id(copy.kafka, login) != original_id, "offsets behind the end are other records"
    assert cluster_id(server.kafka, login) == original_id
    group = copy.api("GET", "/tasks/shop/groups/reader", expect=200)[1]
    assert 0 < group["checkpoint"]["offset"] <= end, group
    assert copy.api("GET", "/tasks/shop/groups/idle", expect=200)[1]["checkpoint"] is None
    # The group goes on in the copy where it stood, and skips nothing.
    [(offset, _)] = clients.Confluent().read(copy.kafka, "shop", clients.COMMITTED, 1, login)[:1]
    assert offset == group["checkpoint"]["offset"]
    # The original wrote nothing into the backup, nor did the copy.
    assert verified(backup)["end_offset"] == end
    second = scratch / "again"
    run("restore", backup, "--data-dir", second, "--link")
    assert verified(second)["end_offset"] == end


def test_rolls_and_retention_while_backups_are_taken(source, new_wellhead, schema, scratch):
    """Segments are closed and removed all the time; each backup is whole, from an offset on."""
    keep = '[[task]]\nname = "shop"\nsource = "db"\ntables = ["%s.*"]\nkeep = { max_bytes = "3MiB" }\n' % schema
    database = f'[[source]]\nname = "db"\nkind = "{kind_of(source)}"\nurl = "{source.url()}"\n'
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(1000))")
    server = new_wellhead.serve(SMALL + database + keep).start()
    wait.until(lambda: server.api("GET", "/tasks/shop")[0] == 200, "the task of the file")
    server.wait_for_state("shop", "normal")
    stopping = threading.Event()

    def write():
        rows = ",".join(f"('{NOTE}')" for _ in range(200))
        while not stopping.is_set():
            source.sql(f"INSERT INTO {schema}.t (note) VALUES {rows}")

    writer = threading.Thread(target=write)
    writer.start()
    starts = []

    def taken():
        backup = scratch / f"backup-{len(starts)}"
        [partition] = run("create", backup, "--data-dir", server.data)["manifest"]["partitions"]
        log = verified(backup)
        assert (log["start_offset"], log["end_offset"]) == (partition["start_offset"], partition["end_offset"])
        assert log["damages"] == log["unfinished"] == log["notes"] == 0, log
        starts.append(log["start_offset"])
        return len(set(starts)) > 3

    try:
        wait.until(taken, lambda: f"retention to move the start; seen: {starts}", 60)
    finally:
        stopping.set()
        writer.join(60)


def kind_of(source):
    return "mariadb" if "MariaDB" in source.sql("SELECT VERSION()")[0][0] else "mysql"


def test_from_a_stopped_server_the_copy_goes_on_as_the_original(source, new_wellhead, schema, follow, scratch):
    server = new_wellhead.serve(SMALL, name="original").start()
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    server.track_now("shop", source, schema)
    login = server.new_login("shop")
    source.sql(f"INSERT INTO {schema}.t VALUES (1), (2), (3)")
    follow(server.kafka, "shop", login).wait_for_rows(3)
    server_id = cluster_id(server.kafka, login)
    assert server.stop() == 0
    backup = scratch / "backup"
    manifest = run("create", backup, "--data-dir", server.data)["manifest"]
    assert not manifest["server_was_running"] and manifest["groups_set_back"] == []
    source.sql(f"INSERT INTO {schema}.t VALUES (4)")

    copy = new_wellhead.serve(SMALL, name="copy")
    assert run("restore", backup, "--data-dir", copy.data)["cluster_id"] == "kept"
    copy.start()
    rows = follow(copy.kafka, "shop", login).wait_for_rows(4)
    assert [record.after(row)["id"] for row in rows] == [1, 2, 3, 4]
    assert cluster_id(copy.kafka, login) == server_id
    forced = scratch / "forced"
    assert run("restore", backup, "--data-dir", forced, "--cluster-id", "new")["cluster_id"] == "new"
    assert copy.stop() == 0

    # What is wrong is refused, and leaves nothing behind.
    assert "is not empty" in run("restore", backup, "--data-dir", copy.data, code=2)
    assert "is not empty" in run("create", backup, "--data-dir", server.data, code=2)
    assert "lies in the data folder" in run("create", server.data / "b", "--data-dir", server.data, code=2)
    assert "is no data folder" in run("create", scratch / "x", "--data-dir", scratch, code=3)
    assert "give the folder to make" in run("restore", backup, code=2)
    segment = next((backup / "log" / "shop" / "0").glob("*.log"))
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "is damaged" in run("restore", backup, "--data-dir", scratch / "new", code=4)
    segment.write_bytes(whole)
    text = (backup / "backup.json").read_text()
    (backup / "backup.json").write_text(text.replace('"version": 1', '"version": 2'))
    assert "restore it with the release that made it" in run("restore", backup, "--data-dir", scratch / "new", code=4)
    (backup / "backup.json").unlink()
    assert "a folder that wellhead backup create made?" in run("restore", backup, "--data-dir", scratch / "new", code=3)
    assert not (scratch / "new").exists() and not list(scratch.glob("*.unfinished"))


def test_without_its_key_a_backup_holds_no_password(source, new_wellhead, schema, scratch):
    server = new_wellhead.serve(SMALL, name="original").start()
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    server.track_now("shop", source, schema)
    backup = scratch / "backup"
    run("create", backup, "--data-dir", server.data, "--without-key")
    assert not (backup / "catalog.key").exists() and not (backup / "admin.token").exists()
    copy = new_wellhead.serve(SMALL, name="copy")
    run("restore", backup, "--data-dir", copy.data)
    copy.spawn()
    assert copy.process.wait(30) == 3 and "catalog.key is missing" in copy.log_tail()
    key = copy.data / "catalog.key"
    key.write_bytes((server.data / "catalog.key").read_bytes())
    key.chmod(0o600)
    copy.start()
    copy.wait_for_state("shop", "normal")
