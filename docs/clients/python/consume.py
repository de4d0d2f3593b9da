"""Prints the row changes of a Wellhead topic as JSON lines: consume.py [BROKER] [TOPIC] [SECONDS]"""

import io, json, pathlib, sys, time

import confluent_kafka, fastavro

broker, topic, seconds = sys.argv[1:] + ["127.0.0.1:9092", "shop", "inf"][len(sys.argv) - 1 :]
types = json.loads((pathlib.Path(__file__).parent.parent / "record.avsc").read_text())
schema = fastavro.parse_schema(types)[-1]  # the last of the named types is the record

consumer = confluent_kafka.Consumer({"bootstrap.servers": broker, "group.id": "consume.py"})
consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])


def image(record, side):
    """One side of a row as {column: value}; None where there is none."""
    names = [field["name"] for field in record["fields"] or ()]
    return {name: plain(value) for name, value in zip(names, record[side])} if record[side] else None


def plain(value):
    """What a value holds; text comes as bytes with its charset, numbers as digits."""
    inner = value["value"] if isinstance(value, dict) and "value" in value else value
    charset = value.get("charset", "utf8") if isinstance(value, dict) else ""
    return inner.decode("utf8" if charset == "utf8mb4" else charset, "replace") if isinstance(inner, bytes) else inner


end = time.monotonic() + float(seconds)
while time.monotonic() < end:
    message = consumer.poll(0.2)
    if message is None or message.error():
        continue
    record = fastavro.schemaless_reader(io.BytesIO(message.value()), schema)
    if record["operation"] in ("INSERT", "UPDATE", "DELETE"):
        change = {"offset": message.offset(), "operation": record["operation"], "table": record["objectName"],
                  "before": image(record, "beforeImages"), "after": image(record, "afterImages")}
        print(json.dumps(change, ensure_ascii=False), flush=True)
