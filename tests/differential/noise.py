"""Conversations by chance: any requests in any order, most of them nearly right, some of them broken.

Values come from what the server knows (its topics, its groups, what it has answered) and from the edges of their types,
so that requests get past the decoder more often than noise would.
"""

import contextlib
import struct
import uuid

from . import codec
from .peer import CLIENT, CLOSED, Connection
from .stage import FOREIGN, TOPIC

EDGES = {
    "int8": (-128, -1, 0, 1, 2, 3, 127), "int16": (-32768, -1, 0, 1, 3, 32767),
    "int32": (-(1 << 31), -5, -2, -1, 0, 1, 2, 1000, 1 << 20, (1 << 31) - 1),
    "int64": (-(1 << 63), -6, -5, -4, -3, -2, -1, 0, 1, 7, 1_696_984_408, 1_800_000_000_000, (1 << 63) - 1),
    "uint16": (0, 1, 65535), "uint32": (0, (1 << 32) - 1), "float64": (0.0, -1.0, 1e300),
}
# A server may wait so long for what is asked; nobody here has that time.
MILLISECONDS = (-1, 0, 1, 20)
# Joining may wait for members that have long hung up.
PATIENCE_S = 1
MEMBERSHIP_MS = (6_000, 30_000)


class Noise:
    """Makes conversations out of one source of chance."""

    def __init__(self, dice, side):
        self.dice = dice
        self.side = side
        self.seen = {"string": [TOPIC, FOREIGN, side.login.group, "", "a/b", "range", "consumer", "x" * 300, "nowhere"],
                     "uuid": [*side.topic_ids.values(), uuid.UUID(int=0), uuid.UUID(int=7)]}
        self.requests = 0
        self.answers = 0

    def talk(self):
        """One conversation; ends when the server closes, lets wait, or nothing comes to mind."""
        door = self.dice.choice((self.side.port, self.side.sasl_port))
        with Connection(self.side, door) as connection:
            if door == self.side.sasl_port and self.dice.random() < 0.8:
                connection.log_in(self.side.login)
            connection.socket.settimeout(PATIENCE_S)
            with contextlib.suppress(TimeoutError):
                for _ in range(self.dice.randrange(1, 25)):
                    if not self._exchange(connection):
                        return

    def _exchange(self, connection):
        api = self.dice.choice(list(self.side.ranges))
        version = self.dice.randint(self.side.ranges[api].first, self.side.ranges[api].last)
        fields = self._struct(self.side.catalogue.request(api, version).fields, version)
        if api == "Produce":
            # Without acknowledgement there is no answer to wait for.
            fields["acks"] = self.dice.choice((-1, 1, 2))
        connection.correlation += 1
        data = codec.request(self.side.catalogue, api, version, connection.correlation, CLIENT, fields)
        whole = self.dice.random() < 0.9
        frame = connection.exchange(data if whole else self._broken(data))
        self.requests += 1
        if frame == CLOSED:
            return False
        self.answers += 1
        if whole and not (api == "ApiVersions" and frame[4:6] == b"\0\x23"):
            self._learn(connection.read(api, version, frame))
        return True

    def _broken(self, data):
        """The same length, another content; the length in front is always true, for an untrue one makes both wait."""
        body = bytearray(data[4:])
        match self.dice.randrange(3):
            case 0:
                del body[self.dice.randrange(len(body)):]
            case 1:
                for _ in range(self.dice.randrange(1, 4)):
                    # Behind API and version, whose answers could not be told apart otherwise.
                    body[self.dice.randrange(8, len(body))] = self.dice.randrange(256)
            case 2:
                body += self.dice.randbytes(self.dice.randrange(1, 40))
        return struct.pack(">i", len(body)) + bytes(body)

    def _learn(self, value, name=""):
        if isinstance(value, dict):
            for inner, one in value.items():
                self._learn(one, inner)
        elif isinstance(value, list):
            for one in value[:3]:
                self._learn(one, name)
        elif isinstance(value, str) and name.endswith("_id") and value:
            self.seen["string"] = [*self.seen["string"][-40:], value]
        elif name in ("session_id", "generation_id"):
            self.number = value

    number = 0

    def _struct(self, fields, version):
        return {field.name: self._value(field, field.type, version) for field in fields
                if version in field.versions and (version not in field.tagged or self.dice.random() < 0.3)}

    def _value(self, field, kind, version):
        if version in field.nullable and kind == field.type and self.dice.random() < 0.15:
            return None
        if kind.startswith("[]"):
            return [self._value(field, kind[2:], version) for _ in range(self.dice.choice((0, 1, 1, 1, 2, 3)))]
        if kind in EDGES:
            return self._number(field.name, kind)
        if kind == "bool":
            return self.dice.random() < 0.5
        if kind in self.seen:
            return self.dice.choice(self.seen[kind])
        if kind in codec.TEXTS:
            return self.dice.choice((b"", self.dice.randbytes(5), self.side.first_batch, bytes(300)))
        return self._struct(field.fields, version)

    def _number(self, name, kind):
        if name in ("max_wait_ms", "timeout_ms"):
            return self.dice.choice(MILLISECONDS)
        if name in ("session_timeout_ms", "rebalance_timeout_ms"):
            return self.dice.choice(MEMBERSHIP_MS)
        if name in ("session_id", "generation_id") and self.dice.random() < 0.5:
            return self.number
        return self.dice.choice((0, 0, *EDGES[kind]))
