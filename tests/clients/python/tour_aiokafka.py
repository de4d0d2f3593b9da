"""The tour of aiokafka."""

import asyncio

import aiokafka

from said import BROKER, COUNT, GROUP, METADATA, PASSWORD, SECOND, TOPIC, USER, record, say

PARTITION = aiokafka.TopicPartition(TOPIC, 0)
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


async def read(consumer, step, count):
    """Says the next records."""
    taken = 0
    while taken < count:
        for records in (await consumer.getmany(timeout_ms=500, max_records=count - taken)).values():
            for one in records:
                record(step, one.offset, one.timestamp, one.key, one.value)
                taken += 1


async def commit(consumer, offset, metadata):
    """Commits, and says the offset that is committed then."""
    await consumer.commit({PARTITION: (offset, metadata)})
    say("committed", offset=await consumer.committed(PARTITION))


async def assigned():
    """Steps 1 to 6."""
    consumer = aiokafka.AIOKafkaConsumer(**SETTINGS)
    await consumer.start()
    consumer.assign([PARTITION])
    await consumer.seek_to_beginning(PARTITION)
    await read(consumer, "assign", COUNT)
    beginning = await consumer.beginning_offsets([PARTITION])
    end = await consumer.end_offsets([PARTITION])
    say("range", beginning=beginning[PARTITION], end=end[PARTITION])
    found = (await consumer.offsets_for_times({PARTITION: SECOND}))[PARTITION]
    say("time", offset=found.offset, timestamp=found.timestamp)
    consumer.seek(PARTITION, found.offset)
    await read(consumer, "seek", 1)
    consumer.pause(PARTITION)
    say("paused", records=sum([len(await consumer.getmany(timeout_ms=300)) for _ in range(3)]))
    consumer.resume(PARTITION)
    await read(consumer, "resume", 1)
    say("cannot", step="metadata")  # it commits some, and has no call that answers it
    await commit(consumer, COUNT, METADATA)
    await consumer.stop()


async def subscribed(step, count):
    """Step 7, and step 8 without a commit."""
    consumer = aiokafka.AIOKafkaConsumer(TOPIC, **SETTINGS)
    await consumer.start()
    await read(consumer, step, count)
    if count > 1:
        say("assigned", partitions=sorted(one.partition for one in consumer.assignment()))
        await commit(consumer, 2 * COUNT, "")
    await consumer.stop()


async def tour():
    """All of it."""
    await assigned()
    await subscribed("subscribe", COUNT)
    await subscribed("rejoin", 1)
    say("done")


asyncio.run(tour())
