"""`wellhead verify`: a log is what its source is, and one that is not is found out."""

import contextlib
import json
import shutil
import socket
import threading

import pytest

from harness import record, tampered, wait, wellhead

# Key columns and rows of each type that tells rows apart; the last row is deleted again.
KEYS = {
    "tiny": ("a TINYINT", ("-128", "0", "127", "1")),
    "big": ("a BIGINT UNSIGNED", ("0", "18446744073709551615", "9223372036854775808", "7")),
    "bits": ("a BIT(13)", ("b'1'", "b'1111111111111'", "b'101'")),
    "exact": ("a DECIMAL(20,5)", ("-1.50000", "123456789012345.00001", "0", "2")),
    "single": ("a FLOAT", ("0.1", "-1e30", "-0e0", "16777217", "3")),
    "double_": ("a DOUBLE", ("0.1", "-1e300", "-0e0", "1e-300", "3")),
    "day": ("a DATE", ("'2026-11-21'", "'0000-00-00'", "'9999-12-31'", "'1000-01-01'")),
    "moment": ("a DATETIME(6)", ("'2026-11-21 04:05:06.000007'", "'0000-00-00'", "'2000-02-29'", "'1999-01-01'")),
    "instant": ("a TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)",
                ("'2026-11-21 04:05:06.789'", "'0000-00-00'", "'1970-01-02 00:00:00'", "'2038-01-01 00:00:00'")),
    "span": ("a TIME(2)", ("'-838:59:59'", "'00:00:00.25'", "'12:00:00'")),
    "year_": ("a YEAR", ("2026", "0", "1901")),
    "text_ci": ("a VARCHAR(40) CHARACTER SET utf8mb4", ("'Ärger'", "'naïve'", "'x`\\\\\\'\"'", "'gone'")),
    "text_latin": ("a CHAR(10) CHARACTER SET latin1", ("'é'", "'a b'", "''", "'z'")),
    "text_wide": ("a VARCHAR(20) CHARACTER SET utf16", ("'日本'", "'a'", "'c'")),
    "raw": ("a BINARY(6)", ("X'00'", "X'FF00FF00'", "X'010203040506'")),
    "rawvar": ("a VARBINARY(9)", ("X''", "X'00'", "X'0000'", "X'FF'")),
    "label": ("a ENUM('z','ä','m')", ("'z'", "'ä'", "'m'")),
    "labels": ("a SET('x','y','z')", ("''", "'x,z'", "'y'")),
    "several": ("a INT, b VARCHAR(9) CHARACTER SET utf8mb4, c ENUM('q','p')",
                ("1,'x','q'", "1,'x','p'", "1,'y','q'", "2,'','p'")),
}

MARIADB_KEYS = {
    "unique_": ("a UUID", ("'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'",
                           "'0191e4b3-7c1a-7000-8000-000000000001'")),
    "address": ("a INET6", ("'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'")),
}

VALUES = """
    d DECIMAL(10,2) ZEROFILL, f FLOAT, g DOUBLE, t TIMESTAMP(6) NULL, dt DATETIME, ti TIME(6), y YEAR,
    ch CHAR(9) CHARACTER SET latin1, tx TEXT CHARACTER SET utf8mb4, bl BLOB, bi BINARY(4), bt BIT(9),
    e ENUM('a','é'), s SET('a','b'), j JSON, p POINT"""
ROW = """
    12.5, 0.1, 1e-5, '2026-11-21 04:05:06.5', '2026-11-21 04:05:06', '-01:02:03.000004', 2026,
    'é', 'ü🙂', X'00FF', X'01', b'101', 'é', 'a,b', '{"b": [1, 2.50, null], "a": "ü"}', ST_GeomFromText('POINT(1 2)')"""

