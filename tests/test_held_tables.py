"""A table that cannot be decoded waits, all others go on, and what waited is delivered once."""

import random

import pytest

from harness import record, wait

WHAT_TO_DO = ("wellhead task table t ", "retry [--definition FILE]", "skip", "binlog_row_metadata = FULL")
IMPATIENT = '[capture]\nheartbeat = "1s"\nretry_max_interval = "1s"\n'


@pytest.fixture(autouse=True)
def minimal(source):
    """The log says as little of a table as the server can be told to: on MariaDB not even signs."""
    [[before]] = source.sql("SELECT @@GLOBAL.binlog_row_metadata")
    source.sql(f"SET GLOBAL binlog_row_metadata = {'NO_LOG' if source.kind == 'mariadb' else 'MINIMAL'}")
    yield
    source.sql(f"SET GLOBAL binlog_row_metadata = {before}")


class Tracked:
    """A Wellhead with one task on a database, and a consumer that stays."""

    def __init__(self, source, database, wellhead, follow, **more):
        self.source, self.database, self.wellhead = source, database, wellhead
        wellhead.start()
        self.put(**more)
        self.topic = follow(wellhead.kafka, "t", wellhead.new_login("t"))

    def put(self, **more):
        self.wellhead.track("t", self.source, self.database, auto_start=True, **more)
        self.wellhead.wait_for_state("t", "normal")

    def unseen(self, *statements):
        """Changes definitions without a trace in the log."""
        self.source.sql("SET SESSION sql_log_bin = 0", *statements)

    def rows(self, table="t"):
        """What came of a table: operation and image, in order."""
        name = f"{self.database}.{table}"
        return [(entry["operation"], record.after(entry) or record.before(entry))
                for entry in self.topic.records if record.is_row(entry) and entry["objectName"] == name]

    def wait_for(self, count, table="t"):
        self.topic.wait_for(lambda _: len(self.rows(table)) >= count, f"{count} rows of {table}")
        assert len(self.rows(table)) == count
        return self.rows(table)

    def held(self, table="t"):
        """Why the table is held back; None where it is not."""
        items = self.wellhead.api("GET", "/tasks/t/tables", expect=200)[1]["items"]
        return next((one["held"] for one in items if one["name"] == f"{self.database}.{table}"
                     and one["state"] == "quarantined"), None)

    def wait_until_held(self, code):
        why = wait.until(self.held, "the table to be held back")
        assert why["code"] == code, why
        assert all(word in why["message"] for word in WHAT_TO_DO), why["message"]
        assert f"{self.database}.t" in why["message"] and "binlog." in why["message"]

    def decide(self, decision, definition=None):
        body = {"definition": definition} if definition else None
        self.wellhead.api("POST", f"/tasks/t/tables/{self.database}.t/{decision}", body, expect=202)

    def wait_until_released(self):
        wait.until(lambda: not self.held(), lambda: f"the table to be released; it is {self.held()}")


@pytest.fixture
def tracked(source, schema, new_wellhead, follow):
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, note VARCHAR(60))",
               f"CREATE TABLE {schema}.u (id INT PRIMARY KEY)")
    return Tracked(source, schema, new_wellhead.serve(IMPATIENT), follow)


def test_d08_columns_added_unseen_at_the_end_are_found_and_others_hold_the_table(source, schema, tracked):
    t = f"{schema}.t"
    source.sql(f"INSERT INTO {t} VALUES (1, 'one')")
    tracked.wait_for(1)
    tracked.unseen(f"ALTER TABLE {t} ADD c INT")
    source.sql(f"INSERT INTO {t} VALUES (2, 'two', 22)")
    assert tracked.wait_for(2)[1] == ("INSERT", {"id": 2, "note": "two", "c": 22})
    assert tracked.held() is None

    tracked.unseen(f"ALTER TABLE {t} ADD f INT FIRST")
    source.sql(f"INSERT INTO {t} VALUES (30, 3, 'three', 33)", f"INSERT INTO {schema}.u VALUES (100)")
    tracked.wait_for(1, "u")
    tracked.wait_until_held("schema_mismatch")
    source.sql(f"ALTER TABLE {t} ADD d INT", f"INSERT INTO {t} VALUES (40, 4, 'four', 44, 444)")
    source.sql("BEGIN", f"INSERT INTO {schema}.u VALUES (101)", f"INSERT INTO {t} VALUES (50, 5, 'five', 55, 555)",
               f"INSERT INTO {schema}.u VALUES (102)", "COMMIT")
    tracked.wait_for(3, "u")
    assert len(tracked.rows()) == 2 and tracked.held()

    # A definition that is none changes nothing; the right one is used up to the ALTER behind it.
    tracked.decide("retry", "CREATE TABLE t (nonsense")
    wait.until(lambda: (tracked.held() or {}).get("code") == "definition_unusable", "the definition to be refused")
    tracked.decide("retry", "CREATE TABLE t (f INT, id INT PRIMARY KEY, note VARCHAR(60), c INT)")
    assert tracked.wait_for(5)[2:] == [
        ("INSERT", {"f": 30, "id": 3, "note": "three", "c": 33}),
        ("INSERT", {"f": 40, "id": 4, "note": "four", "c": 44, "d": 444}),
        ("INSERT", {"f": 50, "id": 5, "note": "five", "c": 55, "d": 555}),
    ]
    tracked.wait_until_released()
    source.sql(f"INSERT INTO {t} VALUES (60, 6, 'six', 66, 666)", f"INSERT INTO {schema}.u VALUES (103)")
    assert tracked.wait_for(6)[-1] == ("INSERT", {"f": 60, "id": 6, "note": "six", "c": 66, "d": 666})
    tracked.wait_for(4, "u")


