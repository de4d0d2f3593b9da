"""What settings of librdkafka ask of a topic, in each compression that a topic can have."""

import json
import struct

import confluent_kafka
import pytest

from harness import clients, record, wait, wellhead

ROWS = 2_000
LZ4 = 3
# One batch at a time whatever its size, less than a batch, a few batches, and more than there is.
FETCH_BYTES = [1, 1_000, 50_000, 10_000_000]


@pytest.fixture(scope="module", params=["none", "lz4"])
def topic(request, client_source, session_folder):
    """A Wellhead of each compression with one topic: a large transaction that compresses well, and small ones."""
    name = f"compressed_{request.param}"
    client_source.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v VARCHAR(300))")
    folder = session_folder / f"librdkafka-{request.param}"
    server = wellhead.Wellhead.serve(folder, f'[storage]\ncompression = "{request.param}"\n').start()
    server.track_now(name, client_source, name)
    values = ", ".join(f"({number}, REPEAT('row {number} ', 20))" for number in range(ROWS))
    client_source.sql(f"INSERT INTO {name}.t VALUES {values}")
    client_source.sql(*(f"DELETE FROM {name}.t WHERE id = {number}" for number in range(20)))
    login = server.new_login(name)
    follower = clients.Follower(server.kafka, name, login)
    follower.wait_for_rows(ROWS + 20)
    follower.close()
    yield server, name, login, request.param
    server.kill()
    client_source.sql(f"DROP DATABASE {name}")


def codecs(server, name):
    """How the batches of a log are compressed, as their attributes say (KIP-98)."""
    found = set()
    for segment in (server.data / "log" / name).rglob("*.log"):
        data, at = segment.read_bytes(), 0
        while at + 61 <= len(data):
            size, = struct.unpack_from(">i", data, at + 8)
            if size <= 0:
                break
            found.add(struct.unpack_from(">h", data, at + 21)[0] & 7)
            at += 12 + size
    return found


@pytest.mark.parametrize("client", [clients.Confluent(), clients.KafkaPython(), clients.Kcat()],
                         ids=lambda client: client.name)
def test_a_topic_is_read_in_each_compression(topic, client):
    server, name, login, compression = topic
    assert (LZ4 in codecs(server, name)) == (compression == "lz4")
    end = clients.end_of(server.kafka, name, login)
    taken = client.read(server.kafka, name, clients.BEGINNING, end, login)
    assert [offset for offset, _ in taken] == list(range(end))
    rows = [entry for entry in (record.decode(value) for _, value in taken) if record.is_row(entry)]
    assert [record.after(row)["id"] for row in rows[:ROWS]] == list(range(ROWS))
    assert [row["operation"] for row in rows[ROWS:]] == ["DELETE"] * 20


@pytest.mark.parametrize("fetch_bytes", FETCH_BYTES)
def test_a_fetch_of_any_size_goes_on(topic, fetch_bytes):
    server, name, login, _ = topic
    end = clients.end_of(server.kafka, name, login)
    bounds = {"fetch.message.max.bytes": fetch_bytes, "fetch.max.bytes": max(fetch_bytes, 1_000),
              "message.max.bytes": 1_000}
    consumer = confluent_kafka.Consumer(clients.Confluent.settings(server.kafka, login) | bounds)
    consumer.assign([confluent_kafka.TopicPartition(name, 0, 0)])
    offsets = []

    def enough():
        for message in consumer.consume(1_000, 0.5):
            assert not message.error(), message.error()
            offsets.append(message.offset())
        return len(offsets) >= end

    wait.until(enough, lambda: f"{end} records, {len(offsets)} came", 60)
    consumer.close()
    assert offsets[:end] == list(range(end))


def test_the_statistics_of_a_member_are_right(topic):
    server, name, login, _ = topic
    said = []
    settings = {"statistics.interval.ms": 100, "stats_cb": lambda text: said.append(json.loads(text))}
    consumer = confluent_kafka.Consumer(clients.Confluent.settings(server.kafka, login) | settings)
    consumer.subscribe([name])
    end = clients.end_of(server.kafka, name, login)
    last = -1

    def caught_up():
        nonlocal last
        for message in consumer.consume(1_000, 0.2):
            last = message.offset()
        if not said or last + 1 < end:
            return False
        partition = said[-1]["topics"].get(name, {}).get("partitions", {}).get("0", {})
        return partition.get("app_offset", -1) >= end and said[-1]

    seen = wait.until(caught_up, lambda: f"statistics at the end; last: {str(said[-1:])[:2000]}", 60)
    consumer.close()
    partition = seen["topics"][name]["partitions"]["0"]
    # There are no transactions, so what is stable is all there is.
    assert partition["ls_offset"] == partition["hi_offset"] >= end
    assert partition["rxmsgs"] >= end and partition["fetch_state"] == "active"
    assert seen["cgrp"]["state"] == "up" and seen["cgrp"]["join_state"] == "steady"
    brokers = seen["brokers"].values()
    assert any(one["state"] == "UP" and one["rxbytes"] > 0 for one in brokers)
    assert {one[faults] for one in brokers for faults in ("rxerrs", "rxcorriderrs", "rxpartial", "txerrs")} == {0}
