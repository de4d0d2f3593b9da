"""What Debezium's users run: its MySQL connector in a Kafka Connect worker, into Kafka, until a consumer has it all."""

import contextlib
import os
import time

import confluent_kafka
import process
import workload
from harness import ports

from . import Failed, Result, debezium, jvm, kafka, parts

MEMORY = ("-Xms256m", "-Xmx2g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
SILENCE_S_MAX = 120
# What of Debezium's jars a plugin for MySQL consists of; a worker has the rest.
PLUGIN = (
    "antlr4-runtime", "debezium-api", "debezium-config", "debezium-connect-plugins", "debezium-connector-binlog",
    "debezium-connector-common", "debezium-connector-mysql", "debezium-ddl-parser", "debezium-openlineage-api",
    "debezium-storage-file", "debezium-storage-kafka", "debezium-util", "mysql-binlog-connector-java",
    "mysql-connector-j", "sketches-java",
)
PRODUCER = {
    "compression.type": "lz4",
    "batch.size": 1 << 20,
    "linger.ms": 20,
    "buffer.memory": 128 << 20,
    "max.request.size": 16 << 20,
    # Connect's own 1 makes each request wait for the one before; five keep the order all the same.
    "max.in.flight.requests.per.connection": 5,
}
# A worker outlives its task; this is how it says that there is none any more.
TASK_FAILED = "will not recover until manually restarted"
CONSUMER = {
    "group.id": "bench",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "log_level": 0,
}


def prepare():
    """Brings in Debezium, Kafka and Java; answers their versions."""
    parts.install("java", "kafka", "debezium")
    return kafka.prepare() | debezium.prepare()


def run(server, rows, scratch):
    """Captures the whole binlog into a fresh Kafka and reads it out again at the same time."""
    server_cpu = process.cpu_s(server.process.pid)
    with Pipeline(server, scratch) as pipeline:
        broker_cpu = pipeline.broker.program.cpu_s()
        pipeline.start()
        first, done = pipeline.read(rows, SILENCE_S_MAX)
        worker, broker = pipeline.worker, pipeline.broker.program
        cpu = {"connect": worker.cpu_s(), "kafka": broker.cpu_s() - broker_cpu}
        peak = {"connect": worker.peak_rss_bytes(), "kafka": broker.peak_rss_bytes()}
        return Result(
            rows=rows,
            seconds=done - worker.began,
            first_row_seconds=first - worker.began,
            cpu_seconds=sum(cpu.values()),
            peak_rss_bytes=sum(peak.values()),
            server_cpu_seconds=process.cpu_s(server.process.pid) - server_cpu,
            note={"cpu_seconds_of": cpu, "peak_rss_bytes_of": peak, "java_options": MEMORY,
                  "broker_java_options": kafka.OPTIONS, "producer": PRODUCER, **debezium.QUEUE},
        )


class Pipeline:
    """A broker with a topic for each table, and a standalone worker with the connector once it is started."""

    def __init__(self, server, scratch):
        self.server = server
        self.scratch = scratch
        self.broker = kafka.Broker(scratch / "kafka")
        self.worker = None
        tables = server.sql(f"SHOW TABLES IN {workload.DATABASE}")
        self.topics = [f"peer.{workload.DATABASE}.{name}" for (name,) in tables]
        self.ends = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            ends.enter_context(self.broker)
            for topic in self.topics:
                self.broker.create(topic)
            self.ends = ends.pop_all()
        return self

    def __exit__(self, *_):
        self.ends.close()

    def start(self):
        """Starts the worker; its `began` is when the clock begins to run."""
        folder = self.scratch / "connect"
        plugin = folder / "plugins" / "debezium"
        plugin.mkdir(parents=True)
        for stem in PLUGIN:
            jar = f"{stem}-{parts.version('debezium', stem)}.jar"
            os.symlink(parts.jars("debezium") / jar, plugin / jar)
        settings = jvm.write(folder / "worker.properties", self._settings(folder))
        connector = jvm.write(folder / "connector.properties", {"tasks.max": 1, **debezium.connector(self.server)})
        self.worker = self.ends.enter_context(jvm.Jvm(
            folder / "connect.log", (*MEMORY, *jvm.logging()), f"{parts.jars('kafka')}/*",
            "org.apache.kafka.connect.cli.ConnectStandalone", settings, connector))

    def read(self, rows, silence_s_max):
        """Reads all topics from their starts; answers when the first and when the last record came."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.broker.address, **CONSUMER})
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0) for topic in self.topics])
        try:
            return _read(consumer, rows, silence_s_max, self.worker)
        finally:
            consumer.close()

    def _settings(self, folder):
        return {
            "bootstrap.servers": self.broker.address,
            "listeners": f"http://127.0.0.1:{ports.free_port()}",
            "plugin.path": folder / "plugins",
            "plugin.discovery": "service_load",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter.schemas.enable": "false",
            "offset.storage.file.filename": folder / "offsets",
            **{f"producer.{name}": value for name, value in PRODUCER.items()},
        }


def _read(consumer, rows, silence_s_max, worker):
    first, seen, heard = None, 0, time.monotonic()
    while seen < rows:
        messages = consumer.consume(10_000, 0.2)
        now = time.monotonic()
        for message in messages:
            if message.error():
                raise Failed(f"the consumer: {message.error()}")
        if messages:
            first, heard = first or now, now
            seen += len(messages)
        elif not worker.alive() or TASK_FAILED in worker.log_tail():
            raise Failed(f"Connect ended after {seen} of {rows} records:\n{worker.log_tail()}")
        elif now - heard > silence_s_max:
            raise Failed(f"no record for {silence_s_max} s after {seen} of {rows}:\n{worker.log_tail()}")
    if seen != rows:
        raise Failed(f"{seen} records came, not {rows}")
    return first, now
