"""Tables whose definitions change, with rows whose content the server itself was asked for."""

import collections
import zlib

from . import record


class Script:
    """Runs statements on a server; each `mark` leaves one row in a table and remembers what the server shows of it."""

    def __init__(self, server):
        self.server = server
        self.connection = server.connect()
        self.expected = collections.defaultdict(list)
        self.marks = 0

    def run(self, *statements):
        """Runs statements in one session."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return self

    def mark(self, table, *, counts=True):
        """Replaces the rows of `database.table` by one; each value is that of its column alone."""
        database, name = table.split(".")
        self.marks += 1
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT COLUMN_NAME, DATA_TYPE, EXTRA, COLUMN_TYPE FROM information_schema.COLUMNS"
                " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION", (database, name))
            columns = cursor.fetchall()
            plain = [c for c in columns if "GENERATED" not in c[2].upper().replace("DEFAULT_GENERATED", "")]
            names = ", ".join(f"`{c[0]}`" for c in plain)
            values = [value_of(*column[:2], self.marks) for column in plain]
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(values))})", values)
            cursor.execute("SELECT " + ", ".join(f"`{c[0]}`" for c in columns) + f" FROM {table}")
            [row] = cursor.fetchall()
        if counts:
            self.expected[table].append({c[0]: text(v) for c, v in zip(columns, row, strict=True)})
        return self

    def selected(self, table):
        """Rows that a statement has put into a table by itself."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, map(text, row), strict=True)) for row in cursor.fetchall()]
        self.expected[table] += rows
        return self

    def close(self):
        self.connection.close()


def value_of(column, data_type, mark):
    """A value that belongs to this column and this mark, and fits the type."""
    number = zlib.crc32(f"{column}/{mark}".encode())
    match data_type:
        case "tinyint":
            return number % 100
        case "smallint":
            return number % 30_000
        case "int" | "mediumint":
            return number % 8_000_000
        case "bigint":
            return number
        case "json" | "longtext":
            return f'{{"{column}": {mark}}}'
        case "enum":
            return number % 2 + 1
        case "decimal":
            return f"{number % 900}.25"
        case "datetime" | "timestamp":
            return f"2026-01-01 00:00:{mark % 60:02}"
        case _:
            return f"{column}{mark}"


def text(value):
    """Values of either side as one text, so that a column is compared and not a client."""
    if value is None:
        return None
    return value.decode() if isinstance(value, bytes) else str(value)


def inserted(records):
    """The inserted rows of each table, in order."""
    rows = collections.defaultdict(list)
    for entry in records:
        if entry["operation"] == "INSERT":
            after = record.after(entry)
            rows[entry["objectName"]].append({name: text(value) for name, value in after.items()})
    return rows
