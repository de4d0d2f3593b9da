"""Garbage, hostile lengths and full disks: nothing panics, spins or loses data."""

import contextlib
import socket
import struct

import confluent_kafka
import kafka
import pytest

from harness import clients, disk, load, record, wait


def dial(server):
    return socket.create_connection(("127.0.0.1", server.kafka_port), timeout=20)


def closed_by_peer(connection):
    """Whether the server ends the connection, with or without an answer first."""
    connection.settimeout(20)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def assert_unharmed(server, topic, rows):
    follower = clients.Follower(server.kafka, topic)
    try:
        assert len(follower.wait_for_rows(rows)) == rows
    finally:
        follower.close()
    assert "panicked" not in server.log.read_text()


@pytest.fixture
def tapped(source, schema, new_wellhead):
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    server = new_wellhead.tap(source.url(schema)).start()
    source.sql(f"INSERT INTO {schema}.t VALUES (1), (2), (3)")
    assert_unharmed(server, schema, 3)
    return server, schema


def test_garbage_on_the_kafka_port_ends_that_connection_alone(tapped, dice):
    server, topic = tapped
    for _ in range(200):
        with dial(server) as connection:
            connection.sendall(dice.randbytes(dice.randrange(1, 4000)))
            connection.shutdown(socket.SHUT_WR)
            assert closed_by_peer(connection)
    with dial(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert closed_by_peer(connection)
    assert_unharmed(server, topic, 3)


@pytest.mark.parametrize("length", [2**31 - 1, 2_000_000_000, -1, -(2**31)])
def test_a_request_of_two_gigabytes_is_refused_before_it_is_read(tapped, length):
    server, topic = tapped
    before = server.memory_peak_mib()
    with dial(server) as connection:
        connection.sendall(struct.pack(">ihhi", length, 18, 0, 1))
        assert closed_by_peer(connection)
    assert server.memory_peak_mib() - before < 32
    assert_unharmed(server, topic, 3)


def test_hostile_lengths_inside_a_request_allocate_nothing(tapped):
    server, topic = tapped
    before = server.memory_peak_mib()
    header = struct.pack(">hhih", 3, 1, 7, -1)
    for count in (2**31 - 1, 2**28, -7):
        body = header + struct.pack(">i", count)
        with dial(server) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            connection.shutdown(socket.SHUT_WR)
            assert closed_by_peer(connection)
    assert server.memory_peak_mib() - before < 32
    assert_unharmed(server, topic, 3)


def test_a_silent_connection_stops_nobody(tapped):
    server, topic = tapped
    with contextlib.ExitStack() as open_ones:
        for _ in range(50):
            open_ones.enter_context(dial(server)).sendall(b"\x00\x00")
        assert_unharmed(server, topic, 3)


def test_a_foreign_group_id_is_refused(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    server.track_now("shop", source, ledger.name)
    ledger.fill()
    mine, other = server.new_login("shop", "mine"), server.new_login("shop", "other")
    foreign = clients.Login(other.group, mine.user, mine.password)
    consumer = kafka.KafkaConsumer(**clients.KafkaPython.settings(server.kafka, foreign))
    with pytest.raises((kafka.errors.GroupAuthorizationFailedError, kafka.errors.InvalidGroupIdError)):
        consumer.commit({kafka.TopicPartition("shop", 0): kafka.OffsetAndMetadata(5, "", -1)})
    consumer.close(autocommit=False)


def test_a_wrong_kafka_password_is_refused(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    server.track("shop", source, new_ledger(source).name)
    login = server.new_login("shop")
    wrong = clients.Login(login.group, login.user, "Wrong_123")
    errors = []
    consumer = confluent_kafka.Consumer(
        {**clients.Confluent.settings(server.kafka, wrong), "error_cb": errors.append}
    )
    consumer.assign([confluent_kafka.TopicPartition("shop", 0, 0)])
    wait.until(lambda: consumer.poll(0.2) or errors, "an answer to the wrong password")
    consumer.close()
    assert any(error.code() == confluent_kafka.KafkaError._AUTHENTICATION for error in errors), errors
    for secret in (login.password, wrong.password):
        assert secret not in server.log.read_text()


def test_a_full_disk_stops_the_capture_and_loses_nothing(source, new_wellhead, new_ledger, scratch, dice):
    with disk.in_memory(scratch / "disk", 48 << 20) as small:
        ledger = new_ledger(source)
        source.sql(f"CREATE TABLE {ledger.name}.bulk (id INT PRIMARY KEY, v LONGBLOB)")
        server = new_wellhead.tap(source.url(ledger.name), data=small.folder / "data").start()
        ledger.fill().start(writers=1)
        for number in range(80):
            insert_bytes(source, ledger.name, number, dice.randbytes(1 << 20))
        task = wait.until(
            lambda: stalled(server.task(ledger.name)),
            lambda: f"the task to say that the disk is full; it says {server.task(ledger.name)}",
            60,
        )
        assert task["reason"]["code"] == "disk_full" and task["reason"]["remedy"], task["reason"]
        assert clients.read_all(server.kafka, ledger.name), "what is in the log can still be read"
        disk.mount("-o", "remount,size=400m", small.folder)
        final = ledger.stop()
        follower = clients.Follower(server.kafka, ledger.name)
        expected = sum(final.values()) + len(final) + 80
        rows = follower.wait_for_rows(expected, 120)
        follower.close()
        bulk = [record.after(row)["id"] for row in rows if row["objectName"].endswith(".bulk")]
        assert bulk == list(range(80))
        load.assert_each_change_once([row for row in rows if row["objectName"].endswith(".counters")], final)
        server.kill()


def stalled(task):
    return task["verdict"] == "stalled" and task["reason"] and task


def insert_bytes(source, schema, number, content):
    with source.connect(schema) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO bulk VALUES (%s, %s)", (number, content))
