"""librdkafka from 0.11 to the newest, by its C interface, by its Python binding, and as kcat."""

import pytest

from harness import paths

import tour

HERE = paths.TESTS / "clients" / "librdkafka"
CACHE = paths.CACHE / "clients"


def confluent(name):
    """A release of the Python binding in an environment of its own."""
    return tour.Client(name, (CACHE / name / "bin/python", HERE / "tour_confluent.py"))


def librdkafka(version, cannot=()):
    """A release of the library alone; it finds the libraries that its wheel bundles beside itself."""
    folder = CACHE / f"librdkafka-{version}"
    found = (("LIBRDKAFKA", str(folder / "librdkafka.so")),
             ("LD_LIBRARY_PATH", f"{folder}/confluent_kafka/.libs:{folder}/confluent_kafka.libs"))
    return tour.Client(f"librdkafka-{version}", ("python3", HERE / "tour_librdkafka.py"), frozenset(cannot), found)


CLIENTS = [
    librdkafka("0.11.6", ["metadata"]),
    librdkafka("1.4.2"),
    librdkafka("1.9.2"),
    confluent("confluent-old"),
    confluent("confluent-newest"),
    tour.Client("kcat", ("python3", HERE / "tour_kcat.py"),
                frozenset(["pause", "commit", "committed", "uncommitted", "metadata"])),
]


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_a_client_on_librdkafka(toured, take_the_tour):
    take_the_tour(toured)
