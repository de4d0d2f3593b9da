"""A consumer that remembers every batch it was ever served, across all crashes of the server.

It speaks the wire itself: what a client library would retry, reset or hide is what it is there to see. A batch is
bytes with a place, so its fingerprint is taken of all of them; the records inside are looked at by other clients.
"""

import hashlib
import socket
import struct
import threading
from typing import NamedTuple

FETCH, METADATA, HANDSHAKE, AUTHENTICATE = (1, 5), (3, 7), (17, 1), (36, 0)
NO_ERROR, UNKNOWN_TOPIC = 0, 3
# Before a batch's records: offset, length, epoch, magic, checksum, attributes, last offset delta.
BATCH_HEAD = struct.Struct(">qiibIhi")
# What the length field of a batch does not count: itself and the offset before it.
UNCOUNTED = 12


class Batch(NamedTuple):
    """One record batch as it was served."""

    base: int
    next: int
    epoch: int
    fingerprint: bytes


class Fetched(NamedTuple):
    """The answer for one partition."""

    error: int
    high_watermark: int
    log_start: int
    batches: list


class Connection:
    """One connection to the Kafka port, asking one thing at a time."""

    def __init__(self, port, topic, login):
        self.topic = topic.encode()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if login.user is not None:
            self._log_in(login)

    def close(self):
        """Lets the connection go."""
        self.socket.close()

    def fetch(self, offset, max_bytes=4 << 20, wait_ms=50):
        """The batches from an offset on, or from when there are some."""
        partition = struct.pack(">iqqi", 0, offset, -1, max_bytes)
        body = struct.pack(">iiiib", -1, wait_ms, 1, max_bytes, 0) + _topics(self.topic, partition)
        answer = self._ask(FETCH, body)
        # Throttle time, one topic, its name, one partition.
        at = 4 + 4 + 2 + len(self.topic) + 4
        _, error, high_watermark, _, log_start, aborted = struct.unpack_from(">ihqqqi", answer, at)
        assert aborted <= 0, "nothing here is ever aborted"
        at += struct.calcsize(">ihqqqi")
        (length,) = struct.unpack_from(">i", answer, at)
        return Fetched(error, high_watermark, log_start, list(batches_of(answer[at + 4 : at + 4 + length])))

    def cluster(self):
        """(error of the topic, cluster id)."""
        answer = self._ask(METADATA, struct.pack(">ih", 1, len(self.topic)) + self.topic + b"\0")
        at = 4
        (brokers,) = struct.unpack_from(">i", answer, at)
        at += 4
        for _ in range(brokers):
            (host,) = struct.unpack_from(">h", answer, at + 4)
            at += 4 + 2 + host + 4
            (rack,) = struct.unpack_from(">h", answer, at)
            at += 2 + max(rack, 0)
        (length,) = struct.unpack_from(">h", answer, at)
        # Behind the id stand controller and number of topics, then the topic begins with its error.
        (error,) = struct.unpack_from(">h", answer, at + 2 + length + 8)
        return error, answer[at + 2 : at + 2 + length]

    def _log_in(self, login):
        self._ask(HANDSHAKE, struct.pack(">h", 5) + b"PLAIN")
        secret = f"\0{login.user}\0{login.password}".encode()
        answer = self._ask(AUTHENTICATE, struct.pack(">i", len(secret)) + secret)
        assert answer[:2] == b"\0\0", f"the login of {login.user} was refused: {answer}"

    def _ask(self, api, body):
        request = struct.pack(">hhih", *api, 1, -1) + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", self._receive(4))
        return self._receive(length)[4:]

    def _receive(self, count):
        parts = bytearray(count)
        view, filled = memoryview(parts), 0
        while filled < count:
            taken = self.socket.recv_into(view[filled:])
            if not taken:
                raise ConnectionResetError("the server has closed")
            filled += taken
        return bytes(parts)