def test_d02_a_catch_up_that_is_killed_goes_on_and_delivers_each_row_once(source, schema, tracked):
    t, count = f"{schema}.t", 20_000
    tracked.unseen(f"ALTER TABLE {t} ADD f INT FIRST")
    source.sql(f"INSERT INTO {t} VALUES (0, 0, 'first')")
    tracked.wait_until_held("schema_mismatch")
    note = "x" * 60
    for start in range(1, count, 500):
        values = ",".join(f"({n}, {n}, '{note}')" for n in range(start, start + 500))
        source.sql(f"INSERT INTO {t} VALUES {values}", f"INSERT INTO {schema}.u VALUES ({start})")
    tracked.wait_for(count // 500, "u")
    tracked.decide("retry", "CREATE TABLE t (f INT, id INT PRIMARY KEY, note VARCHAR(60))")
    positions = []
    for share in (0.05, 0.2):
        tracked.topic.wait_for(lambda _: len(tracked.rows()) > count * share, "the table to catch up")
        tracked.wellhead.kill()
        tracked.wellhead.start()
        positions.append(tracked.wellhead.task("t")["position"])
    rows = tracked.wait_for(count + 1)
    assert [image["id"] for _, image in rows] == list(range(count + 1))
    assert any(position and "held=" in position for position in positions), "no kill came half-way"
    tracked.wait_until_released()
    source.sql(f"INSERT INTO {t} VALUES (9, 99999, 'live')")
    assert tracked.wait_for(count + 2)[-1] == ("INSERT", {"f": 9, "id": 99999, "note": "live"})
    tracked.wait_for(count // 500, "u")


def test_d08_what_is_skipped_stays_out_and_what_was_purged_is_named(source, schema, tracked):
    t = f"{schema}.t"
    tracked.unseen(f"ALTER TABLE {t} ADD f INT FIRST")
    source.sql(f"INSERT INTO {t} VALUES (1, 1, 'held')")
    tracked.wait_until_held("schema_mismatch")
    source.sql("FLUSH BINARY LOGS", f"INSERT INTO {schema}.u VALUES (1)")
    tracked.wait_for(1, "u")
    newest = source.sql("SHOW BINARY LOGS")[-1][0]

    def is_purged():
        source.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return source.sql("SHOW BINARY LOGS")[0][0] == newest

    wait.until(is_purged, "the older files to be purged")
    tracked.decide("retry")
    why = wait.until(lambda: (held := tracked.held()) and held["code"] == "binlog_purged" and held,
                     lambda: f"the loss to be named; the table is {tracked.held()}")
    assert "cannot be delivered" in why["message"] and "skip" in why["message"]
    source.sql(f"INSERT INTO {schema}.u VALUES (2)")
    tracked.wait_for(2, "u")
    tracked.decide("skip")
    tracked.wait_until_released()
    source.sql(f"INSERT INTO {t} VALUES (2, 2, 'live')")
    assert tracked.wait_for(1) == [("INSERT", {"f": 2, "id": 2, "note": "live"})]


def test_e12_a_start_in_the_past_decodes_what_is_certain_and_holds_the_rest(source, schema, new_wellhead, follow):
    other = f"x{random.getrandbits(40):x}"
    source.sql(f"CREATE DATABASE {other}", f"CREATE TABLE {other}.t (a INT, b INT)",
               f"CREATE TABLE {other}.same (a INT, b INT)", "FLUSH BINARY LOGS")
    file = source.sql("SHOW BINARY LOGS")[-1][0]
    source.sql(
        f"INSERT INTO {other}.t (a, b) VALUES (1, 2)",
        f"INSERT INTO {other}.same (a, b) VALUES (1, 2)",
        f"ALTER TABLE {other}.t CHANGE a c INT, CHANGE b a INT",
        f"INSERT INTO {other}.t (c, a) VALUES (1, 2)",
        f"CREATE TABLE {other}.new (a INT, b INT)",
        f"INSERT INTO {other}.new (a, b) VALUES (1, 2)",
        f"ALTER TABLE {other}.new RENAME COLUMN a TO b, RENAME COLUMN b TO a",
        f"INSERT INTO {other}.new (a, b) VALUES (1, 2)",
    )
    run = Tracked(source, other, new_wellhead.serve(IMPATIENT), follow, start=f"{file}:4")
    # Nothing says how the columns were called before the ALTER; the server's catalog would be wrong.
    run.wait_until_held("schema_ambiguous")
    assert run.wait_for(1, "same") == [("INSERT", {"a": 1, "b": 2})]
    assert run.wait_for(2, "new") == [("INSERT", {"a": 1, "b": 2}), ("INSERT", {"b": 2, "a": 1})]
    assert run.rows() == []
    run.decide("retry")
    wait.until(lambda: "cannot be delivered" in (run.held() or {}).get("message", ""),
               lambda: f"the retry without a definition to be refused; the table is {run.held()}")
    assert run.held()["code"] == "schema_ambiguous"
    run.decide("retry", "CREATE TABLE t (a INT, b INT)")
    assert run.wait_for(2) == [("INSERT", {"a": 1, "b": 2}), ("INSERT", {"c": 1, "a": 2})]
    run.wait_until_released()
    run.wellhead.stop()
    source.sql(f"DROP DATABASE {other}")
