"""A group that may fetch only so many bytes a second is told so, gets everything all the same, and slows nobody down."""

import time

import confluent_kafka
import pytest

from harness import clients, wait, wellhead

ROWS, ROUNDS = 300, 10
ROW_BYTES = 1_000
RATE = 64 << 10
PASSWORD = "Secret_123"
CONFIGURATION = '[storage]\ncompression = "none"\nsync_interval = "0s"\n'


class Reader:
    """A librdkafka consumer that keeps what the broker tells it of its quota."""

    def __init__(self, server, topic, login):
        self.throttled_s = []
        settings = clients.Confluent.settings(server.kafka, login) | {
            "throttle_cb": lambda event: self.throttled_s.append(event.throttle_time),
        }
        self.consumer = confluent_kafka.Consumer(settings)
        self.consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        self.rows = 0

    def read(self, rows):
        """Reads so many records from the first one on; answers the seconds."""
        began = time.monotonic()

        def enough():
            messages = self.consumer.consume(1000, 0.1)
            assert not [message.error() for message in messages if message.error()]
            self.rows += sum(len(message.value()) > ROW_BYTES for message in messages)
            return self.rows >= rows

        wait.until(enough, lambda: f"{rows} rows; {self.rows} came", 120, 0)
        return time.monotonic() - began


def end_of(server, task):
    """The offset behind the last record."""
    seen = server.task(task)["data_range"]
    return seen["end_offset"] if seen else 0


@pytest.mark.parametrize("source", ["mariadb"], indirect=True)
def test_a_quota_is_told_and_kept_and_others_do_not_feel_it(source, schema, new_wellhead, dice):
    server = new_wellhead.serve(CONFIGURATION).start()
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY AUTO_INCREMENT, note TEXT)")
    server.track_now(schema, source, schema)
    logins = {}
    for name, more in (("slow", {"fetch_bytes_per_second": RATE}), ("free", {})):
        body = {"account": name, "password": PASSWORD, **more}
        _, group = server.api("PUT", f"/tasks/{schema}/groups/{name}", body, expect=200)
        logins[name] = clients.Login(group["group_id"], group["user"], PASSWORD)
    # An answer has one whole batch, however long: so there are as many as rounds, at least.
    for number in range(1, ROUNDS + 1):
        notes = (dice.randbytes(ROW_BYTES // 2).hex() for _ in range(ROWS // ROUNDS))
        source.sql(*(f"INSERT INTO {schema}.t (note) VALUES ('{note}')" for note in notes))
        # Each row stands between a BEGIN and a COMMIT.
        wait.until(lambda: end_of(server, schema) >= 3 * number * ROWS // ROUNDS, f"the rows of round {number}")
    readers = {name: Reader(server, schema, login) for name, login in logins.items()}
    try:
        slow_s = readers["slow"].read(ROWS)
        readers["free"].read(ROWS)
        # A second's worth is free, and the last answer's debt is nobody's any more.
        assert slow_s > (ROWS * ROW_BYTES - 2 * RATE) / RATE - 1, f"{slow_s:.1f} s"
        assert max(readers["slow"].throttled_s, default=0) > 0
        assert not any(readers["free"].throttled_s)
        shown = server.api("GET", f"/tasks/{schema}/groups/slow", expect=200)[1]
        assert shown["fetch_bytes_per_second"] == RATE

        # From the next answer on, without a new login.
        server.api("PUT", f"/tasks/{schema}/groups/slow", {"account": "slow", "password": PASSWORD}, expect=200)
        more = f"INSERT INTO {schema}.t (note) VALUES ('{'x' * ROW_BYTES}')"
        # What it was told before comes out before this row.
        source.sql(more)
        readers["slow"].read(ROWS + 1)
        readers["slow"].throttled_s.clear()
        source.sql(more)
        readers["slow"].read(ROWS + 2)
        assert not any(readers["slow"].throttled_s)
    finally:
        for reader in readers.values():
            reader.consumer.close()


def test_a_rate_is_given_on_the_command_line_and_in_the_file(source, schema, new_wellhead):
    server = new_wellhead.serve("[kafka.limits]\nfetch_rate = \"1MiB\"\n").start()
    server.track_now(schema, source, schema)
    where = ("--data-dir", server.data)
    made = wellhead.run("group", "create", "billing", "--task", schema, "--fetch-rate", "2MiB", *where)
    assert made.returncode == 0, made.stderr
    shown = wellhead.run("group", "show", "billing", "--task", schema, *where)
    assert "may fetch   2097152 bytes a second" in shown.stdout, shown.stdout + shown.stderr
    refused = wellhead.run("group", "create", "other", "--task", schema, "--fetch-rate", "1", *where)
    assert refused.returncode == 2 and "1024" in refused.stderr, refused.stderr