# Columns that only one kind has, and what else is easily compared wrongly.
MORE = {
    "mariadb": ("u UUID, i4 INET4, i6 INET6, z VARCHAR(500) COMPRESSED",
                "'0191e4b3-7c1a-7000-8000-000000000001', '192.0.2.1', '2001:db8::1', REPEAT('z', 400)"),
    "mysql": ("v VECTOR(3), j2 JSON", "STRING_TO_VECTOR('[1,2.5,-3]'), CAST(1.10 AS JSON)"),
}
COMMON_MORE = """
    f1 FLOAT(9,3), f2 FLOAT, f3 FLOAT, g1 DOUBLE(20,5), g2 DOUBLE, t0 TIMESTAMP NULL, d0 DATE, y0 YEAR, n DECIMAL(65,30),
    m MEDIUMINT UNSIGNED, s16 TEXT CHARACTER SET utf16, gbk VARCHAR(9) CHARACTER SET gbk, big LONGTEXT, l LINESTRING"""
COMMON_MORE_ROW = """
    1234.5678, 1e-45, 3.4e38, 1234.56789, 4.9e-324, '0000-00-00 00:00:00', '0000-00-00', 0,
    -12345678901234567890123456789012345.123456789012345678901234567890,
    16777215, '日本 🙂', '中文', REPEAT('long ', 50000), ST_GeomFromText('LINESTRING(0 0,1 2.5)')"""


class Verified:
    """What one run of the command answered."""

    def __init__(self, server, task, *arguments):
        where = ("--url", f"http://{server.http}", "--token-file", server.data / "admin.token")
        done = wellhead.run("verify", task, *arguments, *where, "-o", "json", deadline_s=120)
        self.code = done.returncode
        self.envelope = json.loads(done.stdout)
        self.report = self.envelope["result"]

    def table(self, name):
        """The report's line of one table."""
        [found] = [table for table in self.report["tables"] if table["table"] == name]
        return found

    def kinds(self):
        """(kind, table, key, columns) of each difference."""
        return [(d["kind"], d["table"], d["key"], d["columns"]) for d in self.report["differences"]]


def keys_of(source):
    """The kinds of keys that a server has."""
    return KEYS | (MARIADB_KEYS if source.kind == "mariadb" else {})


def fill(source, schema):
    """Rows of every kind of key, each inserted, some changed, one deleted; and tables that are special."""
    statements = ["SET sql_mode = ''"]
    for name, (columns, rows) in keys_of(source).items():
        names = [column.split()[0] for column in columns.split(", ")]
        statements += [
            f"CREATE TABLE {schema}.{name} ({columns}, note VARCHAR(40), PRIMARY KEY ({','.join(names)}))",
            *(f"INSERT INTO {schema}.{name} VALUES ({row}, 'new')" for row in rows),
            f"UPDATE {schema}.{name} SET note = 'changed'",
            f"DELETE FROM {schema}.{name} WHERE ({','.join(names)}) = ({rows[-1]})"
            if name != "single" else f"DELETE FROM {schema}.{name} WHERE a = 3",
        ]
    statements += [
        f"CREATE TABLE {schema}.everything (id INT AUTO_INCREMENT PRIMARY KEY, {VALUES})",
        f"INSERT INTO {schema}.everything VALUES (NULL, {ROW})",
        f"INSERT INTO {schema}.everything (id) VALUES (NULL)",
        f"CREATE TABLE {schema}.more (id INT AUTO_INCREMENT PRIMARY KEY, {COMMON_MORE}, {MORE[source.kind][0]})",
        f"INSERT INTO {schema}.more VALUES (NULL, {COMMON_MORE_ROW}, {MORE[source.kind][1]})",
        f"CREATE TABLE {schema}.keyless (a INT, b INT)",
        f"INSERT INTO {schema}.keyless VALUES (1, 2), (1, 2)",
        f"CREATE TABLE {schema}.by_unique (a INT NOT NULL, b INT, UNIQUE KEY u (a))",
        f"INSERT INTO {schema}.by_unique VALUES (1, 2), (2, NULL)",
        f"UPDATE {schema}.by_unique SET a = a + 10 ORDER BY a DESC",
        f"CREATE TABLE {schema}.emptied (a INT PRIMARY KEY)",
        f"INSERT INTO {schema}.emptied VALUES (1), (2), (3)",
        f"TRUNCATE {schema}.emptied",
        f"INSERT INTO {schema}.emptied VALUES (3)",
        f"CREATE TABLE {schema}.grown (a INT PRIMARY KEY, b INT)",
        f"INSERT INTO {schema}.grown VALUES (1, 1), (2, 2)",
        f"ALTER TABLE {schema}.grown ADD c INT NOT NULL DEFAULT 5, MODIFY b BIGINT",
        f"UPDATE {schema}.grown SET c = 6 WHERE a = 2",
        f"CREATE TABLE {schema}.cased (a VARCHAR(9) CHARACTER SET utf8mb4 PRIMARY KEY)",
        f"INSERT INTO {schema}.cased VALUES ('a'), ('b')",
        f"UPDATE {schema}.cased SET a = 'A' WHERE a = 'a'",
        f"CREATE TABLE {schema}.derived (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL,"
        " w INT AS (a + 2) STORED, i INT DEFAULT 3 INVISIBLE)",
        f"INSERT INTO {schema}.derived (id, a) VALUES (1, 1), (2, NULL)",
        f"CREATE TABLE {schema}.slim (id INT PRIMARY KEY, a INT, b VARCHAR(9), c BLOB)",
        "SET SESSION binlog_row_image = MINIMAL",
        f"INSERT INTO {schema}.slim VALUES (1, 1, 'x', 'y'), (2, 2, 'x', 'y'), (3, 3, 'x', 'y')",
        f"UPDATE {schema}.slim SET a = 7 WHERE id < 3",
        f"UPDATE {schema}.slim SET id = 9, b = 'z' WHERE id = 1",
        f"DELETE FROM {schema}.slim WHERE id = 3",
        "SET SESSION binlog_row_image = FULL",
        f"CREATE TABLE {schema}.gone (a INT PRIMARY KEY)",
        f"INSERT INTO {schema}.gone VALUES (1)",
        f"DROP TABLE {schema}.gone",
    ]
    source.sql(*statements)


