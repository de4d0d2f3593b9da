"""How cost grows: rate and memory against the size of transactions and rows, the number of tables and of consumers.

Every point is a catch-up from a binlog that was made for it. The plot against the size of the log comes from the row
`start`, which makes a large one anyway.
"""

import dataclasses

import capture
import machine
import workload
from line import Line
from rows.consumers import with_consumers
from statistic import median_of

PER_STATEMENT = 10
# A table costs its creation, so there are fewer rows for each where there are many.
ROWS = 1_000_000
CELLS = 16_000_000
# Commits take the source longer than rows.
COMMITS = 100_000
PROCEDURE = f"""CREATE PROCEDURE workshop.fill(IN rows_wanted INT, IN per_transaction INT, IN per_statement INT)
BEGIN
  DECLARE done INT DEFAULT 0;
  DECLARE within INT DEFAULT 0;
  WHILE done < rows_wanted DO
    START TRANSACTION;
    SET within = 0;
    WHILE within < per_transaction DO
      INSERT INTO {{table}} SELECT id, {{values}} FROM (SELECT n AS id FROM {workload.NUMBERS}
        WHERE n >= done AND n < done + per_statement) AS numbered;
      SET within = within + per_statement, done = done + per_statement;
    END WHILE;
    COMMIT;
  END WHILE;
END"""


@dataclasses.dataclass(frozen=True)
class Growth:
    """One plot: points along a way that cost may grow."""

    name: str
    about: str
    axis: str
    points: tuple
    # point(server, context, x): the binlog for it; answers its rows.
    fill: object

    def measure(self, context):
        """One catch-up for each point and round."""
        points = self.points[:2] if context.tiny else self.points
        measured = {"axis": self.axis, "points": []}
        for x in points:
            with context.live_source() as server:
                rows = self.fill(server, context, x)
                size = server.binlog_bytes()
                context.say(f"{self.name}: {x:,} {self.axis}: {rows:,} rows, {size / 1e6:.0f} MB of binlog")
                rounds = []
                for _ in range(context.rounds):
                    context.empty_scratch()
                    one = capture.catch_up(server, context.scratch / "wellhead", rows)
                    rounds.append(one | {"load": machine.load()})
            measured["points"].append({"x": x, "rows": rows, "binlog_bytes": size, "rounds": rounds})
        return measured

    def lines(self, measured):
        """The ends of the plot."""
        yield from ends(self.about, measured)


class Consumers:
    """The same catch-up with more and more live readers."""

    name = "grow-consumers"
    about = "rate against consumers"
    axis = "consumers"
    points = (0, 1, 2, 5, 10, 20, 50, 100, 200)

    def measure(self, context):
        """One catch-up for each number and round."""
        measured = {"axis": self.axis, "points": []}
        with context.source(workload.ORDERS, 2) as (server, contents):
            size = server.binlog_bytes()
            for x in self.points[:2] if context.tiny else self.points:
                context.say(f"{self.name}: {x} {self.axis}")
                rounds = []
                for _ in range(context.rounds):
                    context.empty_scratch()
                    one = with_consumers(server, context.scratch / "wellhead", contents.rows, x)
                    rounds.append(one | {"load": machine.load()})
                measured["points"].append({"x": x, "rows": contents.rows, "binlog_bytes": size, "rounds": rounds})
        return measured

    def lines(self, measured):
        """The ends of the plot."""
        yield from ends(self.about, measured)


def ends(about, measured):
    """A line for the first and the last point."""
    for point in (measured["points"][0], measured["points"][-1]):
        rate = point["rows"] / median_of(point["rounds"], lambda one: one["seconds"])
        memory = median_of(point["rounds"], lambda one: one["memory_peak_mib"])
        title = f"{about}: {point['x']:,} {measured['axis']}"
        yield Line(title, f"{rate:,.0f} rows/s", f"{memory:.0f} MiB", rate, "rows/s")


def _transactions(server, context, per_transaction):
    rows = max(per_transaction, context.few(min(ROWS, COMMITS * per_transaction)))
    rows -= rows % per_transaction
    _fill(server, workload.ORDERS, rows, per_transaction, min(PER_STATEMENT, per_transaction))
    return rows


def _columns(server, context, columns):
    what = dataclasses.replace(workload.ORDERS, columns=workload.wide(columns))
    rows = context.few(min(ROWS, CELLS // columns)) // 1_000 * 1_000 or 1_000
    _fill(server, what, rows, 1_000, PER_STATEMENT)
    return rows


def _tables(server, context, tables):
    rows = max(context.few(ROWS // 2), tables * PER_STATEMENT)
    definitions = ", ".join(f"{name} {kind}" for name, kind, _ in workload.ORDERS.columns)
    values = ", ".join(value for _, _, value in workload.ORDERS.columns)
    with server.connect(workload.DATABASE) as connection, connection.cursor() as cursor:
        for statement in ("SET sql_log_bin = 0", "CREATE DATABASE workshop", *workload.count_to(rows)):
            cursor.execute(statement)
        for number in range(tables):
            cursor.execute(f"CREATE TABLE t{number} (id BIGINT PRIMARY KEY, {definitions}) ENGINE=BLACKHOLE")
        cursor.execute("SET sql_log_bin = 1")
        for number, at in enumerate(range(0, rows, PER_STATEMENT)):
            ids = f"SELECT n AS id FROM {workload.NUMBERS} WHERE n >= {at} AND n < {at + PER_STATEMENT}"
            cursor.execute(f"INSERT INTO t{number % tables} SELECT id, {values} FROM ({ids}) AS numbered")
    return rows


def _fill(server, what, rows, per_transaction, per_statement):
    """Rows into one BLACKHOLE table, made by a procedure: a client would be slower than what it feeds."""
    values = ", ".join(value for _, _, value in what.columns)
    procedure = PROCEDURE.format(table=f"{workload.DATABASE}.{what.name}", values=values)
    setup = list(dataclasses.replace(what, engine="BLACKHOLE", inserts=rows).setup())
    setup = [statement for statement in setup if statement != f"CREATE DATABASE {workload.DATABASE}"]
    server.sql(*setup, "SET sql_log_bin = 0", procedure, "SET sql_log_bin = 1",
               f"CALL workshop.fill({rows}, {per_transaction}, {per_statement})")


TRANSACTIONS = Growth(
    "grow-transactions", "rate against the size of transactions", "rows a transaction",
    (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000), _transactions,
)
COLUMNS = Growth(
    "grow-columns", "rate against the width of rows", "columns", (5, 15, 30, 60, 120, 240, 480, 800), _columns,
)
TABLES = Growth(
    "grow-tables", "rate against the number of tables", "tables", (1, 10, 100, 1_000, 5_000), _tables,
)
CONSUMERS = Consumers()
