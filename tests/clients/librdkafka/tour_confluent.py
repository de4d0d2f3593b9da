"""The tour of confluent-kafka."""

import base64
import json
import os

import confluent_kafka

TOPIC = os.environ["WELLHEAD_TOPIC"]
SECOND = int(os.environ["WELLHEAD_SECOND"])
COUNT = int(os.environ["WELLHEAD_COUNT"])
METADATA = "1712905965|tour"
SETTINGS = {
    "bootstrap.servers": os.environ["WELLHEAD_BROKER"],
    "group.id": os.environ["WELLHEAD_GROUP"],
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": os.environ["WELLHEAD_USER"],
    "sasl.password": os.environ["WELLHEAD_PASSWORD"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "check.crcs": True,
}


def say(event, **fields):
    """One line of JSON."""
    print(json.dumps({"event": event, **fields}), flush=True)


def text(data):
    """Bytes as JSON can hold them."""
    return None if data is None else base64.b64encode(data).decode()


def read(consumer, step, count):
    """Says the next records."""
    taken = 0
    while taken < count:
        for message in consumer.consume(count - taken, 0.5):
            if message.error():
                raise SystemExit(str(message.error()))
            say("record", step=step, offset=message.offset(), timestamp=message.timestamp()[1],
                key=text(message.key()), value=text(message.value()))
            taken += 1


def at(offset, **more):
    """The partition at an offset."""
    return confluent_kafka.TopicPartition(TOPIC, 0, offset, **more)


def commit(consumer, partition):
    """Commits, and says what is committed then."""
    consumer.commit(offsets=[partition], asynchronous=False)
    [seen] = consumer.committed([at(-1)], timeout=20)
    # This binding sends the zero byte behind the text too, and so gets it back.
    say("committed", offset=seen.offset, metadata=(seen.metadata or "").rstrip("\0"))


consumer = confluent_kafka.Consumer(SETTINGS)
consumer.assign([at(confluent_kafka.OFFSET_BEGINNING)])
read(consumer, "assign", COUNT)
beginning, end = consumer.get_watermark_offsets(at(-1), timeout=20)
say("range", beginning=beginning, end=end)
[found] = consumer.offsets_for_times([at(SECOND)], timeout=20)
say("time", offset=found.offset)
consumer.seek(found)
read(consumer, "seek", 1)
consumer.pause([found])
say("paused", records=sum(len(consumer.consume(10, 0.3)) for _ in range(3)))
consumer.resume([found])
read(consumer, "resume", 1)
commit(consumer, at(COUNT, metadata=METADATA))
consumer.close()

consumer = confluent_kafka.Consumer(SETTINGS)
consumer.subscribe([TOPIC])
read(consumer, "subscribe", COUNT)
say("assigned", partitions=[one.partition for one in consumer.assignment()])
commit(consumer, at(2 * COUNT))
consumer.close()

consumer = confluent_kafka.Consumer(SETTINGS)
consumer.subscribe([TOPIC])
read(consumer, "rejoin", 1)
consumer.close()
say("done")
