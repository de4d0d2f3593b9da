"""What a server says of its own rows, and the same from records: two ways to one text.

A column's kind knows both: the expression whose answer is the text (UTC, hexadecimal for all that is not plain), and
how a record's value becomes that text. The branch of the value and its type number are part of the claim.

`Watched` is a table whose every change is followed: after a statement the table is selected, and what differs from
before is what the stream must say.
"""

import dataclasses
import datetime
import io
import re
import struct

import confluent_kafka
import fastavro

from . import clients, record, wait


# `EmptyObject.NONE`: the source did not log the column.
ABSENT = "NONE"


@dataclasses.dataclass(frozen=True)
class Kind:
    """How one column type is asked for and read."""

    number: int  # dataTypeNumber
    branch: str  # of the union of values
    sql: str  # the text, of the column `{}`
    text: object  # (value, decimals, charset tag) -> the same text


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a test: its type, and literals that it is given one after the other."""

    type: str
    values: tuple = ("NULL",)
    name: str = ""
    only: str = ""  # the kind of server that has the type
    as_type: str = ""  # the plain type behind an alias


def column(type_, *values, **more):
    """One line of a table of oracles."""
    return Column(type_, tuple(str(value) for value in values) or ("NULL",), **more)


def float32(number):
    """The double that is printed like the single: the shortest decimal that reads back to the same four bytes."""
    single = struct.unpack("<f", struct.pack("<f", number))[0]
    for digits in range(1, 10):
        shortest = float(f"{single:.{digits}g}")
        try:
            if struct.pack("<f", shortest) == struct.pack("<f", single):
                return shortest
        except OverflowError:
            continue  # rounded up beyond the largest single
    return single


def _decimal(value, *_):
    digits = sum(c.isdigit() for c in value["value"])
    scale = len(value["value"].partition(".")[2])
    assert (value["precision"], value["scale"]) == (digits, scale), value
    return value["value"]


def _fraction(micros, decimals):
    micros = abs(micros or 0)
    assert micros <= 999_999, "a seventh digit breaks every client"
    text = f"{micros:06d}"
    assert not text[decimals:].strip("0"), f"{text} has more than {decimals} decimals"
    return f".{text[:decimals]}" if decimals else ""


def _date(value, *_):
    assert all(value[part] is None for part in ("hour", "minute", "second", "millis")), value
    return f"{value['year']:04d}-{value['month']:02d}-{value['day']:02d}"


def _time(value, decimals, _):
    assert all(value[part] is None for part in ("year", "month", "day")), value
    parts = [value["hour"], value["minute"], value["second"], value["millis"] or 0]
    assert all(part >= 0 for part in parts) or all(part <= 0 for part in parts), "one sign for all parts"
    sign = "-" if min(parts) < 0 else ""
    hour, minute, second, micros = map(abs, parts)
    return f"{sign}{hour:02d}:{minute:02d}:{second:02d}{_fraction(micros, decimals)}"


def _datetime(value, decimals, _):
    return (f"{value['year']:04d}-{value['month']:02d}-{value['day']:02d} "
            f"{value['hour']:02d}:{value['minute']:02d}:{value['second']:02d}{_fraction(value['millis'], decimals)}")


def _timestamp(value, decimals, _):
    if value["timestamp"] == 0 and value["millis"] == 0:
        return f"0000-00-00 00:00:00{_fraction(0, decimals)}"
    instant = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=value["timestamp"])
    return f"{instant:%Y-%m-%d %H:%M:%S}{_fraction(value['millis'], decimals)}"


def _year(value, *_):
    assert all(value[part] is None for part in ("month", "day", "hour", "minute", "second", "millis")), value
    return f"{value['year']:04d}"


def _characters(value, *_):
    assert value["charset"] != "utf8mb3", "a name that most clients do not know"
    return f"{value['charset']}:{value['value'].hex().upper()}"


def _object(type_):
    def text(value, _, charset):
        assert value["type"] == type_, value["type"]
        inner = value["value"]
        data = inner.encode() if isinstance(inner, str) else inner
        return f"{charset}{data.hex().upper()}"

    return text


PLAIN = "CAST({} AS CHAR)"
CHARSET = "REPLACE(CHARSET({0}), 'utf8mb3', 'utf8')"
LABEL = "HEX(CONVERT({} USING utf8mb4))"
LONG = "CONCAT(IF(CHARSET({0}) IN ('utf8mb4', 'utf8mb3', 'ascii'), '', CHARSET({0})), HEX({0}))"


def _integer(number, width):
    def text(value, *_):
        assert value["precision"] == width, value
        return value["value"]

    return Kind(number, "Integer", PLAIN.format("{}+0"), text)


def _text(number):
    return Kind(number, "BinaryObject", LONG, _object("TEXT"))


def _blob(number):
    return Kind(number, "BinaryObject", "HEX({})", _object("BLOB"))


CHARACTERS = f"CONCAT({CHARSET}, ':', HEX({{0}}))"
UUID = f"CONCAT('utf8mb4:', HEX({PLAIN}))"
GEOMETRY = Kind(255, "BinaryGeometry", "HEX(ST_AsWKB({}))", _object("WKB"))
KINDS = {
    "tinyint": _integer(1, 1),
    "smallint": _integer(2, 2),
    "mediumint": _integer(9, 3),
    "int": _integer(3, 4),
    "bigint": _integer(8, 8),
    "decimal": Kind(246, "Decimal", PLAIN.format("{}+0"), _decimal),
    "float": Kind(4, "Float", "{}*1e0", lambda value, *_: repr(value["value"])),
    "double": Kind(5, "Float", "{}*1e0", lambda value, *_: repr(value["value"])),
    "year": Kind(13, "DateTime", PLAIN, _year),
    "date": Kind(10, "DateTime", PLAIN, _date),
    "time": Kind(11, "DateTime", PLAIN, _time),
    "datetime": Kind(12, "DateTime", PLAIN, _datetime),
    "timestamp": Kind(7, "Timestamp", PLAIN, _timestamp),
    "char": Kind(254, "Character", CHARACTERS, _characters),
    "varchar": Kind(253, "Character", CHARACTERS, _characters),
    "binary": Kind(254, "Character", CHARACTERS, _characters),
    "varbinary": Kind(253, "Character", CHARACTERS, _characters),
    "tinytext": _text(249),
    "text": _text(252),
    "mediumtext": _text(250),
    "longtext": _text(251),
    "tinyblob": _blob(249),
    "blob": _blob(252),
    "mediumblob": _blob(250),
    "longblob": _blob(251),
    "vector": _blob(252),
    "enum": Kind(247, "TextObject", LABEL, _object("ENUM")),
    "set": Kind(248, "TextObject", LABEL, _object("SET")),
    "json": Kind(245, "TextObject", f"HEX({PLAIN})", _object("JSON")),
    "uuid": Kind(254, "Character", UUID, _characters),
    "inet4": Kind(254, "Character", UUID, _characters),
    "inet6": Kind(254, "Character", UUID, _characters),
    **dict.fromkeys(("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
                     "geometrycollection"), GEOMETRY),
}


def _bit(width):
    return Kind(16, "Integer", PLAIN.format("{}+0"), _integer(16, (width + 7) // 8).text)


class Field:
    """A column of a watched table."""

    def __init__(self, name, type_, server):
        self.name = name
        self.type = type_
        word, argument = re.match(r"(\w+)(?:\((\d+)[^)]*\))?", type_.lower()).groups()
        if word == "json" and server.kind == "mariadb":
            word = "longtext"  # an alias there
        self.kind = _bit(int(argument or 1)) if word == "bit" else KINDS[word]
        self.decimals = int(argument or 0) if word in ("time", "datetime", "timestamp") else 0
        self.is_single = word == "float"
        self.is_double = word == "double"
        quoted = "`" + name.replace("`", "``") + "`"
        self.sql = self.kind.sql.format(quoted)
        if self.kind is GEOMETRY and server.kind == "mysql":
            self.sql = f"HEX(ST_AsWKB({quoted}, 'axis-order=long-lat'))"

    def wanted(self, answer):
        """The server's answer as text."""
        if answer is None:
            return None
        if self.is_single:
            return repr(float32(float(answer)))
        return repr(float(answer)) if self.is_double else answer

    def found(self, value, charset):
        """A record's value as the same text."""
        if value is None:
            return None
        branch, inner = value
        if inner == ABSENT:
            return ABSENT
        assert branch.rpartition(".")[2] == self.kind.branch, f"{branch} for a {self.type}"
        return self.kind.text(inner, self.decimals, charset)


