"""kafkajs, and @platformatic/kafka, which speaks the newest versions of each API and no others."""

import os

import pytest

from harness import paths

import pages
import tour

BUILT = paths.CACHE / "clients" / "node"
# The newest release wants a newer Node than a distribution has; it comes as a package like any other.
[NODE] = BUILT.glob("node_modules/node-linux-*/bin/node")


def platformatic(release, package):
    """A release of @platformatic/kafka under the name that it is installed by."""
    return tour.Client(f"platformatic-{release}", (NODE, BUILT / "tour_platformatic.mjs"), frozenset(["metadata"]),
                       (("PLATFORMATIC", package),))


CLIENTS = [
    tour.Client("kafkajs", (NODE, BUILT / "tour_kafkajs.mjs")),
    platformatic("1.35", "platformatic-kafka-1"),
    platformatic("2.12", "@platformatic/kafka"),
]


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_a_client_in_node(toured, take_the_tour):
    take_the_tour(toured)


def test_the_page_for_node_does_what_it_says(served, scratch):
    path = f"{NODE.parent}:{os.environ['PATH']}"
    pages.does_what_it_says("node", served, scratch, (("PATH", path),))
