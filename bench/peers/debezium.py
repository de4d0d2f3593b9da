"""Debezium 3.6 embedded: its engine turns every row change into JSON, with nothing behind it."""

import os

import process
import workload

from . import Failed, Result, jvm, parts

MEMORY = ("-Xms1g", "-Xmx2g", "-XX:+UseParallelGC")
# Below this rate something is wrong.
ROWS_PER_SECOND_MIN = 2_000
QUEUE = {
    # Larger ones gained nothing; the default is 2 048 and 8 192, which is slower.
    "max.batch.size": 8_192,
    "max.queue.size": 32_768,
    "poll.interval.ms": 10,
}


def prepare():
    """Brings in Debezium and Java; answers their versions."""
    parts.install("java", "debezium")
    _class_path()
    return {"debezium": parts.version("debezium", "debezium-connector-mysql"), "java": parts.java_version()}


def connector(server):
    """The MySQL connector's settings: the whole binlog from its first event, no snapshot, nothing but row changes."""
    return {
        "name": "peer",
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": "peer",
        "database.hostname": "127.0.0.1",
        "database.port": server.port,
        "database.user": "cdc",
        "database.password": "cdc",
        "database.server.id": 4713,
        "database.include.list": workload.DATABASE,
        "database.ssl.mode": "disabled",
        "driver.allowPublicKeyRetrieval": "true",
        # Without an offset and a snapshot it begins with the oldest event, and learns the tables from their DDL.
        "snapshot.mode": "configuration_based",
        "snapshot.mode.configuration.based.start.stream": "true",
        "schema.history.internal": "io.debezium.relational.history.MemorySchemaHistory",
        "include.schema.changes": "false",
        "tombstones.on.delete": "false",
        **QUEUE,
    }


def engine(server):
    """What the engine wants besides: offsets in memory, JSON without a schema in every record, all cores."""
    return {
        "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
        "key.converter.schemas.enable": "false",
        "value.converter.schemas.enable": "false",
        "converter.schemas.enable": "false",
        "record.processing.threads": os.cpu_count() or 2,
        **connector(server),
    }


def run(server, rows, scratch):
    """Reads the binlog once."""
    settings = jvm.write(scratch / "debezium.properties", engine(server))
    server_cpu = process.cpu_s(server.process.pid)
    options = (*MEMORY, *jvm.logging())
    with jvm.Jvm(scratch / "debezium.log", options, _class_path(), "DebeziumPeer", settings, rows) as program:
        first, _ = program.line("first", 120)
        done, (counted, length) = program.line("done", 120 + rows / ROWS_PER_SECOND_MIN)
        result = Result(
            rows=int(counted),
            seconds=done - program.began,
            first_row_seconds=first - program.began,
            cpu_seconds=program.cpu_s(),
            peak_rss_bytes=program.peak_rss_bytes(),
            server_cpu_seconds=process.cpu_s(server.process.pid) - server_cpu,
            note={"java_options": MEMORY, **QUEUE, "characters_handed_out": int(length)},
        )
    if result.rows != rows:
        raise Failed(f"Debezium handed out {result.rows} row changes of {rows}")
    return result


def _class_path():
    return parts.compiled("debezium", "Counter.java", "DebeziumPeer.java")
