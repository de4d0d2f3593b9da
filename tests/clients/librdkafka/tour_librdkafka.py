"""The tour of librdkafka itself, in any of its releases."""

import base64
import json
import os
import sys

import rdkafka

SECOND = int(os.environ["WELLHEAD_SECOND"])
COUNT = int(os.environ["WELLHEAD_COUNT"])
TOPIC = os.environ["WELLHEAD_TOPIC"]
METADATA = b"1712905965|tour"
SETTINGS = {
    "bootstrap.servers": os.environ["WELLHEAD_BROKER"],
    "group.id": os.environ["WELLHEAD_GROUP"],
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanisms": "PLAIN",
    "sasl.username": os.environ["WELLHEAD_USER"],
    "sasl.password": os.environ["WELLHEAD_PASSWORD"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": "false",
    "check.crcs": "true",
}


def say(event, **fields):
    """One line of JSON."""
    print(json.dumps({"event": event, **fields}), flush=True)


def text(data):
    """Bytes as JSON can hold them."""
    return None if data is None else base64.b64encode(data).decode()


def read(consumer, step, count):
    """Says the next records."""
    while count:
        if one := consumer.poll():
            offset, timestamp, key, value = one
            say("record", step=step, offset=offset, timestamp=timestamp, key=text(key), value=text(value))
            count -= 1


def commit(consumer, *behind):
    """Commits, and says what is committed then."""
    consumer.commit(*behind)
    offset, metadata = consumer.committed()
    say("committed", offset=offset, **({"metadata": metadata.decode()} if KNOWS_METADATA else {}))


VERSION = rdkafka.version_str().decode()
print("librdkafka", VERSION, file=sys.stderr)
# Before 1.0 it commits metadata and hands out none.
KNOWS_METADATA = not VERSION.startswith("0.")
if not KNOWS_METADATA:
    say("cannot", step="metadata")
consumer = rdkafka.Consumer(TOPIC, SETTINGS)
consumer.assign(rdkafka.OFFSET_BEGINNING)
read(consumer, "assign", COUNT)
beginning, end = consumer.range()
say("range", beginning=beginning, end=end)
found = consumer.offset_for(SECOND)
say("time", offset=found)
consumer.seek(found)
read(consumer, "seek", 1)
consumer.pause()
say("paused", records=sum(consumer.poll(300) is not None for _ in range(3)))
consumer.resume()
read(consumer, "resume", 1)
commit(consumer, COUNT, METADATA)
consumer.close()

consumer = rdkafka.Consumer(TOPIC, SETTINGS)
consumer.subscribe()
read(consumer, "subscribe", COUNT)
say("assigned", partitions=consumer.assigned())
commit(consumer, 2 * COUNT)
consumer.close()

consumer = rdkafka.Consumer(TOPIC, SETTINGS)
consumer.subscribe()
read(consumer, "rejoin", 1)
consumer.close()
say("done")
