"""The tour of kafka-python, in the calls that all its versions have."""

import inspect

import kafka

from said import BROKER, COUNT, GROUP, METADATA, PASSWORD, SECOND, TOPIC, USER, record, say

PARTITION = kafka.TopicPartition(TOPIC, 0)
SETTINGS = {
    "bootstrap_servers": BROKER,
    "group_id": GROUP,
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "PLAIN",
    "sasl_plain_username": USER,
    "sasl_plain_password": PASSWORD,
    "auto_offset_reset": "earliest",
    "enable_auto_commit": False,
}


def read(consumer, step, count):
    """Says the next records."""
    taken = 0
    while taken < count:
        for records in consumer.poll(timeout_ms=500, max_records=count - taken).values():
            for one in records:
                record(step, one.offset, one.timestamp, one.key, one.value)
                taken += 1


def close(consumer):
    """Ends a client without a commit that nobody asked for."""
    consumer.close(autocommit=False)


def commit(consumer, offset, metadata):
    """Commits, and says what is committed then."""
    # Newer versions take a leader epoch too; -1 is none.
    epoch = [-1] if len(inspect.signature(kafka.OffsetAndMetadata).parameters) == 3 else []
    consumer.commit({PARTITION: kafka.OffsetAndMetadata(offset, metadata, *epoch)})
    seen = consumer.committed(PARTITION, metadata=True) if knows_metadata(consumer) else None
    if seen is None:
        say("committed", offset=consumer.committed(PARTITION))
    else:
        say("committed", offset=seen.offset, metadata=seen.metadata)


def knows_metadata(consumer):
    """Version 1 answers the offset alone."""
    return "metadata" in inspect.signature(consumer.committed).parameters


consumer = kafka.KafkaConsumer(**SETTINGS)
if not knows_metadata(consumer):
    say("cannot", step="metadata")
consumer.assign([PARTITION])
consumer.seek_to_beginning(PARTITION)
read(consumer, "assign", COUNT)
say("range", beginning=consumer.beginning_offsets([PARTITION])[PARTITION],
    end=consumer.end_offsets([PARTITION])[PARTITION])
found = consumer.offsets_for_times({PARTITION: SECOND})[PARTITION]
say("time", offset=found.offset, timestamp=found.timestamp)
consumer.seek(PARTITION, found.offset)
read(consumer, "seek", 1)
consumer.pause(PARTITION)
say("paused", records=sum(len(consumer.poll(timeout_ms=300)) for _ in range(3)))
consumer.resume(PARTITION)
if kafka.__version__ < "3":
    # What it had read ahead is thrown away by a pause, and it would go on behind that.
    consumer.seek(PARTITION, found.offset + 1)
read(consumer, "resume", 1)
commit(consumer, COUNT, METADATA)
close(consumer)

consumer = kafka.KafkaConsumer(TOPIC, **SETTINGS)
read(consumer, "subscribe", COUNT)
say("assigned", partitions=sorted(one.partition for one in consumer.assignment()))
commit(consumer, 2 * COUNT, "")
close(consumer)

consumer = kafka.KafkaConsumer(TOPIC, **SETTINGS)
read(consumer, "rejoin", 1)
close(consumer)
say("done")
