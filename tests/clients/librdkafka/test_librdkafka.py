"""librdkafka from 0.11 to the newest, by its C interface, by its Python binding, and as kcat."""

import subprocess

import pytest

from harness import paths, wait

import pages
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


def test_the_page_for_kcat_does_what_it_says(served):
    """The script says one line for each record; kcat has no Avro of its own."""
    with served.new_login() as login, open(served.folder / "kcat-page", "a+b") as said:
        program = subprocess.Popen(["sh", "consume.sh"], cwd=pages.PAGES / "kcat", stdin=subprocess.DEVNULL,
                                   stdout=said, env=tour.environment(served, login))
        wait.until(lambda: len(pages.changes(said)) >= served.end, "a line for each record", pages.DEADLINE_S)
        program.terminate()
        program.wait(30)
        lines = pages.changes(said)[: served.end]
    expected = [(offset, held.timestamp, len(held.value)) for offset, held in enumerate(served.records)]
    assert [(line["offset"], line["time"], line["bytes"]) for line in lines] == expected
