"""Logs altered on purpose, with every checksum and offset right again: what only a comparison can find.

Record batches of format 2 (KIP-98) are taken apart, their records changed or dropped, and put together again.
"""

import dataclasses
import io
import struct

import lz4.frame
from kafka.record.util import calc_crc32c

HEADER = struct.Struct(">qiibIhiqqqhii")
# Where the bytes begin that the checksum covers.
CHECKED_AT = 21
COMPRESSION = 0b111
LZ4 = 3


@dataclasses.dataclass
class Record:
    """One record; its offset is given by its place."""

    timestamp_delta: int
    key: bytes | None
    value: bytes | None
    headers: bytes


def rewrite(folder, change):
    """Puts each record of a log's only segment through `change(offset, value)`.

    That answers the new value, or None to drop the record; all offsets behind are one less then.
    """
    [segment] = sorted(folder.glob("*.log"))
    for index in (*folder.glob("*.index"), *folder.glob("*.timeindex")):
        index.unlink()
    data = segment.read_bytes()
    out = bytearray()
    at, next_offset = 0, int(segment.stem)
    while at < len(data):
        length = HEADER.unpack_from(data, at)[1] + 12
        batch, next_offset = _rewritten(data[at : at + length], next_offset, change)
        out += batch
        at += length
    segment.write_bytes(out)


def _rewritten(batch, base, change):
    (old_base, _, epoch, magic, crc, attributes, _, first_time, last_time, producer, producer_epoch, sequence, count
     ) = HEADER.unpack_from(batch)
    assert magic == 2 and calc_crc32c(batch[CHECKED_AT:]) == crc, "the log was whole before"
    body = batch[HEADER.size :]
    if attributes & COMPRESSION:
        assert attributes & COMPRESSION == LZ4
        body = lz4.frame.decompress(body)
    stream = io.BytesIO(body)
    records = [_read(stream) for _ in range(count)]
    kept = []
    for offset, record in enumerate(records, old_base):
        record.value = change(offset, record.value)
        if record.value is not None:
            kept.append(record)
    assert kept, "a batch must keep a record"
    # The source's position stands on the last record.
    kept[-1].headers = records[-1].headers
    body = b"".join(_written(delta, record) for delta, record in enumerate(kept))
    if attributes & COMPRESSION:
        body = lz4.frame.compress(body)
    rest = struct.pack(">hiqqqhii", attributes, len(kept) - 1, first_time, last_time,
                       producer, producer_epoch, sequence, len(kept)) + body
    head = struct.pack(">qiibI", base, len(rest) + CHECKED_AT - 12, epoch, magic, calc_crc32c(rest))
    return head + rest, base + len(kept)


def _read(stream):
    end = _varint(stream) + stream.tell()
    stream.read(1)  # attributes, always 0
    timestamp_delta = _varint(stream)
    _varint(stream)
    record = Record(timestamp_delta, _sized(stream), _sized(stream), b"")
    record.headers = stream.read(end - stream.tell())
    return record


def _written(delta, record):
    def sized(content):
        return _zigzag(-1) if content is None else _zigzag(len(content)) + content

    body = (b"\0" + _zigzag(record.timestamp_delta) + _zigzag(delta) + sized(record.key) + sized(record.value)
            + record.headers)
    return _zigzag(len(body)) + body


def _sized(stream):
    length = _varint(stream)
    return None if length < 0 else stream.read(length)


def _varint(stream):
    number = shift = 0
    while True:
        [byte] = stream.read(1)
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1)


def _zigzag(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
