"""What differs between two transcripts, and whether all of it was foreseen."""

import dataclasses
import fnmatch
import hashlib
import re
import tomllib
import uuid
from dataclasses import dataclass

from . import peer

ABSENT = "(absent)"
# Longer ones are told by their beginning and a digest.
SHOWN_BYTES_MAX = 24
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Chosen by chance by either side.
BY_CHANCE = {"session_id": "<session>"}


@dataclass(frozen=True)
class Difference:
    """One field that is not the same."""

    kafka_release: str
    script: str
    what: str
    api: str
    version: int
    field: str
    kafka: str
    wellhead: str

    def __str__(self):
        return (f"{self.script}: {self.what}: {self.api} v{self.version} (Kafka {self.kafka_release}): {self.field}: "
                f"kafka {self.kafka}, wellhead {self.wellhead}")


class Names:
    """What one peer calls things, said in words that are the same for all peers."""

    def __init__(self, known, epochs):
        self.known = known
        self.epochs = epochs
        self.met = {}

    def plain(self, name, value):
        """A value as text."""
        if name in BY_CHANCE and value:
            return BY_CHANCE[name]
        if isinstance(value, uuid.UUID):
            return self.known.get(value, str(value))
        if name == "leader_epoch":
            return self.epochs.get(value, repr(value))
        if name == "port":
            return str(self.known.get(value, value))
        if isinstance(value, str):
            if name.endswith("error_message") or name == "error_message":
                return "<text>"
            value = self.known.get(value, value)
            return repr(UUID.sub(lambda match: self.met.setdefault(match[0], f"<uuid {len(self.met) + 1}>"), value))
        if isinstance(value, bytes):
            if len(value) <= SHOWN_BYTES_MAX:
                return value.hex()
            return f"{value[:SHOWN_BYTES_MAX].hex()}… ({len(value)} bytes, sha1 {hashlib.sha1(value).hexdigest()[:8]})"
        if isinstance(value, list):
            return f"a list of {len(value)}"
        return repr(value)


def apart(theirs, ours, path=""):
    """Every leaf in which two answers differ, as (path, theirs, ours); each side is (names, part of an answer).

    Of lists that are not equally long the lengths differ, and what both have is compared.
    """
    (their_names, their), (our_names, our) = theirs, ours
    if isinstance(their, dict) and isinstance(our, dict):
        for name in dict.fromkeys((*their, *our)):
            yield from apart((their_names, their.get(name, ABSENT)), (our_names, our.get(name, ABSENT)),
                             f"{path}.{name}" if path else name)
    elif isinstance(their, list) and isinstance(our, list):
        if len(their) != len(our):
            yield f"{path}.length", str(len(their)), str(len(our))
        for one, other in zip(their, our):
            yield from apart((their_names, one), (our_names, other), f"{path}[]")
    else:
        name = path.removesuffix("[]").rpartition(".")[2]
        shown = their_names.plain(name, their), our_names.plain(name, our)
        if shown[0] != shown[1]:
            yield path, *shown


def differences(release, script, kafka, wellhead):
    """What differs between the steps of two talks; `kafka` and `wellhead` are (steps, names)."""
    (theirs, their_names), (ours, our_names) = kafka, wellhead
    assert [step[:3] for step in ours] == [step[:3] for step in theirs], (
        f"{script}: the talks went different ways:\nkafka    {[step[:3] for step in theirs]}\n"
        f"wellhead {[step[:3] for step in ours]}\nkafka: {theirs[-1]}\nwellhead: {ours[-1]}")
    found = []
    for our, their in zip(ours, theirs, strict=True):
        place = release, script, our.what, our.api, our.version
        if peer.CLOSED in (our.outcome, their.outcome):
            pairs = [("", *("(closed)" if one.outcome == peer.CLOSED else "(an answer)" for one in (their, our)))]
        else:
            pairs = apart((their_names, their.outcome), (our_names, our.outcome))
        found += [Difference(*place, *pair) for pair in pairs if pair[1] != pair[2]]
    return found


@dataclass
class Listed:
    """An entry of the list of differences that are meant to be.

    `api` has one or several, `at` has patterns of "script: step"; `kafka` and `wellhead` may end in `*`. It stands for
    what it names and for nothing more: each of its APIs, versions and places must be seen. With `rest` the other fields
    of those answers may differ too, as those of an error and of an answer do.
    """

    api: str | list
    versions: str
    at: list
    field: str
    kafka: str
    wellhead: str
    why: str
    rest: bool = False
    number: int = 0
    seen: set = dataclasses.field(default_factory=set)

    @property
    def apis(self):
        """All that it names."""
        return [self.api] if isinstance(self.api, str) else self.api

    def takes(self, difference):
        """Whether this is meant; remembers that it happened."""
        place = f"{difference.script}: {difference.what}"
        at = [pattern for pattern in self.at if fnmatch.fnmatchcase(place, pattern)]
        if not at or difference.api not in self.apis or difference.version not in spelled(self.versions):
            return False
        exact = (difference.field == self.field and _like(difference.kafka, self.kafka)
                 and _like(difference.wellhead, self.wellhead))
        if exact:
            self.seen |= {difference.api, difference.version, *at}
        return exact or self.rest

    def stale(self):
        """What of it no longer happens."""
        gone = [one for one in (*self.apis, *sorted(spelled(self.versions)), *self.at) if one not in self.seen]
        return gone and f"difference {self.number} ({self.api}: {self.field}: {self.why}) no longer at {gone}"


def _like(value, pattern):
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def spelled(text):
    """The versions of `0-3, 7`."""
    found = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def listed(file):
    """The list of differences."""
    entries = tomllib.loads(file.read_text())["difference"]
    return [Listed(**entry, number=number) for number, entry in enumerate(entries, 1)]


def judge(found, entries):
    """(differences that nobody foresaw, entries of the list that no longer happen)."""
    unlisted = [one for one in found if not any([entry.takes(one) for entry in entries])]
    return unlisted, [told for entry in entries if (told := entry.stale())]
