"""The smallest Kafka client that can tell whether a broker serves: one Fetch (version 4), by hand."""

import socket
import struct
import time

from wrong import Wrong

FETCH, VERSION = 1, 4
BYTES = 1 << 16
BETWEEN_TRIES_S = 0.002


def until_answered(port, topic, offset, alive, deadline_s=120):
    """Tries until a Fetch at this offset answers records, and says when that was; `alive` may end it early."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end and alive():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=deadline_s) as connection:
                if ask(connection, topic, offset) > 0:
                    return time.monotonic()
        except OSError:
            pass
        time.sleep(BETWEEN_TRIES_S)
    raise Wrong(f"no Fetch of {topic} at {offset} was answered with records")


def ask(connection, topic, offset):
    """How many bytes of records a Fetch at this offset answers; 0 where it answers an error."""
    name = topic.encode()
    body = struct.pack(">iiiibi", -1, 0, 1, BYTES, 0, 1) + struct.pack(">h", len(name)) + name
    body += struct.pack(">iiqi", 1, 0, offset, BYTES)
    request = struct.pack(">hhih", FETCH, VERSION, 1, -1) + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (length,) = struct.unpack(">i", _read(connection, 4))
    answer = _read(connection, length)
    # correlation, throttle time, topics and the name; then partitions, partition, error, two offsets, aborted, bytes
    at = 14 + len(name)
    _, _, error, _, _, _, records = struct.unpack_from(">iihqqii", answer, at)
    return records if error == 0 else 0


def _read(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data