@dataclasses.dataclass(frozen=True)
class Change:
    """What the stream must say of one row: its images as {column: text}."""

    operation: str
    before: dict | None
    after: dict | None
    whole: bool  # whether the images hold all columns
    fields: list  # of the table when it was changed


class Watched:
    """A table, the session that changes it, and what the stream must say of it."""

    def __init__(self, session, database, name, columns, key=("id",)):
        self.session = session
        self.database, self.name = database, name
        self.full_name = f"`{database}`.`" + name.replace("`", "``") + "`"
        self.fields = [Field(column.name, column.as_type or column.type, session.server) for column in columns]
        self.key = key
        self.partial = set()  # columns whose changes refer to what may not have been logged
        self.rows = {}
        self.expected = []  # the changes of each statement

    def run(self, *statements, whole=True):
        """Runs statements, and takes note of what they changed."""
        for statement in statements:
            self.session.execute(statement.replace("{t}", self.full_name))
            self.look(whole)
        return self

    def look(self, whole=True):
        """Selects the table, and takes note of what is different."""
        new = self.select()
        pairs = [(self.rows.get(key), new.get(key)) for key in self.rows.keys() | new.keys()]
        self.expect(*(pair for pair in pairs if pair[0] != pair[1]), whole=whole)
        self.rows = new

    def expect(self, *pairs, whole=True):
        """Takes note of the rows of one statement, as they were and as they are."""
        changes = []
        for before, after in pairs:
            operation = "INSERT" if before is None else "DELETE" if after is None else "UPDATE"
            changes.append(Change(operation, before, after, whole, self.fields))
        if changes:
            self.expected.append(changes)

    def select(self):
        """The rows by key, their values as the server's own text."""
        expressions = ", ".join(field.sql for field in self.fields)
        answers = self.session.observe(f"SELECT {expressions} FROM {self.full_name}")
        rows = ({f.name: f.wanted(a) for f, a in zip(self.fields, row, strict=True)} for row in answers)
        return {tuple(row[part] for part in self.key): row for row in rows}

    def alter(self, statement, columns):
        """Changes the definition; the rows that are there are no changes."""
        self.session.execute(statement.replace("{t}", self.full_name))
        self.fields = [Field(c.name, c.as_type or c.type, self.session.server) for c in columns]
        self.rows = self.select()

    def check(self, records):
        """Holds the records of this table against what is expected; answers how many values were compared."""
        compared = 0
        at = 0
        for changes in self.expected:
            found = records[at : at + len(changes)]
            at += len(changes)
            assert len(found) == len(changes), f"{self.full_name}: {len(records)} records are too few"
            fields = changes[0].fields
            by_key = {self._key_of(entry, fields): entry for entry in found}
            for change in changes:
                key = tuple((change.before or change.after)[part] for part in self.key)
                assert key in by_key, f"{self.full_name}: no {change.operation} of {key}, but {list(by_key)}"
                entry = by_key[key]
                assert entry["operation"] == change.operation, (self.full_name, key, entry["operation"])
                compared += self._image(entry, "beforeImages", change, change.before)
                compared += self._image(entry, "afterImages", change, change.after)
        assert at == len(records), f"{self.full_name}: {len(records) - at} records too many: {records[at:][:2]}"
        return compared

    def texts(self, entry, side, fields):
        """An image as {column: text}."""
        if entry[side] is None:
            return None
        charsets = record.charsets(entry)
        names = [field["name"] for field in entry["fields"]]
        assert names == [field.name for field in fields], f"{self.full_name}: columns {names}"
        numbers = [field["dataTypeNumber"] for field in entry["fields"]]
        texts = {}
        for field, number, value in zip(fields, numbers, entry[side], strict=True):
            assert number == field.kind.number, f"{field.name} {field.type}: type number {number}"
            try:
                texts[field.name] = field.found(value, charsets.get(field.name, ""))
            except AssertionError as wrong:
                raise AssertionError(f"{self.full_name} {field.name} {field.type}: {wrong}") from wrong
        return texts

    def _image(self, entry, side, change, wanted):
        found = self.texts(entry, side, change.fields)
        if wanted is None:
            assert found is None, f"{self.full_name}: {entry['operation']} has {side}"
            return 0
        compared = 0
        for name, text in wanted.items():
            value = found[name]
            if value == ABSENT and not change.whole:
                is_key = name in self.key and side == "beforeImages"
                was = (change.before or {}).get(name, text)
                is_changed = side == "afterImages" and was != text and name not in self.partial
                assert not is_key and not is_changed, f"{self.full_name} {name}: left out of {side}"
                continue
            assert value == text, f"{self.full_name} {name} in {side}:\n wanted {text}\n  found {value}"
            compared += 1
        return compared

    def _key_of(self, entry, fields):
        """The key of a changed row, as it was where there is an image of that."""
        side = "afterImages" if entry["beforeImages"] is None else "beforeImages"
        texts = self.texts(entry, side, fields)
        return tuple(texts[part] for part in self.key)