def caught_up(server, task, source, schema):
    """Waits until the log holds a row that is written now."""
    source.sql(f"CREATE TABLE IF NOT EXISTS {schema}.mark (n BIGINT AUTO_INCREMENT PRIMARY KEY)")
    source.sql(f"INSERT INTO {schema}.mark VALUES ()")
    [[number]] = source.sql(f"SELECT MAX(n) FROM {schema}.mark")

    def arrived():
        query = f"/tasks/{task}/records?last=1&table={schema}.mark&op=insert"
        items = server.api("GET", query, expect=200)[1]["items"]
        return items and str(items[0]["record"]["after"]["n"]) == str(number)

    wait.until(arrived, "the log to hold what was written", 60)


@contextlib.contextmanager
def redefined_again_and_again(source, schema):
    """A table that is altered, emptied and filled for as long as the `with` block runs."""
    stopping = threading.Event()
    failures = []

    def redefine():
        table = f"{schema}.shifting"
        rows = ",".join(f"({n}, {n})" for n in range(50))
        try:
            while not stopping.is_set():
                source.sql(f"INSERT INTO {table} (a, b) VALUES {rows}", f"ALTER TABLE {table} ADD c INT DEFAULT 4 FIRST",
                           f"UPDATE {table} SET c = a", f"ALTER TABLE {table} DROP b, ADD b BIGINT", f"UPDATE {table} SET b = a",
                           f"ALTER TABLE {table} DROP c", f"TRUNCATE {table}")
        except Exception as failure:
            failures.append(failure)

    source.sql(f"CREATE TABLE {schema}.shifting (a INT PRIMARY KEY, b INT)")
    thread = threading.Thread(target=redefine)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(60)
    assert not failures, failures


def accepts(port):
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.fixture
def tracked(source, schema, new_wellhead, new_ledger):
    """A running task over the schema and a ledger, its log holding all that `fill` did."""
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    source.sql(f"CREATE TABLE {schema}.older (a INT PRIMARY KEY, b INT)", f"INSERT INTO {schema}.older VALUES (1, 1), (2, 2), (3, 3)")
    objects = {schema: {"all": True}, ledger.name: {"all": True}}
    body = {"source": {"url": source.url()}, "objects": objects, "auto_start": True}
    assert server.api("PUT", "/tasks/shop", body)[0] in (200, 201, 202)
    server.wait_for_state("shop", "normal")
    source.sql(f"UPDATE {schema}.older SET b = 7 WHERE a = 2")
    fill(source, schema)
    caught_up(server, "shop", source, schema)
    return server, ledger


