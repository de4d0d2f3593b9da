"""Reads the topic from its beginning with kafka-python as it reads a broker of an older Kafka: one program, each format of
Fetch that was ever in use. The version is an argument, like 0.10.1."""

import sys

import kafka

from said import BROKER, COUNT, PASSWORD, TOPIC, USER, record

PARTITION = kafka.TopicPartition(TOPIC, 0)
AGE = tuple(map(int, sys.argv[1].split(".")))

consumer = kafka.KafkaConsumer(
    bootstrap_servers=BROKER, group_id=None, api_version=max(AGE, (0, 10)),
    security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_plain_username=USER, sasl_plain_password=PASSWORD,
    # Less than one batch holds, so that batches are read in parts.
    max_partition_fetch_bytes=2000)
# No broker before 0.10 knew logins; only what fetches is told of one.
consumer._fetcher.config["api_version"] = AGE
consumer.assign([PARTITION])
consumer.seek(PARTITION, 0)
taken = 0
while taken < COUNT:
    for records in consumer.poll(timeout_ms=500).values():
        for one in records[:COUNT - taken]:
            record("assign", one.offset, one.timestamp, one.key, one.value)
            taken += 1
consumer.close(autocommit=False)
