"""Copies a topic's record batches from one broker to another as they are, so that both serve the same bytes.

Fetch version 4 and Produce version 3 by hand: clients would take the batches apart and build others.
"""

import socket
import struct

from . import Failed

FETCH, FETCH_VERSION = 1, 4
PRODUCE, PRODUCE_VERSION = 0, 3
FETCH_BYTES = 32 << 20
CLIENT = b"bench"
ALL_REPLICAS = -1
TIMEOUT_S = 60
# Of a batch: its base offset and length; behind those, from the length on, the last offset's distance.
PREFIX = struct.Struct(">qi")
LAST_OFFSET_DELTA = struct.Struct(">i")
LAST_OFFSET_DELTA_AT = 23


def copy(source, target, topic, records):
    """Copies partition 0 from its start until the other has so many records, or the end is reached; a source may go
    on to write. Answers how many the other has."""
    offset = written = 0
    with _connect(source) as reading, _connect(target) as writing:
        while written < records:
            high_watermark, data = _fetch(reading, topic, offset)
            if offset >= high_watermark:
                break
            before = offset
            for batch, last in _split(data):
                written = _produce(writing, topic, batch) + last + 1 - _base(batch)
                offset = last + 1
                if written >= records:
                    break
            if offset == before:
                raise Failed(f"no whole batch of {topic} at {offset} in {len(data)} bytes")
    return written


def _connect(address):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=TIMEOUT_S)


def _fetch(connection, topic, offset):
    """The high watermark, and the batches from this offset on; the last may be cut."""
    body = struct.pack(">iiiib", -1, 0, 1, FETCH_BYTES, 0) + _one_partition(topic)
    body += struct.pack(">qi", offset, FETCH_BYTES)
    answer = _call(connection, FETCH, FETCH_VERSION, body)
    # throttle time, topics, name, partitions, partition, error, high watermark, last stable offset, aborted
    at = 4 + 4 + 2 + len(topic.encode()) + 4
    _, error, high_watermark, _, aborted = struct.unpack_from(">ihqqi", answer, at)
    if error or aborted > 0:
        raise Failed(f"Fetch of {topic} at {offset}: error {error}, {aborted} aborted transactions")
    at += 26
    (length,) = struct.unpack_from(">i", answer, at)
    return high_watermark, memoryview(answer)[at + 4:at + 4 + max(length, 0)]


def _split(data):
    """Each whole batch, and the offset of its last record."""
    at = 0
    while at + PREFIX.size <= len(data):
        base, length = PREFIX.unpack_from(data, at)
        end = at + PREFIX.size + length
        if end > len(data):
            return
        yield data[at:end], base + LAST_OFFSET_DELTA.unpack_from(data, at + LAST_OFFSET_DELTA_AT)[0]
        at = end


def _base(batch):
    return PREFIX.unpack_from(batch)[0]


def _produce(connection, topic, batch):
    """Writes one batch; answers the offset that its first record got. A producer's batch begins at offset 0, which is
    outside of what the checksum covers."""
    batch = bytes(8) + batch[8:].tobytes()
    body = struct.pack(">hhi", -1, ALL_REPLICAS, TIMEOUT_S * 1000) + _one_partition(topic)
    answer = _call(connection, PRODUCE, PRODUCE_VERSION, body + struct.pack(">i", len(batch)), batch)
    # topics, name, partitions, partition, error, base offset
    _, error, base = struct.unpack_from(">ihq", answer, 4 + 2 + len(topic.encode()) + 4)
    if error:
        raise Failed(f"Produce to {topic}: error {error}")
    return base


def _one_partition(topic):
    name = topic.encode()
    return struct.pack(">ih", 1, len(name)) + name + struct.pack(">ii", 1, 0)


def _call(connection, api, version, *body):
    """Sends one request and answers the body of its response."""
    head = struct.pack(">hhih", api, version, 0, len(CLIENT)) + CLIENT
    length = len(head) + sum(map(len, body))
    connection.sendall(struct.pack(">i", length) + head)
    for part in body:
        connection.sendall(part)
    (length,) = struct.unpack(">i", _read(connection, 4))
    return _read(connection, length)[4:]


def _read(connection, count):
    data = bytearray(count)
    view, have = memoryview(data), 0
    while have < count:
        more = connection.recv_into(view[have:])
        if not more:
            raise Failed("the broker closed the connection")
        have += more
    return data
