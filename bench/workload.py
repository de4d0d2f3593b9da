"""The tables whose changes are measured, and the transactions that change them.

Everything is computed by the server from the row's number: the same recipe gives the same binlog, no data crosses
a connection, and two million changes take about a minute.
"""

import dataclasses

DATABASE = "shop"
# Rows numbered from 0, in a database that is neither tracked nor in the binlog.
NUMBERS = "workshop.numbers"
# Row changes of each kind in a transaction.
INSERTS = 500
UPDATES = 400
DELETES = 100


@dataclasses.dataclass(frozen=True)
class Workload:
    """One table and how its rows come to be and change; `id` is the row's number in every expression."""

    name: str
    rows: int
    columns: tuple
    update: str

    def setup(self):
        """Statements that make the table and the numbers."""
        values = ",".join(f"({number})" for number in range(INSERTS))
        definitions = ", ".join(f"{name} {kind}" for name, kind, _ in self.columns)
        return (
            "SET sql_log_bin = 0",
            "CREATE DATABASE workshop",
            f"CREATE TABLE {NUMBERS} (n INT PRIMARY KEY)",
            f"INSERT INTO {NUMBERS} VALUES {values}",
            "SET sql_log_bin = 1",
            f"CREATE DATABASE {DATABASE}",
            f"CREATE TABLE {DATABASE}.{self.name} (id BIGINT PRIMARY KEY, {definitions})",
            f"USE {DATABASE}",
        )

    def transaction(self, number, per_statement):
        """The statements of one transaction: a block of new rows, most of the block before it updated, the end
        of the block before that deleted. From the third on it is exactly 1 000 row changes."""
        table = f"{DATABASE}.{self.name}"
        values = ", ".join(value for _, _, value in self.columns)
        block = number * INSERTS
        for first, last in _ranges(0, INSERTS, per_statement):
            ids = f"SELECT {block} + n AS id FROM {NUMBERS} WHERE n BETWEEN {first} AND {last}"
            yield f"INSERT INTO {table} SELECT id, {values} FROM ({ids}) AS numbered"
        for first, last in _ranges(block - INSERTS, UPDATES, per_statement):
            yield f"UPDATE {table} SET {self.update} WHERE id BETWEEN {first} AND {last}"
        for first, last in _ranges(block - INSERTS - DELETES, DELETES, per_statement):
            yield f"DELETE FROM {table} WHERE id BETWEEN {first} AND {last}"


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
    ("VARCHAR(60)", "LEFT(SHA2(id + {n}, 256), 8 + id % 24)"),
    ("DECIMAL(14, 4)", "CRC32(id + {n}) / 1000"),
    ("DATETIME", "'2024-01-01' + INTERVAL id + {n} MINUTE"),
    ("DOUBLE", "id * 1.5 + {n}"),
    ("VARCHAR(40)", "IF(id % 3 = 0, NULL, 'value {n}')"),
    ("TINYINT UNSIGNED", "id % 200"),
    ("BIGINT", "id * 1000003 + {n}"),
)

WIDE = Workload(
    name="wide",
    rows=1_200_000,
    columns=tuple(
        (f"c{n}", _WIDE_KINDS[n % len(_WIDE_KINDS)][0], _WIDE_KINDS[n % len(_WIDE_KINDS)][1].format(n=n))
        for n in range(39)
    ),
    update="c0 = c0 + 1, c2 = c2 + 0.25, c9 = LEFT(SHA2(c0, 224), 20)",
)
