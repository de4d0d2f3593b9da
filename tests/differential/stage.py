"""What both sides serve: the same batches in topics of the same names, the same groups and rights."""

import shutil
import struct
import time

from harness import clients, wait, wellhead

from . import peer, reference, schema

TOPIC, FOREIGN = "shop", "other"
# Of a batch: base offset and length; where the last offset's distance, the writer's epoch and the last time stand.
PREFIX = struct.Struct(">qi")
LAST_DELTA_AT = 23
EPOCH = struct.Struct(">i")
EPOCH_AT = 12
MAX_TIMESTAMP = struct.Struct(">q")
MAX_TIMESTAMP_AT = 35
READ = 3
RESOURCE_TOPIC, RESOURCE_GROUP = 2, 3
LITERAL, ALLOW = 3, 3
TRANSACTIONS = 12
NO_ERROR, NOT_LEADER, ALREADY_THERE = 0, 6, 36


def fill(source, folder):
    """Two tasks with a few transactions each, stopped; answers the data folder and a login of the first one."""
    server = serve(folder / "writer", "[]").start()
    try:
        for task in (TOPIC, FOREIGN):
            database = f"differential_{task}"
            source.sql(f"CREATE DATABASE {database}", f"CREATE TABLE {database}.t (id INT PRIMARY KEY, v TEXT)")
            server.track_now(task, source, database)
            began = int(time.time())
            for number in range(1, TRANSACTIONS + 1):
                if number == TRANSACTIONS // 2:
                    # The log knows times by the second; there must be two of them.
                    wait.until(lambda: int(time.time()) > began, "the next second")
                rows = ",".join(f"({number * 100 + row}, REPEAT('{number}', 200))" for row in range(20))
                source.sql(f"INSERT INTO {database}.t VALUES {rows}")
                wait.until(lambda: clients.end_of(server.kafka, task) >= number * 22, "the rows in the log", 60)
            server.api("POST", f"/tasks/{task}/pause", expect=202)
            server.wait_for_state(task, "stopped")
        return server.new_login(TOPIC)
    finally:
        server.stop()


def serve(folder, sasl):
    """A Wellhead whose clients log in by one of these mechanisms."""
    server = wellhead.Wellhead.serve(folder)
    file = folder / "wellhead.toml"
    settings = file.read_text().replace("[kafka]\n", f"[kafka]\nsasl = {sasl}\n")
    file.write_text(f'{settings}[capture]\nheartbeat = "10s"\n')
    return server


class Wellheads:
    """The folder behind two doors: one for anyone and one for those who log in."""

    def __init__(self, folder):
        self.folder = folder
        self.made = []

    def start(self):
        """Each serves a copy, for a folder belongs to one process."""
        for name, sasl in (("anyone", "[]"), ("accounts", '["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]')):
            shutil.copytree(self.folder / "writer" / "data", self.folder / name / "data",
                            ignore=shutil.ignore_patterns("lock", "admin.sock"))
            server = serve(self.folder / name, sasl)
            self.made.append(server)
            server.start()
        self.port, self.sasl_port = (server.kafka_port for server in self.made)
        return self

    def stop(self):
        """Ends both."""
        for server in self.made:
            server.kill()


def build(source, folder, catalogue, kafkas, ends):
    """Starts everything: answers Wellhead and each Kafka (release by folder of jars), all with the same content.

    What ends them goes on the stack `ends` as soon as there is something to end.
    """
    login = fill(source, folder)
    wellheads = Wellheads(folder)
    ends.callback(wellheads.stop)
    wellheads.start()
    brokers = []
    for jars, release in kafkas.items():
        broker = reference.Broker(folder / jars, jars, {login.user: login.password})
        ends.callback(broker.stop)
        broker.format()
        brokers.append((release, broker.start()))
    ours = Side("wellhead", wellheads.port, wellheads.sasl_port, catalogue, login, wellheads.made)
    sides = [Side(release, broker.port, broker.sasl_port, catalogue, login) for release, broker in brokers]
    for side, (_, broker) in zip(sides, brokers, strict=True):
        prepare(side, ours)
        broker.restart()
        with peer.Connection(side) as admin:
            wait.until(lambda: _coordinates(admin, login.group), "Kafka to coordinate groups again", 60)
            for topic in (TOPIC, FOREIGN):
                wait.until(lambda: _latest(admin, topic)["error_code"] == NO_ERROR, f"{topic} to be led again", 60)
    for side in (ours, *sides):
        side.learn()
    return ours, sides


