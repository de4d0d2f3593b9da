"""What batches hold, in a form that does not depend on how well somebody compresses.

A batch of the present format is compared byte by byte. Message sets of the older ones are made anew for each answer, so
their messages are compared: offset, time, key and value.
"""

import gzip
import struct

import lz4.block

MAGIC_AT = 16
HEAD = struct.Struct(">qiIbb")
# Compressions as a message's attributes name them.
NONE, GZIP, SNAPPY, LZ4 = range(4)
# A frame's magic number, flags, block size and a checksum that Kafka computed wrongly in the oldest format.
LZ4_HEAD_BYTES = 7
BLOCK_BYTES_MAX = 4 << 20
STORED = 1 << 31


def told(batch, asked):
    """What a whole batch or message holds; of messages those from the offset that was asked for, as clients do."""
    if batch[MAGIC_AT] == 2:
        # Without the epoch of its writer, which is each side's own and outside of the checksum.
        return [batch[:12] + bytes(4) + batch[16:]]
    return [message for message in _messages(batch) if message["offset"] >= asked]


def _messages(data):
    at = 0
    while at < len(data):
        offset, length, _, magic, attributes = HEAD.unpack_from(data, at)
        end = at + 12 + length
        at += HEAD.size
        time = None
        if magic == 1:
            (time,) = struct.unpack_from(">q", data, at)
            at += 8
        key, at = _bytes(data, at)
        value, at = _bytes(data, at)
        assert at == end, f"{end - at} bytes behind a message"
        if attributes & 7 == NONE:
            yield {"magic": magic, "offset": offset, "time": time, "key": key, "value": value}
            continue
        inner = list(_messages(_inflated(attributes & 7, value)))
        # In the newer of the two formats offsets inside are counted from the first one.
        first = offset - inner[-1]["offset"] if magic == 1 else 0
        for message in inner:
            yield {**message, "offset": first + message["offset"], "within": attributes & 7}


def _bytes(data, at):
    (length,) = struct.unpack_from(">i", data, at)
    at += 4
    return (None, at) if length < 0 else (data[at:at + length], at + length)


def _inflated(compression, data):
    if compression == GZIP:
        return gzip.decompress(data)
    assert compression == LZ4, f"compression {compression}"
    at, parts = LZ4_HEAD_BYTES, []
    while True:
        (size,) = struct.unpack_from("<I", data, at)
        at += 4
        if size == 0:
            return b"".join(parts)
        block = data[at:at + (size & ~STORED)]
        parts.append(block if size & STORED else lz4.block.decompress(block, uncompressed_size=BLOCK_BYTES_MAX))
        at += len(block)
