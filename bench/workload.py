"""The tables whose changes are measured, and the transactions that change them.

Everything is computed by the server from the row's number: the same recipe gives the same binlog, no data crosses
a connection, and two million changes take about a minute.
"""

import dataclasses

DATABASE = "shop"
# Rows numbered from 0, in a database that is neither tracked nor in the binlog.
NUMBERS = "workshop.numbers"


@dataclasses.dataclass(frozen=True)
class Workload:
    """One table and how its rows come to be and change; `id` is the row's number in every expression."""

    name: str
    # Row changes in the binlog, at least.
    rows: int
    columns: tuple
    update: str
    # Row changes of each kind in a transaction.
    inserts: int = 500
    updates: int = 400
    deletes: int = 100
    engine: str = "InnoDB"

    def setup(self):
        """Statements that make the table and the numbers."""
        definitions = ", ".join(f"{name} {kind}" for name, kind, _ in self.columns)
        return (
            "SET sql_log_bin = 0",
            "CREATE DATABASE workshop",
            *count_to(self.inserts),
            "SET sql_log_bin = 1",
            f"CREATE DATABASE {DATABASE}",
            f"CREATE TABLE {DATABASE}.{self.name} (id BIGINT PRIMARY KEY, {definitions}) ENGINE={self.engine}",
            f"USE {DATABASE}",
        )

    def transaction(self, number, per_statement):
        """The statements of one transaction: a block of new rows, most of the block before it updated, the end
        of the block before that deleted."""
        table = f"{DATABASE}.{self.name}"
        values = ", ".join(value for _, _, value in self.columns)
        block = number * self.inserts
        for first, last in _ranges(0, self.inserts, per_statement):
            ids = f"SELECT {block} + n AS id FROM {NUMBERS} WHERE n BETWEEN {first} AND {last}"
            yield f"INSERT INTO {table} SELECT id, {values} FROM ({ids}) AS numbered"
        for first, last in _ranges(block - self.inserts, self.updates, per_statement):
            yield f"UPDATE {table} SET {self.update} WHERE id BETWEEN {first} AND {last}"
        for first, last in _ranges(block - self.inserts - self.deletes, self.deletes, per_statement):
            yield f"DELETE FROM {table} WHERE id BETWEEN {first} AND {last}"


def count_to(count):
    """Statements that make the table of numbers, from 0 to below `count`."""
    yield f"CREATE TABLE {NUMBERS} (n INT PRIMARY KEY)"
    yield f"INSERT INTO {NUMBERS} VALUES (0)"
    have = 1
    while have < count:
        more = min(have, count - have)
        yield f"INSERT INTO {NUMBERS} SELECT n + {have} FROM {NUMBERS} WHERE n < {more}"
        have += more


def _ranges(start, count, step):
    """`count` numbers from `start` on as (first, last) of at most `step` each."""
    return ((first, min(first + step, start + count) - 1) for first in range(start, start + count, step))


def _choice(*texts):
    """One of the texts, as if at random."""
    chosen = ", ".join(f"'{text}'" for text in texts)
    return f"ELT(1 + CRC32(id) % {len(texts)}, {chosen})"


NOTE = _choice("leave at the door", "gift, no invoice", "ring twice", "fragile", "straße 5, hinten", "second try", "-")

ORDERS = Workload(
    name="orders",
    rows=2_400_000,
    columns=(
        ("customer", "INT UNSIGNED NOT NULL", "CRC32(id) % 90000"),
        ("state", "ENUM('new', 'paid', 'sent', 'returned') NOT NULL", "1 + id % 3"),
        ("total", "DECIMAL(12, 2) NOT NULL", "CRC32(id) % 1000000 / 100"),
        ("note", "VARCHAR(200) NOT NULL", f"CONCAT({NOTE}, ' ', LEFT(SHA2(id, 512), 28 + id % 64))"),
        ("ordered", "DATETIME(3) NOT NULL", "'2024-02-29 12:00:00' + INTERVAL id * 317000 MICROSECOND"),
        ("changed", "TIMESTAMP NOT NULL", "FROM_UNIXTIME(1700000000 + id)"),
        ("details", "JSON",
         "JSON_OBJECT('channel', " + _choice("web", "phone", "shop") + ", 'items', 1 + id % 9, 'coupon', "
         "IF(id % 4 = 0, LEFT(SHA2(id, 224), 8), NULL))"),
    ),
    update="state = 1 + state % 4, total = total + 1.25, changed = changed + INTERVAL 1 HOUR",
)

_WIDE_KINDS = (
    ("INT", "CRC32(id + {n}) % 1000000"),
    ("VARCHAR(128)", "LEFT(SHA2(id + {n}, 512), 96 + id % 32)"),
    ("DECIMAL(14, 4)", "CRC32(id + {n}) / 1000"),
    ("DATETIME", "'2024-01-01' + INTERVAL id + {n} MINUTE"),
    ("DOUBLE", "id * 1.5 + {n}"),
    ("VARCHAR(40)", "IF(id % 3 = 0, NULL, CONCAT('value {n} of ', id))"),
    ("TINYINT UNSIGNED", "id % 200"),
    ("BIGINT", "id * 1000003 + {n}"),
    ("TIMESTAMP(3) NULL", "FROM_UNIXTIME(1700000000 + id + {n})"),
    ("DATE", "'2024-01-01' + INTERVAL id % 1000 DAY"),
)


def wide(columns):
    """A table of so many columns of mixed types; some 16 bytes a column and row."""
    kinds = [_WIDE_KINDS[n % len(_WIDE_KINDS)] for n in range(columns - 1)]
    return tuple((f"c{n}", kind, value.format(n=n)) for n, (kind, value) in enumerate(kinds))


# 60 columns come to 1 000 bytes a row.
WIDE = Workload(
    name="wide",
    rows=400_000,
    columns=wide(60),
    update="c0 = c0 + 1, c2 = c2 + 0.25, c11 = LEFT(SHA2(c0, 512), 100)",
)

# One transaction, and nothing but it.
MILLION = dataclasses.replace(ORDERS, name="million", rows=1_000_000, inserts=1_000_000, updates=0, deletes=0)
