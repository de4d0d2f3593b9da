"""Kafka's own definitions of its messages, as they lie inside its clients' jar.

They are the oracle of the wire here: nothing of Wellhead's codec takes part in a comparison. A message is looked up in
the newest Kafka that still has the version, because each release forgets old ones.
"""

import json
import re
import zipfile
from dataclasses import dataclass

# From the newest.
RELEASES = ("kafka-broker-4", "kafka-broker-3")
COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*')
FOREVER = 1 << 15


@dataclass(frozen=True)
class Versions:
    """A range of versions, both ends included; empty if it ends before it begins."""

    first: int
    last: int

    @classmethod
    def parse(cls, text):
        """`3`, `1-4`, `2+` or `none`."""
        if text == "none":
            return cls(0, -1)
        if text.endswith("+"):
            return cls(int(text[:-1]), FOREVER)
        first, _, last = text.partition("-")
        return cls(int(first), int(last or first))

    def __contains__(self, version):
        return self.first <= version <= self.last


NONE = Versions(0, -1)


@dataclass(frozen=True)
class Field:
    """One field of a structure."""

    name: str
    type: str
    versions: Versions
    nullable: Versions
    tagged: Versions
    tag: int | None
    flexible: Versions | None
    default: object
    fields: tuple

    @classmethod
    def parse(cls, text, shared):
        """A field, the structures that its message shares at hand."""
        kind = text["type"]
        inner = text.get("fields") or shared.get(kind.removeprefix("[]")) or ()
        return cls(
            name=snake(text["name"]),
            type=kind,
            versions=Versions.parse(text.get("versions", "0+")),
            nullable=Versions.parse(text.get("nullableVersions", "none")),
            tagged=Versions.parse(text.get("taggedVersions", "none")),
            tag=text.get("tag"),
            flexible=Versions.parse(text["flexibleVersions"]) if "flexibleVersions" in text else None,
            default=text.get("default"),
            fields=tuple(cls.parse(one, shared) for one in inner),
        )


@dataclass(frozen=True)
class Message:
    """A request or a response."""

    key: int
    name: str
    valid: Versions
    flexible: Versions
    fields: tuple


class Definitions:
    """The messages of one release."""

    def __init__(self, jars):
        [jar] = jars.glob("kafka-clients-*.jar")
        self.requests, self.responses = {}, {}
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.startswith("common/message/") and name.endswith(("Request.json", "Response.json")):
                    self._add(json.loads(COMMENT.sub(lambda m: m[1] or "", archive.read(name).decode())))

    def _add(self, text):
        if text["validVersions"] == "none":
            return
        shared = {one["name"]: one["fields"] for one in text.get("commonStructs", ())}
        message = Message(
            key=text["apiKey"],
            name=text["name"].removesuffix("Request").removesuffix("Response"),
            valid=Versions.parse(text["validVersions"]),
            flexible=Versions.parse(text.get("flexibleVersions", "none")),
            fields=tuple(Field.parse(one, shared) for one in text.get("fields", ())),
        )
        side = self.requests if text["type"] == "request" else self.responses
        side[message.name] = message


class Catalogue:
    """The messages of all releases that are at hand."""

    def __init__(self, jars):
        self.releases = [Definitions(jars / release) for release in RELEASES]
        self.keys = {}
        for release in reversed(self.releases):
            self.keys |= {name: message.key for name, message in release.requests.items()}
        self.names = {key: name for name, key in self.keys.items()}

    def request(self, name, version):
        """How a request is written."""
        return self._find("requests", name, version)

    def response(self, name, version):
        """How an answer is read."""
        return self._find("responses", name, version)

    def field_names(self, name):
        """Every field that a request has ever had, at any depth."""
        known = [found for one in self.releases if (found := one.requests.get(name))]
        return set().union(*(_names(message.fields) for message in known))

    def _find(self, side, name, version):
        known = [found for one in self.releases if (found := getattr(one, side).get(name))]
        if not known:
            raise KeyError(f"no release of Kafka knows {name}")
        return next((one for one in known if version in one.valid), known[0])


def _names(fields):
    return {field.name for field in fields}.union(*(_names(field.fields) for field in fields))


def snake(name):
    """`ThrottleTimeMs` as `throttle_time_ms`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
