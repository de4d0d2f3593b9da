"""DTS records, decoded by an Avro library that is not ours."""

import io
import json

import fastavro

from . import paths

# The file is a list of named types; the last one is the record.
SCHEMA = fastavro.parse_schema(json.loads(paths.RECORD_SCHEMA.read_text()))[-1]

ROW_OPERATIONS = ("INSERT", "UPDATE", "DELETE")


def decode(value):
    """One record as a dictionary of the schema's own names."""
    stream = io.BytesIO(value)
    record = fastavro.schemaless_reader(stream, SCHEMA)
    assert not stream.read(1), "bytes left behind the record"
    return record


def is_row(record):
    """Whether the record is a row change."""
    return record["operation"] in ROW_OPERATIONS


def image(record, side):
    """`beforeImages` or `afterImages` as {column: plain value}; None without an image."""
    values = record[side]
    if not isinstance(values, list):
        return None
    names = [field["name"] for field in record["fields"]]
    assert len(names) == len(values), "an image has as many values as there are fields"
    return {name: plain(value) for name, value in zip(names, values, strict=True)}


def charsets(record):
    """The character sets of the long texts that are not in UTF-8, by column."""
    return json.loads(record["tags"].get("charset_info", "{}"))


def before(record):
    """The row as it was."""
    return image(record, "beforeImages")


def after(record):
    """The row as it is."""
    return image(record, "afterImages")


def plain(value):
    """A branch of the value union as the Python value a person would expect."""
    match value:
        case None:
            return None
        case {"charset": charset, "value": raw}:
            return raw.decode("utf-8" if charset.startswith("utf8") else charset)
        case {"type": _, "value": inner}:
            return inner
        case {"value": str(digits), "precision": _, "scale": _}:
            return digits
        case {"value": float(number)}:
            return number
        case {"value": str(digits), "precision": _}:
            return int(digits)
        case {"timestamp": seconds, "millis": _}:
            return seconds
        case {"year": _, "month": _}:
            return value
        case _:
            return value