def test_a_log_is_equal_to_its_source_while_the_application_writes(source, schema, tracked):
    server, ledger = tracked
    ledger.fill().start()
    ledger.wait_for_commits(50)
    with redefined_again_and_again(source, schema):
        under_load = Verified(server, "shop")
    assert under_load.code == 0 and under_load.report["equal"], under_load.envelope
    ledger.stop()
    quiet = Verified(server, "shop")
    for answer in (under_load, quiet):
        assert answer.report["difference_count"] == 0 and answer.report["log_faults"] == []
        assert answer.table("counters")["rows"] == answer.table("counters")["equal"] > 0
        for name, (_, rows) in keys_of(source).items():
            found = answer.table(name)
            # The deleted row was looked for too.
            assert (found["rows"], found["equal"], found["not_in_log"]) == (len(rows), len(rows), 0), found
            assert found["values_left_out"] == 0, found
    assert quiet.table("everything")["equal"] == 2 and quiet.table("everything")["values_left_out"] == 0
    assert quiet.table("more")["equal"] == 1 and quiet.table("more")["values_left_out"] == 0
    older = quiet.table("older")
    assert (older["equal"], older["not_in_log"]) == (1, 2), "what is older is neither equal nor different"
    assert "key" in quiet.table("keyless")["skipped"] and quiet.table("keyless")["rows"] == 0
    assert quiet.table("by_unique")["equal"] == 4, "two rows there, two that moved away"
    assert quiet.table("emptied")["rows"] == 1, "rows from before the TRUNCATE are no rows any more"
    assert quiet.table("grown")["equal"] == 2 and quiet.table("grown")["values_left_out"] == 1
    assert quiet.table("cased")["equal"] == 3, "a key of another case is another key"
    assert (quiet.table("derived")["equal"], quiet.table("derived")["values_left_out"]) == (2, 0)
    assert quiet.table("slim")["equal"] == 4 and quiet.table("slim")["values_left_out"] > 0, "what was not logged"
    assert "gone" not in {table["table"] for table in quiet.report["tables"]}


def test_a_verification_can_be_narrowed_and_followed(source, schema, tracked):
    server, _ = tracked
    narrowed = Verified(server, "shop", "--table", f"{schema}.tiny,{schema}.day")
    assert narrowed.code == 0 and [t["table"] for t in narrowed.report["tables"]] == ["day", "tiny"]
    source.sql(f"CREATE TABLE {schema}.many (a INT PRIMARY KEY)",
               f"INSERT INTO {schema}.many VALUES {','.join(f'({n})' for n in range(1000))}")
    caught_up(server, "shop", source, schema)
    samples = [Verified(server, "shop", "--table", f"{schema}.many", "--sample", "20%") for _ in range(2)]
    [one, other] = [answer.table("many")["rows"] for answer in samples]
    assert one == other and 100 < one < 300, "the same rows each time"
    status, operation = server.api("POST", "/tasks/shop/verify", {"tables": [f"{schema}.tiny"]})
    assert status == 202 and operation["state"] in ("running", "done")
    place = f"/operations/{operation['id']}"
    ended = wait.until(
        lambda: (found := server.api("GET", place, expect=200)[1])["state"] != "running" and found, "the end"
    )
    assert ended["state"] == "done" and ended["result"]["equal"] and ended["ended_unix"], ended
    assert server.api("DELETE", place)[0] == 202, "an ended one stays as it is"
    assert server.api("GET", place, expect=200)[1]["state"] == "done"
    assert server.api("POST", "/tasks/shop/verify", {"sample_percent": 0})[0] == 422
    assert server.api("GET", "/operations/none")[0] == 404
    server.api("POST", "/tasks/shop/pause", expect=202)
    server.wait_for_state("shop", "stopped")
    refused = Verified(server, "shop")
    assert refused.code == 4 and "stopped" in refused.envelope["summary"], refused.envelope


