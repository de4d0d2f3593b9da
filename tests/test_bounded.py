"""What is held stays within its bounds: full disks, disks that stall, logs that are kept for a while, one budget."""

import contextlib
import re
import urllib.request

import confluent_kafka

from harness import clients, disk, record, wait

ROW_BYTES = 256 << 10
MIB = 1 << 20


def settings(**more):
    """Small segments, nothing compressed, so that bytes of rows are bytes of the disk."""
    sections = {
        "storage": {"segment_bytes": '"1MiB"', "compression": '"none"', "min_free": '"0"'},
        "capture": {"queue_bytes": '"1MiB"', "heartbeat": '"1s"'},
        "memory": {"budget": '"32MiB"'},
    }
    for path, value in more.items():
        section, key = path.split("__")
        sections.setdefault(section, {})[key] = value
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )


class Bulk:
    """A table of large rows, numbered from 0."""

    def __init__(self, source, schema, dice):
        self.source, self.schema, self.dice = source, schema, dice
        self.count = 0
        source.sql(f"CREATE TABLE {schema}.bulk (id INT PRIMARY KEY, v LONGBLOB)")

    def insert(self, count):
        """So many rows more, each a transaction."""
        with self.source.connect(self.schema) as connection, connection.cursor() as cursor:
            for _ in range(count):
                cursor.execute("INSERT INTO bulk VALUES (%s, %s)", (self.count, self.dice.randbytes(ROW_BYTES)))
                connection.commit()
                self.count += 1

    def assert_once(self, follower, first=0, deadline_s=120):
        """Each row is in the log once, in order."""
        rows = follower.wait_for_rows(self.count - first, deadline_s)
        assert [number_of(row) for row in rows] == list(range(first, self.count))


def number_of(row):
    """The row's place in its table."""
    return record.after(row)["id"]


def paused(server, task):
    """The task, once it waits for the disk."""

    def look():
        seen = server.task(task)
        return seen["verdict"] == "stalled" and seen["reason"] and seen

    return wait.until(look, lambda: f"the task to wait for the disk; it says {server.task(task)}", 60)


def test_i03_the_capture_pauses_before_the_reserve_is_used_and_goes_on_by_itself(
    source, new_wellhead, schema, scratch, dice, follow
):
    reserve = 16 * MIB
    with disk.in_memory(scratch / "disk", 64 * MIB) as small:
        server = new_wellhead.serve(settings(storage__min_free='"16MiB"'), data=small.folder / "data").start()
        bulk = Bulk(source, schema, dice)
        server.track_now(schema, source, schema)
        login = server.new_login(schema)
        follower = follow(server.kafka, schema, login)
        bulk.insert(4)
        bulk.assert_once(follower)

        small.fill_to(reserve + 4 * MIB)
        bulk.insert(40)
        task = paused(server, schema)
        assert task["state"] == "error" and task["reason"]["code"] == "disk_full", task
        assert "16777216" in task["reason"]["message"] and task["reason"]["remedy"], task["reason"]
        assert task["lag_seconds"] is not None, task
        assert small.free() > reserve - 3 * MIB, "one batch at most is taken from the reserve"
        seen = server.api("GET", "/server", expect=200)[1]
        assert seen["disk"]["free_bytes"] < seen["disk"]["min_free_bytes"] == reserve, seen
        assert seen["memory"]["budget_bytes"] == 32 * MIB and seen["memory"]["used_bytes"] <= 32 * MIB, seen
        assert re.search(r"free space, or lower the task's retention", server.log.read_text())
        assert metric(server, "wellhead_memory_budget_used_ratio") <= 1
        # The reserve is there for what keeps the server usable.
        assert server.new_login(schema, "second").group

        small.empty()
        server.wait_for_state(schema, "normal")
        bulk.assert_once(follower)
        assert server.task(schema)["reason"] is None
        server.kill()