class Session:
    """A connection that changes, and one that looks: in UTC, in utf8mb4, without padding."""

    def __init__(self, server):
        self.server = server
        self.writer, self.reader = server.connect(), server.connect()
        self.observe("SET SESSION sql_mode = '', time_zone = '+00:00'")
        self.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")

    def execute(self, statement):
        with self.writer.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def observe(self, statement):
        with self.reader.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def close(self):
        self.writer.close()
        self.reader.close()


def is_at_least(session, *version):
    """Whether the server is of this release or a later one."""
    [(text,)] = session.observe("SELECT VERSION()")
    return tuple(int(part) for part in re.findall(r"\d+", text)[: len(version)]) >= version


class Stream:
    """A topic read to its end, its rows by table; values of unions keep the name of their branch."""

    def __init__(self, broker, topic, login):
        self.rows = {}
        self.others = []
        self.consumer = confluent_kafka.Consumer(clients.Confluent.settings(broker, login))
        self.consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])

    def take(self):
        for message in self.consumer.consume(1000, 0.2):
            if message.error():
                continue
            entry = fastavro.schemaless_reader(io.BytesIO(message.value()), record.SCHEMA, return_record_name=True)
            if record.is_row(entry):
                self.rows.setdefault(entry["objectName"], []).append(entry)
            else:
                self.others.append(entry)

    def read_to(self, table, deadline_s=120, alive=lambda: True):
        """Reads until a row of this table has come."""
        def come():
            self.take()
            assert alive(), "Wellhead has stopped"
            return table in self.rows

        wait.until(come, lambda: f"a row of {table}; {sum(map(len, self.rows.values()))} rows came", deadline_s, 0)

    def of(self, database, table):
        """The rows of a table, in order."""
        escaped = ".".join(part.replace(".", "\\u002E") for part in (database, table))
        return self.rows.get(escaped, [])

    def close(self):
        self.consumer.close()


