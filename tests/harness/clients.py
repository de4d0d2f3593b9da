"""Kafka clients as people use them, behind one small door.

Every client can `read` from a start and stop after a number of records. A start is `BEGINNING`, a source time in
seconds, or `COMMITTED`: then it joins its group and goes on where the group stands.
"""

import base64
import dataclasses
import subprocess

import confluent_kafka
import kafka

from . import paths, record, wait

BEGINNING = "beginning"
COMMITTED = "committed"


@dataclasses.dataclass(frozen=True)
class Login:
    """A consumer group's credentials; `user` is `<account>-<group id>`."""

    group: str = "any"
    user: str | None = None
    password: str | None = None


class Kcat:
    """kcat, on the librdkafka of the distribution."""

    name = "kcat"

    def read(self, broker, topic, start, count, login=Login()):
        common = ["kcat", "-q", "-u", "-b", broker, "-c", str(count), "-f", "%o %S\\n%s\\n",
                  *self._security(login), "-X", "fetch.wait.max.ms=100"]
        if start == COMMITTED:
            command = [*common, "-X", "auto.offset.reset=earliest", "-G", login.group, topic]
        else:
            position = "beginning" if start == BEGINNING else f"s@{start}"
            command = [*common, "-C", "-t", topic, "-p", "0", "-o", position]
        done = subprocess.run(command, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return list(self._parse(done.stdout))

    @staticmethod
    def _security(login):
        if login.user is None:
            return []
        settings = ("security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN",
                    f"sasl.username={login.user}", f"sasl.password={login.password}")
        return [word for setting in settings for word in ("-X", setting)]

    @staticmethod
    def _parse(output):
        at = 0
        while at < len(output):
            line_end = output.index(b"\n", at)
            offset, size = map(int, output[at:line_end].split())
            yield offset, output[line_end + 1 : line_end + 1 + size]
            at = line_end + 1 + size + 1


class Confluent:
    """confluent-kafka, on the newest librdkafka."""

    name = "confluent-kafka"

    def read(self, broker, topic, start, count, login=Login(), deadline_s=60):
        consumer = confluent_kafka.Consumer(self.settings(broker, login))
        partition = confluent_kafka.TopicPartition(topic, 0)
        if start == COMMITTED:
            consumer.subscribe([topic])
        else:
            partition.offset = confluent_kafka.OFFSET_BEGINNING
            if start != BEGINNING:
                partition.offset = start
                [partition] = consumer.offsets_for_times([partition], timeout=20)
                assert partition.offset >= 0, f"no record at or after {start}"
            consumer.assign([partition])
        taken = []

        def enough():
            for message in consumer.consume(min(count - len(taken), 10_000), 0.5):
                assert not message.error(), message.error()
                taken.append((message.offset(), message.value()))
            return len(taken) >= count

        try:
            wait.until(enough, lambda: f"{count} records, {len(taken)} came", deadline_s)
            if start == COMMITTED:
                behind = confluent_kafka.TopicPartition(topic, 0, taken[-1][0] + 1)
                consumer.commit(offsets=[behind], asynchronous=False)
        finally:
            consumer.close()
        return taken

    @staticmethod
    def settings(broker, login):
        """librdkafka's settings; large enough for the largest row of the tests."""
        settings = {
            "bootstrap.servers": broker,
            "group.id": login.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            "fetch.message.max.bytes": 64 << 20,
            "fetch.max.bytes": 128 << 20,
            "receive.message.max.bytes": 512 << 20,
            "check.crcs": True,
        }
        if login.user is not None:
            settings |= {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
                         "sasl.username": login.user, "sasl.password": login.password}
        return settings


class KafkaPython:
    """kafka-python, which shares no code with the others."""

    name = "kafka-python"

    def read(self, broker, topic, start, count, login=Login()):
        consumer = kafka.KafkaConsumer(**self.settings(broker, login))
        partition = kafka.TopicPartition(topic, 0)
        if start == COMMITTED:
            consumer.subscribe([topic])
        else:
            consumer.assign([partition])
            if start == BEGINNING:
                consumer.seek_to_beginning(partition)
            else:
                found = consumer.offsets_for_times({partition: start})[partition]
                assert found is not None, f"no record at or after {start}"
                consumer.seek(partition, found.offset)
        taken = []

        def enough():
            polled = consumer.poll(timeout_ms=500, max_records=count - len(taken))
            taken.extend((r.offset, r.value) for records in polled.values() for r in records)
            return len(taken) >= count

        try:
            wait.until(enough, lambda: f"{count} records, {len(taken)} came", 60)
            if start == COMMITTED:
                consumer.commit({partition: kafka.OffsetAndMetadata(taken[-1][0] + 1, "", -1)})
        finally:
            consumer.close(autocommit=False)
        return taken

    @staticmethod
    def settings(broker, login):
        """kafka-python's settings."""
        settings = {"bootstrap_servers": broker, "group_id": login.group, "auto_offset_reset": "earliest",
                    "enable_auto_commit": False, "fetch_max_wait_ms": 100}
        if login.user is not None:
            settings |= {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN",
                         "sasl_plain_username": login.user, "sasl_plain_password": login.password}
        return settings


class Java:
    """The Java client of one Kafka version, driven by `tests/java/Consume.java`."""

    def __init__(self, version):
        self.name = f"java-{version}"
        self.jars = paths.JARS / f"kafka-clients-{version}"

    def read(self, broker, topic, start, count, login=Login()):
        done = subprocess.run(
            ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{self.jars}/*",
             str(paths.TESTS / "java" / "Consume.java"), broker, topic, str(start), str(count), login.group,
             *([login.user, login.password] if login.user is not None else [])],
            capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, done.stderr
        lines = (line.split(" ") for line in done.stdout.splitlines())
        return [(int(offset), base64.b64decode(value)) for offset, value in lines]


ALL = [Kcat(), Confluent(), KafkaPython(), Java(0), Java(4)]


def end_of(broker, topic, login=Login()):
    """The offset behind the last visible record."""
    consumer = confluent_kafka.Consumer(Confluent.settings(broker, login))
    try:
        return consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), timeout=20)[1]
    finally:
        consumer.close()


def read_all(broker, topic, login=Login(), deadline_s=120):
    """Every record up to the present end, as (offset, decoded record)."""
    end = end_of(broker, topic, login)
    if end == 0:
        return []
    taken = Confluent().read(broker, topic, BEGINNING, end, login, deadline_s)
    assert [offset for offset, _ in taken] == list(range(end)), "offsets have no gap and no repetition"
    return [(offset, record.decode(value)) for offset, value in taken]


class Follower:
    """Reads a topic on and on, so that a test can wait for what it needs to see."""

    def __init__(self, broker, topic, login=Login()):
        self.records = []
        self.rows = []
        self.consumer = confluent_kafka.Consumer(Confluent.settings(broker, login))
        self.consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])

    def take(self):
        """Takes what has come by now."""
        for message in self.consumer.consume(1000, 0.2):
            if message.error():
                continue
            entry = record.decode(message.value())
            self.records.append(entry)
            if record.is_row(entry):
                self.rows.append(entry)
        return self.records

    def wait_for(self, condition, what, deadline_s=60):
        """Reads until `condition(records)` answers something true, and answers that."""
        return wait.until(
            lambda: condition(self.take()), lambda: f"{what}; seen: {self._seen()}", deadline_s, 0
        )

    def wait_for_rows(self, count, deadline_s=60):
        """Reads until there are so many row changes, and answers them."""
        self.wait_for(lambda _: len(self.rows) >= count, f"{count} row changes", deadline_s)
        return self.rows

    def close(self):
        """Ends the client."""
        self.consumer.close()

    def _seen(self):
        operations = [entry["operation"] for entry in self.records]
        return f"{len(operations)} records, the last: {operations[-12:]}"