class Witness:
    """Reads a topic on and on in a thread of its own; what must never be stands in `wrong`."""

    def __init__(self, port, topic, login, batches=()):
        self.port = port
        self.topic = topic
        self.login = login
        self.batches = list(batches)
        self.wrong = []
        self.high_watermark = 0
        self.log_start = 0
        self.cluster = None
        self.connections = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    @property
    def next(self):
        """The offset behind everything it was served."""
        return self.batches[-1].next if self.batches else 0

    def stop(self):
        """Ends the thread and complains about all that was wrong."""
        self.stopping.set()
        self.thread.join(30)
        self.complain()

    def complain(self):
        """Raises if something was wrong up to now."""
        assert not self.wrong, f"{self.topic}: {self.wrong[:5]}"

    def read_again(self):
        """Reads the whole log anew: all that was ever served is there, byte by byte, at its offset."""
        connection = Connection(self.port, self.topic, self.login)
        again, at = [], 0
        while at < self.next:
            fetched = connection.fetch(at, 16 << 20)
            assert fetched.error == NO_ERROR and fetched.batches, f"offset {at} of {self.next}: {fetched}"
            again += fetched.batches
            at = again[-1].next
        connection.close()
        now = {batch.base: batch for batch in again}
        changed = [batch for batch in self.batches if now.get(batch.base) != batch]
        assert not changed, f"served, and later another: {[(batch, now.get(batch.base)) for batch in changed[:3]]}"
        for one, other in zip(again, again[1:]):
            assert one.next == other.base and one.epoch <= other.epoch, f"{one} is followed by {other}"
        return again

    def _run(self):
        while not self.stopping.is_set():
            connection = None
            try:
                connection = Connection(self.port, self.topic, self.login)
                self._follow(connection)
            except OSError:
                # Killed while it answered; what came whole before that counts.
                self.stopping.wait(0.003)
            except Exception as failure:
                self.wrong.append(f"what was answered cannot be read: {failure!r}")
                return
            finally:
                if connection:
                    connection.close()

    def _follow(self, connection):
        if not self._see_server(connection):
            self.stopping.wait(0.003)
            return
        self.connections += 1
        # The last batch was perhaps sent right before a crash: if one is gone, it is this one.
        at = self.batches[-1].base if self.batches else 0
        while not self.stopping.is_set():
            fetched = connection.fetch(at)
            if fetched.error == UNKNOWN_TOPIC:
                return
            if fetched.error != NO_ERROR:
                self.wrong.append(f"asked for {at} after {self.next} were served: {fetched}")
                self.stopping.wait(1)
                return
            self._see_marks(fetched)
            for batch in fetched.batches:
                self._see_batch(batch, fetched.high_watermark)
            at = self.next

    def _see_server(self, connection):
        error, cluster = connection.cluster()
        if error == UNKNOWN_TOPIC:
            return False
        if error != NO_ERROR:
            self.wrong.append(f"the topic has error {error}")
        if self.cluster not in (None, cluster):
            self.wrong.append(f"the cluster was {self.cluster} and is {cluster}")
        self.cluster = cluster
        return True

    def _see_marks(self, fetched):
        if fetched.high_watermark < self.high_watermark:
            self.wrong.append(f"the high watermark was {self.high_watermark} and is {fetched.high_watermark}")
        if fetched.log_start < self.log_start:
            self.wrong.append(f"the log began at {self.log_start} and begins at {fetched.log_start}")
        self.high_watermark, self.log_start = fetched.high_watermark, fetched.log_start

    def _see_batch(self, batch, high_watermark):
        if batch.next > high_watermark:
            self.wrong.append(f"{batch} was served with a high watermark of {high_watermark}")
        if self.batches and batch.base == self.batches[-1].base:
            if batch != self.batches[-1]:
                self.wrong.append(f"{self.batches[-1]} was served, and then {batch}")
        elif batch.base != self.next:
            self.wrong.append(f"{batch} was served behind offset {self.next}")
        else:
            if self.batches and batch.epoch < self.batches[-1].epoch:
                self.wrong.append(f"{batch} is of an epoch before that of {self.batches[-1]}")
            self.batches.append(batch)


def batches_of(records):
    """The whole batches at the beginning of some bytes."""
    at = 0
    while at + BATCH_HEAD.size <= len(records):
        base, length, epoch, magic, _, _, delta = BATCH_HEAD.unpack_from(records, at)
        end = at + UNCOUNTED + length
        if end > len(records):
            return
        assert magic == 2, f"a batch of format {magic} at offset {base}"
        fingerprint = hashlib.blake2b(records[at:end], digest_size=16).digest()
        yield Batch(base, base + delta + 1, epoch, fingerprint)
        at = end


def _topics(topic, partition):
    return struct.pack(">ih", 1, len(topic)) + topic + struct.pack(">i", 1) + partition
