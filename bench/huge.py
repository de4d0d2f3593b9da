"""Huge things through one Wellhead each, on a server of its own: how long it takes, and the most memory it holds.

Every case begins to capture before the server writes, waits until Wellhead stands at the end of the server's log,
and counts the records. A case fails if its memory passes the bound.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness import clients, database, wait  # noqa: E402
from harness.wellhead import Wellhead  # noqa: E402

LIMIT_MIB = 256
OPTIONS = {
    "max-allowed-packet": "1G",
    "innodb-buffer-pool-size": "256M",
    "innodb-redo-log-capacity": "1G",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "table-open-cache": "400",
    "table-definition-cache": "400",
}
NUMBERS = ("(SELECT n FROM JSON_TABLE(CONCAT('[', REPEAT('1,', {} - 1), '1]'), '$[*]' "
           "COLUMNS (n FOR ORDINALITY)) AS numbers) AS numbers")


def rows(server):
    """One transaction: a million rows inserted, and half of them updated."""
    yield ("CREATE TABLE huge.t (id INT PRIMARY KEY, v VARCHAR(40), n BIGINT)",)
    yield ("BEGIN", f"INSERT INTO huge.t SELECT n, LEFT(SHA2(n, 256), 32), n FROM {NUMBERS.format(1_000_000)}",
           "UPDATE huge.t SET n = n + 1 WHERE id % 2 = 0", "COMMIT"), 1_500_000


def gigabytes(server):
    """One transaction of 4.4 GB, longer than 32 bits can tell: its file ends beyond 2^32."""
    yield ("CREATE TABLE huge.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=BLACKHOLE",)
    yield (f"INSERT INTO huge.t SELECT n, REPEAT(CHAR(65 + n % 26), 1048576) FROM {NUMBERS.format(4200)}",
           "INSERT INTO huge.t VALUES (0, 'behind it')"), 4_201


def payload(server):
    """One compressed transaction of 2.1 GB: 700 rows of 3 MB, which become a few hundred kilobytes."""
    yield ("CREATE TABLE huge.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=BLACKHOLE",)
    yield ("SET SESSION binlog_transaction_compression = ON",
           f"INSERT INTO huge.t SELECT n, REPEAT('x', 3145728) FROM {NUMBERS.format(700)}"), 700


def wide_rows(server):
    """Rows of 64 MB, and updates of them, which log both images in one event."""
    yield ("CREATE TABLE huge.t (id INT PRIMARY KEY, v LONGBLOB)",)
    yield (*(f"INSERT INTO huge.t VALUES ({number}, REPEAT('{number}', {64 << 20}))" for number in range(4)),
           "UPDATE huge.t SET v = REPEAT('u', 1000)"), 8


def columns(server):
    """A table of 4 096 columns, the most there can be."""
    names = ",".join(f"c{number} TINYINT" for number in range(4096))
    yield (f"CREATE TABLE huge.t ({names}) ENGINE=MyISAM",)
    values = ",".join(str(number % 100) for number in range(4096))
    insert = "INSERT INTO huge.t VALUES " + ",".join([f"({values})"] * 50)
    yield (*[insert] * 20, "UPDATE huge.t SET c4095 = -1, c0 = NULL"), 2_000


def tables(server):
    """A row into each of 50 000 tables; the log does not describe them, so their definitions are known by heart."""
    yield ("SET GLOBAL binlog_row_metadata = 'MINIMAL'",)
    columns = "id INT PRIMARY KEY, a VARCHAR(40), b DECIMAL(10,2), c DATETIME, d TEXT, e BIGINT UNSIGNED"
    for schema in range(50):
        yield (f"CREATE DATABASE huge_{schema}",
               *(f"CREATE TABLE huge_{schema}.t{number} ({columns}) ENGINE=MyISAM" for number in range(1000)))
    yield tuple(f"INSERT INTO huge_{schema}.t{number} VALUES (1, 'a', 1.5, NOW(), 'd', 5)"
                for schema in range(50) for number in range(1000)), 50_000


def ddl(server):
    """Five thousand changes of a definition, a row after each; the log does not describe the table."""
    yield ("SET GLOBAL binlog_row_metadata = 'MINIMAL'", "CREATE TABLE huge.t (id INT PRIMARY KEY, v INT) ENGINE=MyISAM")
    statements = []
    for number in range(2500):
        statements += [f"ALTER TABLE huge.t ADD COLUMN c{number} VARCHAR(20)",
                       f"INSERT INTO huge.t VALUES ({2 * number}, 1, 'x')",
                       f"ALTER TABLE huge.t DROP COLUMN c{number}", f"INSERT INTO huge.t VALUES ({2 * number + 1}, 1)"]
    yield tuple(statements), 5_000


CASES = [rows, gigabytes, payload, wide_rows, columns, tables, ddl]


def measure(case, folder):
    """Runs one case; answers its figures."""
    server = database.MySql(folder / "mysql", OPTIONS).start()
    try:
        server.create_user()
        server.sql("CREATE DATABASE huge")
        *before, (statements, expected) = case(server)
        for group in before:
            server.sql(*group, database="huge")
        capture = Wellhead.tap(folder / "wellhead", server.url(), "--tables", "huge*.*", "--name", "huge")
        began = time.monotonic()
        capture.start(300)
        started = time.monotonic() - began
        try:
            return {"case": case.__name__, "start_s": round(started, 1), **run(server, capture, statements, expected)}
        finally:
            capture.kill()
    finally:
        server.stop()


def run(server, capture, statements, expected):
    idle = capture.memory_peak_mib()
    began = time.monotonic()
    server.sql(*statements, database="huge")
    written = time.monotonic() - began
    [(file, end, *_)] = server.sql("SHOW BINARY LOG STATUS")
    wait.until(
        lambda: f"file={file} offset={end} " in sound(capture), lambda: f"{file}:{end}: {sound(capture)}", 1800, 0.2,
    )
    taken = time.monotonic() - began
    records = clients.end_of(capture.kafka, "huge")
    assert records >= expected, f"{records} records, {expected} changes"
    files = server.sql("SHOW BINARY LOGS")
    return {
        "binlog_mb": round(sum(int(size) for _, size, *_ in files) / 1e6, 1),
        "written_s": round(written, 1),
        "caught_up_s": round(taken, 1),
        "records": records,
        "idle_mib": round(idle, 1),
        "peak_mib": round(capture.memory_peak_mib(), 1),
    }


def sound(capture):
    """The task as text; one that has failed will not catch up."""
    task = capture.task("huge")
    assert task["state"] == "normal", task
    return json.dumps(task)


def main():
    names = {case.__name__: case for case in CASES}
    parser = argparse.ArgumentParser(prog="bench/huge", description=__doc__.partition("\n")[0])
    parser.add_argument("case", nargs="*", choices=[[], *names], help="all of them unless named")
    chosen = parser.parse_args().case or list(names)
    too_much = []
    for name in chosen:
        folder = Path(tempfile.mkdtemp(prefix="wh-huge-"))
        try:
            figures = measure(names[name], folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(json.dumps(figures), flush=True)
        if figures["peak_mib"] >= LIMIT_MIB:
            too_much.append(name)
    if too_much:
        sys.exit(f"more than {LIMIT_MIB} MiB: {', '.join(too_much)}")


if __name__ == "__main__":
    main()