class Side(peer.Peer):
    """A broker with the content of the stage; both its doors, and what scripts want to know of that content."""

    def __init__(self, name, port, sasl_port, catalogue, login, servers=()):
        super().__init__(name, port, catalogue)
        self.servers = servers
        self.sasl_port = sasl_port
        self.login = login

    def learn(self):
        """Also where the topic ends, its epoch, its batches' sizes and times."""
        super().learn()
        self.names[self.sasl_port] = "<port>"
        with peer.Connection(self, self.sasl_port) as connection:
            connection.log_in(self.login)
            # An account reads one log, whose identity is its cluster's.
            self.names[connection.ask("Metadata", 12, topics=[])["cluster_id"]] = "<cluster>"
        with peer.Connection(self) as connection:
            found = list(_everything(connection, TOPIC))
            latest, foreign = (_latest(connection, topic) for topic in (TOPIC, FOREIGN))
        self.end, self.epoch = latest["offset"], latest["leader_epoch"]
        # That of who wrote the batches, and that of who leads now: both sides have been started again since.
        self.earlier_epoch = EPOCH.unpack_from(found[-1], EPOCH_AT)[0]
        # Each log counts for itself, from a number that is younger with each new one.
        self.epochs = {foreign["leader_epoch"]: "<epoch>", self.earlier_epoch: "<earlier epoch>", self.epoch: "<epoch>"}
        self.first_batch = found[0]
        self.sizes = [len(batch) for batch in found]
        self.times = [MAX_TIMESTAMP.unpack_from(batch, MAX_TIMESTAMP_AT)[0] for batch in found]
        return self

    def say_hello(self):
        """Both doors still let in."""
        for port in (self.port, self.sasl_port):
            with peer.Connection(self, port) as connection:
                assert connection.ask("ApiVersions", 0)["error_code"] == 0


def prepare(kafka, wellhead_side):
    """Gives Kafka what Wellhead has: topics, batches, and a user's rights to one topic and one group."""
    login = kafka.login
    with peer.Connection(kafka) as admin, peer.Connection(wellhead_side) as reading:
        for topic in (TOPIC, FOREIGN):
            made = wait.until(lambda: _created(admin, topic), f"Kafka to make {topic}", 60)
            assert made, topic
            wait.until(lambda: _led(admin, topic), f"{topic} to have a leader", 60)
            _copy(reading, admin, topic)
        wait.until(lambda: _coordinates(admin, login.group), "Kafka to coordinate groups", 60)
        grants = [(RESOURCE_TOPIC, TOPIC, READ), (RESOURCE_GROUP, login.group, READ)]
        answer = admin.ask("CreateAcls", 3, creations=[
            {"resource_type": kind, "resource_name": name, "resource_pattern_type": LITERAL, "host": "*",
             "principal": f"User:{login.user}", "operation": operation, "permission_type": ALLOW}
            for kind, name, operation in grants
        ])
        assert all(one["error_code"] == 0 for one in answer["results"]), answer


def _created(admin, topic):
    answer = admin.ask("CreateTopics", 5, timeout_ms=30_000, topics=[
        {"name": topic, "num_partitions": 1, "replication_factor": 1, "assignments": [], "configs": []}])
    return answer["topics"][0]["error_code"] in (NO_ERROR, ALREADY_THERE)


def _led(admin, topic):
    [told] = admin.ask("Metadata", 8, topics=[{"name": topic}])["topics"]
    return told["error_code"] == 0 and all(one["leader_id"] >= 0 for one in told["partitions"])


def _latest(connection, topic):
    answer = connection.ask("ListOffsets", 4, replica_id=-1, topics=[{"name": topic, "partitions": [
        {"partition_index": 0, "current_leader_epoch": -1, "timestamp": -1}]}])
    return answer["topics"][0]["partitions"][0]


def _coordinates(admin, group):
    found = admin.ask("FindCoordinator", 3, key=group, key_type=0)
    return found["error_code"] == 0 and admin.ask("OffsetFetch", 7, group_id=group, topics=None)["error_code"] == 0


def _copy(reading, admin, topic):
    """Every batch as it is; a producer's batch begins at offset 0, which the checksum does not cover."""
    for batch in _everything(reading, topic):
        # A leader may be told before it knows so itself.
        written = wait.until(lambda: _written(admin, topic, batch), f"a batch to be written to {topic}", 60)
        assert written == (NO_ERROR, PREFIX.unpack_from(batch)[0]), written


def _written(admin, topic, batch):
    made = admin.ask("Produce", 8, acks=-1, timeout_ms=30_000, topic_data=[
        {"name": topic, "partition_data": [{"index": 0, "records": bytes(8) + batch[8:]}]}])
    [written] = made["responses"][0]["partition_responses"]
    return written["error_code"] != NOT_LEADER and (written["error_code"], written["base_offset"])


def _everything(reading, topic):
    """Every batch of a topic."""
    offset = 0
    while True:
        answer = reading.ask("Fetch", 11, max_wait_ms=0, min_bytes=0, topics=[{"topic": topic, "partitions": [
            {"partition": 0, "fetch_offset": offset, "partition_max_bytes": 8 << 20, "current_leader_epoch": -1}]}])
        [told] = answer["responses"][0]["partitions"]
        assert told["error_code"] == 0, told
        if offset >= told["high_watermark"]:
            return
        for batch in batches(told["records"]):
            yield batch
            offset += last_delta(batch) + 1


def batches(records):
    """The whole batches among bytes as they were served, and what is left of another as one more."""
    at = 0
    while at < len(records):
        length = PREFIX.unpack_from(records, at)[1] if at + PREFIX.size <= len(records) else len(records)
        yield records[at:at + PREFIX.size + length]
        at += PREFIX.size + length


def is_whole(batch):
    """Whether nothing of it was cut off."""
    return len(batch) > PREFIX.size and len(batch) == PREFIX.size + PREFIX.unpack_from(batch)[1]


def last_delta(batch):
    """The distance of a batch's last offset from its first."""
    return struct.unpack_from(">i", batch, LAST_DELTA_AT)[0]
