"""One served topic for all clients, and their tours, a few at a time."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import threading

import confluent_kafka
import pytest

from harness import clients, database, wait, wellhead

import tour

# Two processors run them; a third program fills the waits of the others.
SIDE_BY_SIDE = 3


@dataclasses.dataclass(frozen=True)
class Held:
    """One record as the topic holds it."""

    key: bytes | None
    value: bytes
    timestamp: int


class Served:
    """A Wellhead with one task of sixty rows, committed in at least three different seconds."""

    topic = "served"

    def __init__(self, server, source, folder):
        self.server = server
        self.source = source
        self.folder = folder
        self.broker = server.kafka
        self.accounts = itertools.count()
        self.records = self._read()
        self.end = len(self.records)
        self.rows = tour.rows(self.records)
        self.second, self.offset_of_second = tour.second_in_the_middle(self.records)
        assert self.end > 3 * tour.COUNT and self.offset_of_second + 2 < self.end

    def rows_from(self, offset):
        """The row changes at an offset and behind it: offset, operation, table."""
        return [row for row in self.rows if row[0] >= offset]

    @property
    def second_of_last_row(self):
        """The source's second of the last row change."""
        return self.timestamp(self.rows[-1][0]) // 1000

    @property
    def first_of_newest(self):
        """The offset of the first record of the newest time; what has come since is newer."""
        times = [held.timestamp for held in self.records]
        return times.index(max(times))

    def timestamp(self, offset):
        """The time of a record in ms, as Kafka tells it."""
        return self.records[offset].timestamp

    @contextlib.contextmanager
    def new_login(self):
        """A consumer group for one program; a task has twenty at most, so it goes with the program."""
        account = f"c{next(self.accounts)}"
        login = self.server.new_login(self.topic, account)
        yield login
        self.server.api("DELETE", f"/tasks/{self.topic}/groups/{account}")

    def checkpoint(self, login):
        """Where a group stands, as the API tells it."""
        account = login.user.removesuffix(f"-{login.group}")
        return self.server.api("GET", f"/tasks/{self.topic}/groups/{account}", expect=200)[1]["checkpoint"]

    def _read(self):
        """Every record up to the present end, by librdkafka, which the other tests hold against the log itself."""
        login = self.server.new_login(self.topic, "oracle")
        consumer = confluent_kafka.Consumer(clients.Confluent.settings(self.broker, login))
        partition = confluent_kafka.TopicPartition(self.topic, 0, 0)
        _, end = consumer.get_watermark_offsets(partition, timeout=20)
        consumer.assign([partition])
        records = []

        def enough():
            for message in consumer.consume(end, 0.5):
                assert not message.error(), message.error()
                records.append(Held(message.key(), message.value(), message.timestamp()[1]))
            return len(records) >= end

        wait.until(enough, lambda: f"{end} records, {len(records)} came", 60)
        consumer.close()
        return records


@pytest.fixture(scope="session")
def client_source(templates, session_folder):
    """The database behind the topic; which kind it is does not matter to a client."""
    server = database.MariaDb(session_folder / "clients-source", template=templates[database.MariaDb.kind]).start()
    server.create_user()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def served(client_source, session_folder):
    """The topic that all clients read."""
    topic = Served.topic
    client_source.sql(f"CREATE DATABASE {topic}", f"CREATE TABLE {topic}.t (id INT PRIMARY KEY, v VARCHAR(20))")
    server = wellhead.Wellhead.serve(session_folder / "clients").start()
    server.track_now(topic, client_source, topic)
    follower = clients.Follower(server.kafka, topic, server.new_login(topic, "follower"))
    for number in range(60):
        client_source.sql(f"INSERT INTO {topic}.t VALUES ({number}, 'row {number}')")
        if number % 20 == 19:
            last = follower.wait_for_rows(number + 1)[-1]["sourceTimestamp"]
            wait.until(
                lambda then=last: client_source.sql("SELECT UNIX_TIMESTAMP()")[0][0] > then, "the next second")
    follower.close()
    yield Served(server, client_source, session_folder)
    server.kill()


@pytest.fixture(scope="session")
def tours(request, served):
    """The tours of all chosen tests, begun at once and run side by side; `tours[client]` waits for one.

    The order is the tests' own, so that each waits for little.
    """
    chosen = [item.callspec.params["toured"] for item in request.session.items
              if "toured" in getattr(item, "callspec", Nothing).params]
    stopping = threading.Event()

    def begin(client):
        assert not stopping.is_set(), "the session ends"
        return tour.run(client, served)

    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {client: pool.submit(begin, client) for client in dict.fromkeys(chosen)}
        yield Tours(futures)
        stopping.set()


class Nothing:
    """A test without parameters."""

    params = {}


class Tours:
    """What clients said on their tours, once they have ended."""

    def __init__(self, futures):
        self.futures = futures

    def __getitem__(self, client):
        return self.futures[client].result()


@pytest.fixture
def take_the_tour(tours, served):
    """Lets a client take the tour, and judges it."""

    def take(client):
        lines, checkpoint = tours[client]
        tour.judge(client, served, lines, checkpoint)
        return lines

    return take
