"""rskafka, a client in Rust alone."""

import pytest

from harness import paths

import pages
import tour

BUILT = paths.CACHE / "clients" / "rust"

CLIENTS = [
    tour.Client("rskafka", (BUILT / "debug" / "tour",),
                frozenset(["pause", "commit", "metadata", "subscribe"])),
]


@pytest.mark.parametrize("toured", CLIENTS, ids=str)
def test_a_client_in_rust(toured, take_the_tour):
    take_the_tour(toured)


def test_the_page_for_rust_does_what_it_says(served, scratch):
    pages.does_what_it_says("rust", served, scratch, (("CARGO_TARGET_DIR", str(BUILT)),))
