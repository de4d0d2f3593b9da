"""Notes when the rows of `writer.py` come to a librdkafka consumer; a process of its own.

`arrival.py BROKER TOPIC ROWS OUT`: librdkafka with its own settings, reading on from the topic's end. Says `reading` on
standard output once it stands there. OUT becomes a JSON list of [transaction, monotonic nanoseconds], one for each row.
"""

import gc
import json
import sys
import time

import confluent_kafka
from writer import DIGITS, MARK

SILENCE_S_MAX = 30


def main():
    broker, topic, rows, out = sys.argv[1:]
    rows, mark = int(rows), MARK.encode()
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker, "group.id": "bench", "enable.auto.commit": False})
    _, end = consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), timeout=20)
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, end)])
    consumer.poll(0.5)
    print("reading", flush=True)
    arrived = []
    gc.disable()
    heard = time.monotonic()
    while len(arrived) < rows and time.monotonic() - heard < SILENCE_S_MAX:
        message = consumer.poll(1)
        now = time.monotonic_ns()
        if message is None or message.error():
            continue
        value = message.value()
        at = value.find(mark)
        if at >= 0:
            at += len(mark)
            arrived.append((int(value[at : at + DIGITS]), now))
            heard = time.monotonic()
    consumer.close()
    with open(out, "w") as file:
        json.dump(arrived, file)


if __name__ == "__main__":
    main()
