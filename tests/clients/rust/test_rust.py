"""rskafka, a client in Rust alone."""

from harness import paths

import pytest

import tour

CLIENTS = [
    tour.Client("rskafka", (paths.CACHE / "clients" / "rust" / "tour",),
                frozenset(["pause", "commit", "metadata", "subscribe"])),
]


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_a_client_in_rust(toured, take_the_tour):
    take_the_tour(toured)
