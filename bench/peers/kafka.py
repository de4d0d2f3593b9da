"""Apache Kafka's newest broker alone: one node, loopback, its own start script's Java options, its own defaults."""

import base64
import subprocess
import uuid

import confluent_kafka.admin
from harness import ports, wait

from . import Failed, batches, jvm, parts

# As `kafka-server-start.sh` and `kafka-run-class.sh` start it, the sizes fixed.
OPTIONS = (
    "-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent", "-XX:MaxInlineLevel=15", "-Djava.awt.headless=true",
)
# Any batch that Wellhead may have written.
BATCH_BYTES_MAX = 64 << 20


def prepare():
    """Brings in Kafka and Java; answers their versions."""
    parts.install("java", "kafka")
    return {"kafka": parts.version("kafka", "kafka_2.13"), "java": parts.java_version()}


class Broker:
    """A broker and controller in one process, its log in an own folder. Runs within a `with`."""

    def __init__(self, folder):
        self.folder = folder
        self.port = ports.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.program = None

    def __enter__(self):
        (self.folder / "log").mkdir(parents=True)
        settings = jvm.write(self.folder / "server.properties", self._settings())
        class_path = f"{parts.jars('kafka')}/*"
        options = (*OPTIONS, *jvm.logging())
        # As one word: an id may begin with a dash.
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formatted = subprocess.run(
            [*parts.program("java"), *options, "-cp", class_path, "kafka.tools.StorageTool", "format", "--standalone",
             f"--cluster-id={cluster_id}", "-c", settings],
            capture_output=True, text=True, timeout=120)
        if formatted.returncode != 0:
            raise Failed(f"Kafka's storage could not be formatted: {formatted.stdout}{formatted.stderr}")
        self.program = jvm.Jvm(self.folder / "kafka.log", options, class_path, "kafka.Kafka", settings)
        try:
            self.program.until(self._answers, 120)
        except BaseException:
            self.program.end()
            raise
        return self

    def __exit__(self, *_):
        self.program.end()

    @property
    def pid(self):
        """The broker's process."""
        return self.program.process.pid

    def create(self, topic):
        """Makes a topic of one partition and waits until it can be written."""
        wanted = confluent_kafka.admin.NewTopic(
            topic, num_partitions=1, replication_factor=1, config={"max.message.bytes": str(BATCH_BYTES_MAX)})
        admin = self._admin()
        admin.create_topics([wanted])[topic].result(30)
        wait.until(lambda: _led(admin, topic), f"{topic} to have a leader", 30)

    def copy(self, address, topic, records):
        """Copies the first records of a topic from another broker, batch by batch as they are."""
        self.create(topic)
        copied = batches.copy(address, self.address, topic, records)
        if copied < records:
            raise Failed(f"{copied} records of {records} were copied to Kafka")

    def _settings(self):
        controller = ports.free_port()
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "log.dirs": self.folder / "log",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "auto.create.topics.enable": "false",
            # A request holds one such batch.
            "socket.request.max.bytes": 2 * BATCH_BYTES_MAX,
        }

    def _admin(self):
        return confluent_kafka.admin.AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def _answers(self):
        try:
            return bool(self._admin().list_topics(timeout=2).brokers)
        except confluent_kafka.KafkaException:
            return False


def _led(admin, topic):
    partitions = admin.list_topics(topic, timeout=5).topics[topic].partitions
    return any(partition.leader >= 0 for partition in partitions.values())
