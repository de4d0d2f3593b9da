"""Writes requests and reads answers by their definitions, field by field.

Requests are written with Kafka's defaults for what is not given. Answers become dictionaries, arrays lists; of a
version's fields all are there and no others.
"""

import struct
import uuid

NUMBERS = {
    "int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q",
    "uint16": ">H", "uint32": ">I", "float64": ">d",
}
TEXTS = ("string", "bytes", "records")
NIL = uuid.UUID(int=0)


class Malformed(Exception):
    """What came is not what the definition says."""


def request(catalogue, api, version, correlation, client, fields):
    """A whole request, its length in front."""
    message = catalogue.request(api, version)
    flexible = version in message.flexible
    head = struct.pack(">hhi", message.key, version, correlation) + _short_string(client)
    misspelt = _keys(fields) - catalogue.field_names(api)
    if misspelt:
        raise KeyError(f"{api} has no {', '.join(sorted(misspelt))}")
    body = head + (b"\0" if flexible else b"") + _write_struct(message.fields, version, flexible, fields)
    return struct.pack(">i", len(body)) + body


def response(catalogue, api, version, frame):
    """(correlation id, fields) of a whole answer without its length."""
    message = catalogue.response(api, version)
    flexible = version in message.flexible
    reader = Reader(frame)
    correlation = reader.number("int32")
    # An answer to ApiVersions has the oldest header: who asks may not know the newer one yet.
    if flexible and api != "ApiVersions":
        reader.skip_tags()
    fields = _read_struct(message.fields, version, flexible, reader)
    if reader.rest():
        raise Malformed(f"{reader.rest()} bytes behind {api} v{version}: {frame.hex()}")
    return correlation, fields


class Reader:
    """Bytes that are taken from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        """The next bytes, which must be there."""
        if count < 0 or self.at + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at} of {len(self.data)}: {self.data.hex()}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, kind):
        """A number of fixed width."""
        form = NUMBERS[kind]
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        """An unsigned number of variable width."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def rest(self):
        """How many bytes have not been taken."""
        return len(self.data) - self.at

    def skip_tags(self):
        """Passes over tagged fields."""
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())


def _read_struct(fields, version, flexible, reader):
    here = [field for field in fields if version in field.versions]
    tagged = {field.tag: field for field in here if version in field.tagged}
    values = {}
    for field in here:
        if version in field.tagged:
            values[field.name] = _default(field, version)
        else:
            values[field.name] = _read(field, field.type, version, _is_flexible(field, version, flexible), reader)
    if flexible:
        for _ in range(reader.varint()):
            tag, size = reader.varint(), reader.varint()
            inner = Reader(reader.take(size))
            if tag not in tagged:
                values[f"tag_{tag}"] = inner.data
                continue
            values[tagged[tag].name] = _read(tagged[tag], tagged[tag].type, version, True, inner)
            if inner.rest():
                raise Malformed(f"{inner.rest()} bytes behind the tagged field {tagged[tag].name}")
    return values


def _read(field, kind, version, flexible, reader):
    if kind in NUMBERS:
        return reader.number(kind)
    if kind == "bool":
        return reader.take(1) != b"\0"
    if kind == "uuid":
        return uuid.UUID(bytes=reader.take(16))
    if kind in TEXTS:
        size = reader.varint() - 1 if flexible else reader.number("int16" if kind == "string" else "int32")
        if size == -1:
            return None
        data = reader.take(size)
        return data.decode() if kind == "string" else data
    if kind.startswith("[]"):
        count = reader.varint() - 1 if flexible else reader.number("int32")
        return None if count == -1 else [_read(field, kind[2:], version, flexible, reader) for _ in range(count)]
    # Of an array the whole may be null, its elements not.
    if kind == field.type and version in field.nullable and reader.number("int8") < 0:
        return None
    return _read_struct(field.fields, version, flexible, reader)


def _write_struct(fields, version, flexible, values):
    parts, tagged = [], []
    for field in (field for field in fields if version in field.versions):
        value = values[field.name] if field.name in values else _default(field, version)
        within = _is_flexible(field, version, flexible)
        if version not in field.tagged:
            parts.append(_write(field, field.type, version, within, value))
        elif field.name in values:
            tagged.append((field.tag, _write(field, field.type, version, True, value)))
    if flexible:
        parts.append(_varint(len(tagged)))
        parts += [_varint(tag) + _varint(len(data)) + data for tag, data in sorted(tagged)]
    return b"".join(parts)


def _write(field, kind, version, flexible, value):
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], value)
    if kind == "bool":
        return b"\1" if value else b"\0"
    if kind == "uuid":
        return (value or NIL).bytes
    if kind in TEXTS:
        data = value.encode() if isinstance(value, str) else value
        form = ">h" if kind == "string" else ">i"
        if data is None:
            return _varint(0) if flexible else struct.pack(form, -1)
        return (_varint(len(data) + 1) if flexible else struct.pack(form, len(data))) + data
    if kind.startswith("[]"):
        if value is None:
            return _varint(0) if flexible else struct.pack(">i", -1)
        count = _varint(len(value) + 1) if flexible else struct.pack(">i", len(value))
        return count + b"".join(_write(field, kind[2:], version, flexible, one) for one in value)
    if kind == field.type and version in field.nullable:
        if value is None:
            return struct.pack(">b", -1)
        return struct.pack(">b", 1) + _write_struct(field.fields, version, flexible, value)
    return _write_struct(field.fields, version, flexible, value)


def _default(field, version):
    default, kind = field.default, field.type
    if default == "null" or (default is None and kind in ("bytes", "records") and version in field.nullable):
        return None
    if kind in NUMBERS:
        return float(default or 0) if kind == "float64" else int(str(default or 0), 0)
    if kind == "bool":
        return str(default).lower() == "true"
    if kind == "uuid":
        return NIL
    if kind == "string":
        return default or ""
    if kind in TEXTS:
        return b""
    if kind.startswith("[]"):
        return []
    return {one.name: _default(one, version) for one in field.fields if version in one.versions}


def _keys(value):
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _is_flexible(field, version, flexible):
    return flexible if field.flexible is None else version in field.flexible


def _short_string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def _varint(value):
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
