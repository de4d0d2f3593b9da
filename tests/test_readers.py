"""Many readers at once: those that take everything, those that take nothing, and those whose log is deleted."""

import base64
import contextlib
import resource
import socket
import struct
import threading

import confluent_kafka
import pytest

from harness import clients, wait

STALLED = 200
HALF_OPEN = 1_000
LIVE = 20
ROWS_A_STATEMENT = 500
MIB = 1 << 20
# A stalled reader's answer reaches to the end of a segment, and is more than sockets take in.
SEGMENTS = '[storage]\nsegment_bytes = "8MiB"\n'
# What so many connections may take beside their sockets.
CONNECTIONS_MIB_MAX = 64
OFFSET_OUT_OF_RANGE = 1
FETCH, FETCH_VERSION = 1, 4


@pytest.fixture(autouse=True)
def enough_files():
    """This process holds more than a thousand sockets, and the Wellheads it starts as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4_096 if hard == resource.RLIM_INFINITY else min(4_096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Shop:
    """A task that tracks one table, on a server that asks for no login."""

    def __init__(self, source, schema, server, dice):
        self.source, self.schema, self.server, self.dice = source, schema, server, dice
        source.sql(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY AUTO_INCREMENT, note TEXT)")
        config = server.folder / "wellhead.toml"
        config.write_text(config.read_text().replace("[http]", "sasl = []\n[http]"))
        server.start()
        server.track_now(schema, source, schema)

    def insert(self, statements):
        """Adds half a megabyte for each statement, that no compression makes less."""
        for _ in range(statements):
            notes = (base64.b64encode(self.dice.randbytes(750)).decode() for _ in range(ROWS_A_STATEMENT))
            values = ",".join(f"('{note}')" for note in notes)
            self.source.sql(f"INSERT INTO {self.schema}.orders (note) VALUES {values}")

    def log_bytes(self):
        """The length of the log."""
        seen = self.server.task(self.schema)["data_range"]
        return seen["bytes"] if seen else 0


def fetch(topic, offset, max_bytes=1 << 30):
    """A whole Fetch request, for partition 0."""
    name = topic.encode()
    body = struct.pack(">iiiib", -1, 0, 1, max_bytes, 0)
    body += struct.pack(">ih", 1, len(name)) + name + struct.pack(">iiqi", 1, 0, offset, max_bytes)
    request = struct.pack(">hhih", FETCH, FETCH_VERSION, 1, -1) + body
    return struct.pack(">i", len(request)) + request


def answer_of(connection, topic):
    """Reads an answer to `fetch`: its error, and the length of its records."""
    (length,) = struct.unpack(">i", receive(connection, 4))
    answer = receive(connection, length)
    # correlation id, throttle time, topics, the name with its length, partitions, the partition
    at = 12 + 2 + len(topic.encode()) + 8
    error, _, _, _, records = struct.unpack_from(">hqqii", answer, at)
    assert length == at + 26 + max(records, 0), "the answer is not whole"
    return error, records


def receive(connection, count):
    """Exactly so many bytes."""
    data = bytearray()
    while len(data) < count:
        more = connection.recv(min(count - len(data), MIB))
        assert more, "the connection was closed"
        data += more
    return data


def connect(server):
    """A socket that takes in little."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", server.kafka_port))
    return connection


def resident_mib(server):
    """What the process holds now, without pages of files."""
    status = open(f"/proc/{server.process.pid}/status", encoding="ascii").read()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) / 1024


class Reader(threading.Thread):
    """A librdkafka consumer that notes the offset, time and value of each record, up to an offset."""

    def __init__(self, server, topic, end):
        super().__init__()
        self.server, self.topic, self.end = server, topic, end
        self.seen, self.failure = [], None

    def run(self):
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.server.kafka, "group.id": "any", "enable.auto.commit": False,
        })
        try:
            consumer.assign([confluent_kafka.TopicPartition(self.topic, 0, 0)])
            wait.until(lambda: self._read(consumer), lambda: f"{self.end} records; seen: {len(self.seen)}", 120)
        except Exception as failure:
            self.failure = failure
        finally:
            consumer.close()

    def _read(self, consumer):
        for message in consumer.consume(1_000, 1):
            assert message.error() is None, message.error()
            self.seen.append((message.offset(), message.timestamp()[1], hash(message.value())))
        return len(self.seen) >= self.end


def stall(server, topic, number):
    """A reader that asks three times for everything and takes nothing, or only the beginning."""
    connection = connect(server)
    connection.sendall(fetch(topic, 0) * 3)
    connection.recv(1, socket.MSG_PEEK)
    if number % 2:
        receive(connection, 1_000)
    return connection


def half_open(server, number):
    """A client that says nothing, or not even all of a length."""
    connection = connect(server)
    connection.sendall(b"\x00" * (number % 4))
    return connection


# Nothing here depends on the kind of the source.
@pytest.mark.parametrize("source", ["mariadb"], indirect=True)
def test_i03_readers_that_take_nothing_cost_others_nothing(source, new_wellhead, schema, dice):
    server = new_wellhead.serve(SEGMENTS)
    shop = Shop(source, schema, server, dice)
    shop.insert(40)
    wait.until(lambda: shop.log_bytes() > 18 * MIB, lambda: f"the log to grow; it has {shop.log_bytes()}", 60)
    before = resident_mib(server)
    with contextlib.ExitStack() as ends:
        idle = [ends.enter_context(half_open(server, number)) for number in range(HALF_OPEN)]
        stalled = [ends.enter_context(stall(server, schema, number)) for number in range(STALLED)]
        grown = resident_mib(server) - before
        assert grown < CONNECTIONS_MIB_MAX, f"{len(idle) + len(stalled)} connections took {grown:.0f} MiB"

        # The log grows on, and everybody who reads it gets the same.
        shop.insert(4)
        wait.until(lambda: shop.log_bytes() > 20 * MIB, lambda: f"the log to grow; it has {shop.log_bytes()}", 60)
        end = clients.end_of(server.kafka, schema)
        readers = [Reader(server, schema, end) for _ in range(LIVE)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
            assert reader.failure is None, reader.failure
        expected = readers[0].seen[:end]
        assert [offset for offset, *_ in expected] == list(range(end))
        assert all(reader.seen[:end] == expected for reader in readers)

        # Retention deletes under them. What had begun comes whole; what is asked for afterwards is refused.
        server.track(schema, source, schema, keep={"max_bytes": MIB})
        wait.until(lambda: server.task(schema)["data_range"]["begin_offset"] > 0, "old segments to go", 60)
        for connection in stalled[::50]:
            error, length = answer_of(connection, schema)
            assert (error, length > 6 * MIB) == (0, True)
            assert answer_of(connection, schema)[0] == OFFSET_OUT_OF_RANGE