class Table:
    """A case that is a table of columns: rows with each value, changed to the next one, and removed."""

    def __init__(self, name, columns, options="", key=None, only=""):
        self.name, self.options, self.only, self.key = name, options, only, key
        self.columns = columns

    def play(self, session, database):
        """Makes the table and goes through its values; answers what is to be held against the stream."""
        columns = [column for column in self.columns if column.only in ("", session.server.kind)]
        columns = [dataclasses.replace(c, name=c.name or f"c{number}") for number, c in enumerate(columns, 1)]
        own_key = "id INT PRIMARY KEY, step INT, " if self.key is None else "step INT, "
        definitions = ", ".join(f"`{c.name.replace('`', '``')}` {c.type}" for c in columns)
        key = "" if self.key is None else f", PRIMARY KEY ({self.key})"
        watched = Watched(
            session, database, self.name,
            [*([Column("INT", name="id")] if self.key is None else []), Column("INT", name="step"), *columns],
            ("id",) if self.key is None else (self.key,),
        )
        session.execute(f"CREATE TABLE {watched.full_name} ({own_key}{definitions}{key}) {self.options}")
        count = max(len(column.values) for column in columns)
        rows = [[column.values[at % len(column.values)] for column in columns] for at in range(count)]
        if self.key is not None:
            values = ", ".join(f"({at}, {', '.join(row)})" for at, row in enumerate(rows))
            return [watched.run(f"INSERT INTO {{t}} VALUES {values}", "UPDATE {t} SET step = -step - 1", "DELETE FROM {t}")]
        nulls = ["DEFAULT"] * len(columns)
        values = ", ".join(f"({at}, 0, {', '.join(row)})" for at, row in enumerate([*rows, nulls]))
        watched.run(f"INSERT INTO {{t}} VALUES {values}")
        for at in range(count):
            following = rows[(at + 1) % count]
            changes = ", ".join(f"`{c.name.replace('`', '``')}` = {v}" for c, v in zip(columns, following, strict=True))
            session.execute(f"UPDATE {watched.full_name} SET step = 1, {changes} WHERE id = {at}")
        watched.look()
        return [watched.run("DELETE FROM {t}")]


class Script:
    """A case that is a function of a session and a database."""

    def __init__(self, name, play, only=""):
        self.name, self.play, self.only = name, play, only


def script(name, only=""):
    """Makes a case of a function."""
    return lambda play: Script(name, play, only)