def test_i03_a_disk_that_others_fill_to_the_last_byte_ends_nothing(
    source, new_wellhead, schema, scratch, dice, follow
):
    with disk.in_memory(scratch / "disk", 48 * MIB) as small:
        server = new_wellhead.serve(settings(), data=small.folder / "data").start()
        bulk = Bulk(source, schema, dice)
        server.track_now(schema, source, schema)
        login = server.new_login(schema)
        follower = follow(server.kafka, schema, login)
        bulk.insert(3)
        bulk.assert_once(follower)

        # Segments of four rows: appends, indexes and new segments all meet the end of the disk.
        for left in (5 * MIB // 2, MIB, 0):
            small.fill_to(left)
            bulk.insert(12)
            task = paused(server, schema)
            assert (task["reason"]["code"], task["state"]) == ("disk_full", "error"), task
            if left:
                small.empty()
                server.wait_for_state(schema, "normal")
                bulk.assert_once(follower)
        # The catalog has no room either: what must be kept is refused, and everything else goes on.
        small.fill_to(0)
        refused = catalog_writes(server, schema)
        assert refused, "a full disk takes no more"
        assert all(500 <= status < 600 and answer["code"] for status, answer in refused), refused
        assert server.alive() and server.ready()
        assert clients.end_of(server.kafka, schema, login) > 0
        small.empty()
        server.wait_for_state(schema, "normal")
        bulk.insert(1)
        bulk.assert_once(follower)
        assert server.new_login(schema, "late").group
        server.kill()


def catalog_writes(server, task):
    """Answers of the API that are no success, to what it must keep. A page or two may still be free within
    the catalog."""
    asked = [("PUT", f"/tasks/{task}/groups/g{number}", {"account": f"g{number}", "password": "Secret_123"})
             for number in range(40)]
    answers = [server.api(*one) for one in asked]
    return [(status, answer) for status, answer in answers if status >= 400]


def metric(server, name):
    """A metric without labels."""
    token = (server.data / "admin.token").read_text().strip()
    ask = urllib.request.Request(f"http://{server.http}/metrics", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(ask, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_j08_what_is_kept_by_size_and_age_is_what_readers_and_the_data_range_say(
    source, new_wellhead, schema, dice, follow
):
    server = new_wellhead.serve(settings()).start()
    bulk = Bulk(source, schema, dice)
    keep = {"keep": {"retention": "1h", "max_bytes": 3 * MIB}}
    server.track(schema, source, schema, auto_start=True, **keep)
    server.wait_for_state(schema, "normal")
    login = server.new_login(schema)
    bulk.insert(40)

    def moved():
        seen = server.task(schema)["data_range"]
        return seen and seen["begin_offset"] > 0 and seen["bytes"] <= 5 * MIB and seen

    wait.until(moved, lambda: f"old segments to go; the task is {server.task(schema)}")
    with reader(server, login) as consumer:
        place = confluent_kafka.TopicPartition(schema, 0, 0)
        # What is gone is refused by name, and not answered from elsewhere.
        consumer.assign([place])
        error = wait.until(lambda: refusal(consumer), "a reader of offset 0 to be refused")
        assert error.code() == confluent_kafka.KafkaError._AUTO_OFFSET_RESET, error
        begin, _ = consumer.get_watermark_offsets(place, timeout=20)
        assert begin > 0
        consumer.assign([confluent_kafka.TopicPartition(schema, 0, begin)])
        first = wait.until(lambda: consumer.poll(0.2), "the first record that is kept")
        assert first.error() is None and first.offset() >= begin
        told = server.api("GET", f"/tasks/{schema}/data-range", expect=200)[1]
        assert told["begin_offset"] >= begin and told["begin_unix"] >= first.timestamp()[1] // 1000

    # By age: everything but the last batch is too old at once.
    server.track(schema, source, schema, keep={"retention": "1s"})
    bulk.insert(8)
    end = clients.end_of(server.kafka, schema, login)

    def aged():
        seen = server.task(schema)["data_range"]
        return seen["begin_offset"] > begin and seen["bytes"] <= 2 * MIB and seen

    seen = wait.until(aged, lambda: f"what is old to go; the task is {server.task(schema)}")
    assert seen["end_offset"] >= end
    assert server.stop() == 0
    server.start()
    server.wait_for_state(schema, "normal")
    follower = follow(server.kafka, schema, login)
    again = server.task(schema)["data_range"]
    assert again["begin_offset"] >= seen["begin_offset"] and again["end_offset"] >= end
    bulk.insert(1)
    follower.wait_for(lambda _: any(number_of(row) == bulk.count - 1 for row in follower.rows), "the newest row")


@contextlib.contextmanager
def reader(server, login):
    """A consumer that is told when what it asks for is gone."""
    options = clients.Confluent.settings(server.kafka, login) | {"auto.offset.reset": "error"}
    consumer = confluent_kafka.Consumer(options)
    try:
        yield consumer
    finally:
        consumer.close()


def refusal(consumer):
    message = consumer.poll(0.2)
    return message.error() if message is not None else None


def test_i03_a_disk_that_stalls_longer_than_the_source_waits_loses_nothing(
    source, new_wellhead, schema, scratch, dice, follow
):
    """A source gives up a reader that stands still for its `net_write_timeout`; here it is told to at once."""
    with disk.in_file(scratch / "disk", 256 * MIB) as stalling:
        server = new_wellhead.serve(settings(), data=stalling.folder / "data").start()
        bulk = Bulk(source, schema, dice)
        before = dump_ids(source)
        server.track_now(schema, source, schema)
        login = server.new_login(schema)
        follower = follow(server.kafka, schema, login)
        bulk.insert(4)
        bulk.assert_once(follower)
        (dump,) = dump_ids(source) - before

        stalling.freeze()
        bulk.insert(120)
        task = paused(server, schema)
        assert task["reason"]["code"] == "disk_slow" and task["lag_seconds"] > 2, task
        memory = server.api("GET", "/server", expect=200)[1]["memory"]
        assert memory["used_bytes"] <= memory["budget_bytes"], memory
        assert server.memory_peak_mib() < 150, server.memory_peak_mib()
        source.sql(f"KILL {dump}")
        wait.until(lambda: dump not in dump_ids(source), "the source to give its reader up")
        stalling.thaw()

        bulk.assert_once(follower)
        wait.until(lambda: server.task(schema)["state"] == "normal", "the task to follow again")
        server.kill()


def dump_ids(source):
    """Connections of the source that send its log."""
    return {row[0] for row in source.sql("SHOW PROCESSLIST") if "Binlog Dump" in str(row[4])}