def test_what_was_altered_in_a_log_is_found(source, schema, tracked, new_wellhead):
    server, _ = tracked
    source.sql(
        f"CREATE TABLE {schema}.ledger (id INT PRIMARY KEY, amount INT, note VARCHAR(40))",
        f"INSERT INTO {schema}.ledger VALUES (1, 1, 'last-true')",
        f"INSERT INTO {schema}.ledger VALUES (2, 2, 'dropped')",
        f"INSERT INTO {schema}.ledger VALUES (3, 770001, 'middle')",
        f"UPDATE {schema}.ledger SET amount = 770003 WHERE id = 3",
        f"UPDATE {schema}.ledger SET amount = 770005 WHERE id = 3",
        f"INSERT INTO {schema}.ledger VALUES (4, 4, 'deleted'), (5, 5, 'changed-once')",
        f"DELETE FROM {schema}.ledger WHERE id = 4",
        f"UPDATE {schema}.ledger SET amount = 6 WHERE id = 5",
        # A definition that stays the same for its values makes no difference uncertain.
        f"ALTER TABLE {schema}.ledger ADD INDEX (amount)",
    )
    caught_up(server, "shop", source, schema)
    assert Verified(server, "shop").code == 0
    server.stop()

    def altered(name, change):
        """A Wellhead on a copy of the data whose log was put through `change(row, value)`."""
        copy = server.folder.parent / f"{name}-data"
        shutil.copytree(server.data, copy, ignore=shutil.ignore_patterns("admin.sock", "lock"))
        hits = []

        def through(_, value):
            entry = record.decode(value)
            if not record.is_row(entry) or entry["objectName"] != f"{schema}.ledger":
                return value
            row = record.after(entry) or record.before(entry)
            new = change(entry["operation"], row, value)
            if new != value:
                hits.append(row["id"])
            return new

        tampered.rewrite(copy / "log" / "shop" / "0", through)
        assert len(hits) == 1, f"{name} altered {hits}"
        other = new_wellhead.serve(name=name, data=copy).start()
        other.wait_for_state("shop", "normal")
        answer = Verified(other, "shop", "--values")
        other.stop()
        assert answer.code == 4 and not answer.report["log_faults"], answer.envelope
        assert answer.report["difference_count"] == len(answer.kinds()) == 1, answer.kinds()
        return answer

    def in_after(value, old, new):
        at = value.rindex(old)
        return value[:at] + new + value[at + len(old) :]

    last = altered("last", lambda _, row, value: value.replace(b"last-true", b"last-fake"))
    assert last.kinds() == [("value", "ledger", {"id": "1"}, ["note"])]
    assert last.report["differences"][0]["values"] == {"note": ["last-fake", "last-true"]}

    dropped = altered("row", lambda _, row, value: None if row["id"] == 2 else value)
    assert dropped.kinds() == [("missing_in_log", "ledger", {"id": "2"}, [])]

    middle = altered("column", lambda operation, row, value: in_after(value, b"770003", b"770004")
                     if operation == "UPDATE" and row["amount"] == 770003 else value)
    assert middle.kinds() == [("broken_chain", "ledger", {"id": "3"}, ["amount"])]

    kept = altered("delete", lambda operation, row, value: None if operation == "DELETE" else value)
    assert kept.kinds() == [("missing_in_source", "ledger", {"id": "4"}, [])]

    never = altered("insert", lambda operation, row, value: None
                    if operation == "INSERT" and row["id"] == 5 else value)
    assert never.kinds() == [("never_appeared", "ledger", {"id": "5"}, [])]


def test_a_source_that_cannot_be_asked_is_no_difference(source, schema, new_wellhead, new_proxy):
    server = new_wellhead.serve().start()
    proxy = new_proxy(source.port)
    server.api("PUT", "/tasks/shop", {"source": {"url": source.url(port=proxy.port)},
                                      "objects": {schema: {"all": True}}, "auto_start": True})
    server.wait_for_state("shop", "normal")
    proxy.close()
    wait.until(lambda: not accepts(proxy.port), "the way to the source to be gone")
    answer = Verified(server, "shop")
    assert answer.code == 3 and answer.report is None, answer.envelope
