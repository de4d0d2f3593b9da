"""sarama, franz-go and segmentio's kafka-go, told to speak as a broker of their time does, and as the newest one."""

import os

import pytest

from harness import paths

import pages
import tour

BUILT = paths.CACHE / "clients" / "go"


def sarama(release, version):
    """A release of sarama that is told a Kafka version; without one it would speak as to Kafka 0.8 or 2.1."""
    program = BUILT / ("sarama" if release == "1.61" else f"sarama-{release}")
    told = (("SARAMA_VERSION", version),)
    return tour.Client(f"sarama-{release}-as-{version}", (program,), frozenset(["pause"]), told)


CLIENTS = [
    sarama("1.24", "0.10.2.0"),
    sarama("1.24", "2.3.0"),
    sarama("1.40", "0.11.0.0"),
    sarama("1.40", "3.3.2"),
    sarama("1.61", "1.0.0"),
    sarama("1.61", "4.3.1"),
    tour.Client("franz-go", (BUILT / "franz",)),
    tour.Client("franz-go-as-0.10.2", (BUILT / "franz",), environment=(("FRANZ_MAX_VERSION", "v0.10.2"),)),
    tour.Client("kafka-go", (BUILT / "segmentio",), frozenset(["pause", "assigned"])),
]


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_a_client_in_go(toured, take_the_tour):
    take_the_tour(toured)


def test_the_page_for_go_does_what_it_says(served, scratch):
    # Where the machine has no Go, or too old a one, another was brought in.
    brought = paths.CACHE.glob("go/usr/lib/go-1.*/bin")
    path = ":".join([*map(str, brought), os.environ["PATH"]])
    # As the programs were built, so that it finds compiled what they share.
    pages.does_what_it_says("go", served, scratch, (("PATH", path), ("CGO_ENABLED", "0")))
