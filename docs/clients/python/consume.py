"""Prints the row changes of a topic as lines of JSON, from where its group stands."""

import io
import json
import os
import pathlib

import confluent_kafka
import fastavro

BROKER = os.environ.get("WELLHEAD_BROKER", "127.0.0.1:9092")
TOPIC = os.environ.get("WELLHEAD_TOPIC", "shop")
GROUP = os.environ.get("WELLHEAD_GROUP", "dtsgroupid")
USER = os.environ.get("WELLHEAD_USER", "reader-dtsgroupid")
PASSWORD = os.environ.get("WELLHEAD_PASSWORD", "Secret_123")

SETTINGS = {
    "bootstrap.servers": BROKER,
    "group.id": GROUP,
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
}
if USER:  # `wellhead tap` asks for no login
    SETTINGS |= {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
                 "sasl.username": USER, "sasl.password": PASSWORD}

# The file is a list of named types; the last one is the record.
types = json.loads((pathlib.Path(__file__).parent.parent / "record.avsc").read_text())
schema = fastavro.parse_schema(types)[-1]


def image(record, side):
    """One side of a row as {column: text}; None where there is none."""
    names = [field["name"] for field in record["fields"] or ()]
    return {name: text(value) for name, value in zip(names, record[side])} if record[side] else None


def text(value):
    """Numbers come as digits, text as bytes with the name of its charset; None is SQL NULL."""
    inner = value["value"] if isinstance(value, dict) and "value" in value else value
    if not isinstance(inner, bytes):
        return inner
    if "charset" not in value:
        return inner.hex()
    return inner.decode("utf8" if value["charset"] == "utf8mb4" else value["charset"], "replace")


consumer = confluent_kafka.Consumer(SETTINGS)
consumer.subscribe([TOPIC])
try:
    while True:
        messages = consumer.consume(500, 0.5)
        for message in messages:
            if message.error():
                raise SystemExit(message.error().str())
            record = fastavro.schemaless_reader(io.BytesIO(message.value()), schema)
            if record["operation"] in ("INSERT", "UPDATE", "DELETE"):  # no BEGIN, COMMIT, DDL, HEARTBEAT
                change = {"offset": message.offset(), "operation": record["operation"], "table": record["objectName"],
                          "before": image(record, "beforeImages"), "after": image(record, "afterImages")}
                print(json.dumps(change, ensure_ascii=False), flush=True)
        if messages:
            consumer.commit(asynchronous=True)  # after the work is done, so that nothing is lost
except KeyboardInterrupt:
    pass
finally:
    consumer.close()
