"""kafka-python, which finds out what a broker can by probing it in each generation differently, and aiokafka."""

import pytest

from harness import paths

import pages
import tour

HERE = paths.TESTS / "clients" / "python"


def client(name, program, cannot=()):
    """A client that has an environment of its own."""
    return tour.Client(name, (paths.CACHE / "clients" / name / "bin/python", HERE / program), frozenset(cannot))


CLIENTS = [
    client("kafka-python-1", "tour_kafka_python.py", ["metadata"]),
    client("kafka-python-2", "tour_kafka_python.py"),
    client("kafka-python-3", "tour_kafka_python.py"),
    client("aiokafka", "tour_aiokafka.py", ["metadata"]),
]


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_a_client_in_python(toured, take_the_tour):
    take_the_tour(toured)


def test_the_page_for_python_does_what_it_says(served, scratch):
    pages.does_what_it_says("python", served, scratch)
