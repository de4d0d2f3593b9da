"""Every script with Apache Kafka's own broker and with Wellhead; each difference is on the list, and happens."""

import contextlib
import os
from pathlib import Path

import pytest
from harness import database, paths

from . import compare, run, schema, stage
from .noise import Noise

LIST = Path(__file__).with_name("differences.toml")
CONVERSATIONS = 400
MEMORY_MIB_MAX = 200
# From the newest; the older one still speaks what the newer one has given up.
KAFKAS = {"kafka-broker-4": "4.3.1", "kafka-broker-3": "3.9.1"}


@pytest.fixture(scope="module")
def sides(templates, session_folder):
    """Wellhead and both Kafkas, with the same content."""
    folder = session_folder / "differential"
    folder.mkdir()
    kind = database.MariaDb.kind
    with contextlib.ExitStack() as ends:
        source = database.EVERY_KIND[kind](folder / kind, template=templates[kind])
        ends.callback(source.stop)
        source.start()
        source.create_user()
        yield stage.build(source, folder, schema.Catalogue(paths.JARS), KAFKAS, ends)


@pytest.fixture(scope="module")
def judged(sides):
    """(differences that are not on the list, entries of the list that no longer happen)."""
    wellhead, kafkas = sides
    return compare.judge([*run.tables(wellhead, kafkas), *run.all_scripts(wellhead, kafkas)], compare.listed(LIST))


def test_each_difference_from_kafka_is_on_the_list(judged):
    unlisted, _ = judged
    assert not unlisted, "\n".join(map(str, unlisted))


def test_each_listed_difference_still_happens(judged):
    _, stale = judged
    assert not stale, "\n".join(stale)


def test_no_order_of_requests_harms_the_server(sides, dice):
    """Before and after a login, nearly right and broken."""
    wellhead, _ = sides
    noise = Noise(dice, wellhead)
    for _ in range(int(os.environ.get("WELLHEAD_CONVERSATIONS") or CONVERSATIONS)):
        noise.talk()
        wellhead.say_hello()
    assert noise.answers > noise.requests / 3, f"{noise.answers} of {noise.requests} requests were answered"
    for server in wellhead.servers:
        assert server.alive()
        said = server.log.read_text()
        assert "panicked" not in said and "please report" not in said, said[-4000:]
        assert server.memory_peak_mib() < MEMORY_MIB_MAX


def test_the_comparison_can_fail():
    """What is not on the list, what is only like it, and what no longer happens."""
    happened = compare.Difference("4.3.1", "metadata", "one topic", "Metadata", 3, "topics[].error_code", "0", "3")
    entry = {"api": "Metadata", "versions": "3", "at": ["metadata: one topic"], "field": "topics[].error_code",
             "kafka": "0", "wellhead": "3", "why": "none"}
    assert compare.judge([happened], []) == ([happened], [])
    assert compare.judge([happened], [compare.Listed(**entry)]) == ([], [])
    for change in ({"versions": "2"}, {"at": ["metadata: two topics"]}, {"field": "topics.error_code"},
                   {"kafka": "1"}, {"wellhead": "0"}, {"api": "Fetch"}):
        unlisted, stale = compare.judge([happened], [compare.Listed(**{**entry, **change})])
        assert unlisted == [happened] and len(stale) == 1, change
    unlisted, stale = compare.judge([happened], [compare.Listed(**{**entry, "versions": "3-4"})])
    assert not unlisted and len(stale) == 1
