"""One side of a comparison, and conversations with it that are written down."""

import socket
import struct
from typing import NamedTuple

from . import codec, schema

CLIENT = "differential"
# Nothing here waits for long; who does not answer by then does not answer.
PATIENCE_S = 30
CLOSED = "(closed)"


class Step(NamedTuple):
    """One thing that was asked, and what came of it: fields, or a word for why there are none."""

    what: str
    api: str
    version: int
    outcome: object


class Peer:
    """A broker that can be asked."""

    def __init__(self, name, port, catalogue):
        self.name = name
        self.port = port
        self.catalogue = catalogue
        self.names = {}

    def learn(self):
        """What it speaks, and what it calls itself and its topics."""
        with Connection(self) as connection:
            spoken = connection.ask("ApiVersions", 3, client_software_name="test", client_software_version="1")
            self.ranges = {
                self.catalogue.names[one["api_key"]]: schema.Versions(one["min_version"], one["max_version"])
                for one in spoken["api_keys"] if one["api_key"] in self.catalogue.names
            }
            told = connection.ask("Metadata", 12, topics=None)
        self.topic_ids = {topic["name"]: topic["topic_id"] for topic in told["topics"]}
        self.cluster = told["cluster_id"]
        self.names = {self.cluster: "<cluster>", self.port: "<port>"}
        self.names |= {topic_id: f"<id of {name}>" for name, topic_id in self.topic_ids.items()}
        return self


class Connection:
    """One connection, asking one thing at a time."""

    def __init__(self, peer, port=None):
        self.peer = peer
        self.socket = socket.create_connection(("127.0.0.1", port or peer.port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0
        self.sent = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, api, version, /, **fields):
        """The fields of the answer, or that there is none because the peer has closed."""
        frame = self.exchange(self.written(api, version, fields))
        return frame if frame == CLOSED else self.read(api, version, frame)

    def log_in(self, login):
        """Proves who it is, as current clients do."""
        self.ask("SaslHandshake", 1, mechanism="PLAIN")
        answer = self.ask("SaslAuthenticate", 2, auth_bytes=f"\0{login.user}\0{login.password}".encode())
        assert answer["error_code"] == 0, answer

    def written(self, api, version, fields):
        """A request as it is sent."""
        self.correlation += 1
        return codec.request(self.peer.catalogue, api, version, self.correlation, CLIENT, fields)

    def read(self, api, version, frame):
        """The fields of an answer, which must be that to the last request."""
        correlation, fields = codec.response(self.peer.catalogue, api, version, frame)
        assert correlation == self.correlation, f"{api} v{version}: the answer to {correlation}, not {self.correlation}"
        return fields

    def exchange(self, data):
        """Sends bytes and answers the next frame without its length."""
        try:
            self.send(data)
            return self.next_frame()
        except ConnectionError:
            return CLOSED

    def send(self, data):
        """Sends bytes and waits for nothing."""
        self.sent.append(data)
        self.socket.sendall(data)

    def next_frame(self):
        """The next frame without its length."""
        try:
            (length,) = struct.unpack(">i", self._receive(4))
            return self._receive(length)
        except ConnectionError:
            return CLOSED

    def _receive(self, count):
        data = bytearray()
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return bytes(data)


class Talk:
    """One script with one peer: its connections, in one version of each API, and all steps in order."""

    def __init__(self, peer, script, versions):
        self.peer = peer
        self.name = script.name
        self.versions = versions
        self.door = script.door
        self.steps = []
        self.connections = []
        self.connection = None

    def __enter__(self):
        self.connection = self.connect()
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.socket.close()

    @property
    def group(self):
        """A group of this script's and these versions' own, of the same name on either side."""
        return "-".join(("g", self.name.replace("_", "-"), *map(str, self.versions.values())))

    def connect(self):
        """A further connection."""
        port = self.peer.port if self.door == "anyone" else self.peer.sasl_port
        connection = Connection(self.peer, port)
        self.connections.append(connection)
        if self.door == "accounts":
            connection.log_in(self.peer.login)
        return connection

    def reconnect(self):
        """A fresh connection in place of the first one."""
        self.connection.socket.close()
        self.connection = self.connect()

    def ask(self, api, what, /, on=None, version=None, **fields):
        """Asks and writes down; answers the fields, or that the peer has closed."""
        version = self.versions[api] if version is None else version
        outcome = (on or self.connection).ask(api, version, **fields)
        return self.note(what, api, version, outcome)

    def note(self, what, api, version, outcome):
        """Writes down what came of something."""
        self.steps.append(Step(what, api, version, outcome))
        return outcome
