"""Prints the row changes of a Wellhead topic as JSON lines: consume.py [TOPIC] [BROKER] [SECONDS]"""

import io
import json
import pathlib
import sys
import time

import confluent_kafka
import fastavro

topic = sys.argv[1] if len(sys.argv) > 1 else "shop"
broker = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:9092"
end = time.monotonic() + float(sys.argv[3]) if len(sys.argv) > 3 else float("inf")
schema_file = pathlib.Path(__file__).parent.parent / "record.avsc"
schema = fastavro.parse_schema(json.loads(schema_file.read_text()))[-1]  # named types; the last is the record

consumer = confluent_kafka.Consumer({"bootstrap.servers": broker, "group.id": "consume.py"})
consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])


def image(record, side):
    """One side of a row as {column: value}; None where there is none."""
    values = record[side]
    names = [field["name"] for field in record["fields"] or ()]
    return dict(zip(names, map(plain, values))) if isinstance(values, list) else values


def plain(value):
    """What a union branch holds; text columns carry their charset."""
    if not isinstance(value, dict) or "value" not in value:
        return value
    inner = value["value"]
    if not isinstance(inner, bytes):
        return inner
    charset = value.get("charset", "utf8")
    return inner.decode("utf8" if charset.startswith("utf8") else charset, "replace")


while time.monotonic() < end:
    message = consumer.poll(0.2)
    if message is None or message.error():
        continue
    record = fastavro.schemaless_reader(io.BytesIO(message.value()), schema)
    if record["operation"] in ("INSERT", "UPDATE", "DELETE", "DDL"):
        line = {"offset": message.offset(), "operation": record["operation"], "table": record["objectName"],
                "before": image(record, "beforeImages"), "after": image(record, "afterImages")}
        print(json.dumps(line, ensure_ascii=False), flush=True)
