"""Apache Kafka's own client in ten versions, from the first that a contract names to today's."""

import pytest

import java
import tour

# Asking for offsets by time, and for the ends of a partition, came with 0.10.1.
CANNOT = {"kafka-clients-0.10.0.0": frozenset({"time", "range"})}
CLIENTS = [
    tour.Client(name, java.command(name, "Tour", classes="jvm-tour"), CANNOT.get(name, frozenset()))
    for name in java.versions("kafka-clients")
]


def test_ten_versions_take_the_tour():
    assert len(CLIENTS) == 10


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_java_client(toured, take_the_tour):
    take_the_tour(toured)
