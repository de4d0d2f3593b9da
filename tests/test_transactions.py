"""Transactions and statements of every kind: what was committed comes once, whole, and nothing else does."""

import random
import subprocess
import time
import urllib.request

import pymysql
import pytest

from harness import clients, load, record, wait, wellhead

SECRETS = ("sEcret1", "sEcret2", "sEcret3")
LONG = "x" * 100
# Larger than what is kept in memory of a prepared transaction, and than one batch.
MANY = 12_000


class Session:
    """A connection whose statements take the story's database for granted."""

    def __init__(self, server, schema):
        self.connection = pymysql.connect(
            unix_socket=str(server.socket), user="root", password="", database=schema, autocommit=True,
            charset="utf8mb4", local_infile=True, read_timeout=120,
        )

    def run(self, *statements):
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def close(self):
        self.connection.close()


class Story:
    """All statements of this file's shared run, told once for each server, and the records that came of them."""

    def __init__(self, server, schema, folder):
        self.server = server
        self.schema = schema
        self.folder = folder
        self.records = []
        self.status = {}
        self.log = ""

    def tell(self, *statements):
        """Runs statements in a session of their own."""
        session = Session(self.server, self.schema)
        try:
            return session.run(*statements)
        finally:
            session.close()

    def rows(self, *tables):
        """(operation, before, after) of the rows of these tables."""
        names = {f"{self.schema}.{table}" for table in tables}
        return [
            (entry["operation"], record.before(entry), record.after(entry))
            for entry in self.records if record.is_row(entry) and entry["objectName"] in names
        ]

    def values(self, *tables):
        """(operation, values of the newest image) of the rows of these tables."""
        return [(operation, tuple((after or before).values())) for operation, before, after in self.rows(*tables)]

    def transactions(self, *tables):
        """[[record, ...], ...]: the transactions that have a row of these tables, BEGIN and end included."""
        names = {f"{self.schema}.{table}" for table in tables}
        found, current = [], []
        for entry in self.records:
            if entry["operation"] == "BEGIN":
                current = []
            current.append(entry)
            if entry["operation"] in ("COMMIT", "ROLLBACK") and any(e["objectName"] in names for e in current):
                found.append(current)
                current = []
        return found

    def statements(self, word):
        """The texts of the DDL records that contain a word."""
        return [e["afterImages"] for e in self.records if e["operation"] == "DDL" and word in e["afterImages"]]


def tell_all(story):
    is_mysql = story.server.kind == "mysql"
    story.tell("CREATE TABLE c03 (id INT PRIMARY KEY, v INT)", "INSERT INTO c03 VALUES (1, 1)",
               "UPDATE c03 SET id = 11 WHERE id = 1")
    story.tell("CREATE TABLE c04 (id INT PRIMARY KEY, v VARCHAR(200))",
               "CREATE TABLE c04_other (id INT PRIMARY KEY, v INT)",
               "CREATE TABLE c04_log (n INT AUTO_INCREMENT PRIMARY KEY, id INT)",
               f"INSERT INTO c04 SELECT a.n * 40 + b.n, '{LONG}' FROM (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION "
               "SELECT 3 UNION SELECT 4) a, (SELECT help_topic_id n FROM mysql.help_topic WHERE help_topic_id < 40 "
               "UNION SELECT 39) b ORDER BY 1",
               "INSERT INTO c04_other VALUES (1, 0), (2, 0)",
               "CREATE TRIGGER c04_t AFTER UPDATE ON c04_other FOR EACH ROW INSERT INTO c04_log (id) VALUES (NEW.id)",
               "UPDATE c04 JOIN c04_other ON c04.id = c04_other.id SET c04.v = 'joined', c04_other.v = 7",
               "DELETE c04, c04_other FROM c04 JOIN c04_other ON c04.id = c04_other.id WHERE c04.id = 2")
    story.tell("CREATE TABLE c05 (id INT PRIMARY KEY, v VARCHAR(20), UNIQUE KEY u (v))",
               "INSERT INTO c05 VALUES (1, 'a')", "REPLACE INTO c05 VALUES (1, 'b'), (2, 'c')",
               "INSERT INTO c05 VALUES (2, 'x') ON DUPLICATE KEY UPDATE v = 'd'",
               "INSERT IGNORE INTO c05 VALUES (2, 'y'), (3, 'e')",
               f"LOAD DATA LOCAL INFILE '{story.folder}/c05.csv' INTO TABLE c05 FIELDS TERMINATED BY ','",
               "CREATE TABLE c05_copy (PRIMARY KEY (id)) SELECT id, v FROM c05 WHERE id > 3")
    story.tell("CREATE TABLE c06 (id INT PRIMARY KEY, v INT)", "INSERT INTO c06 VALUES (1, 1), (2, 2)",
               "UPDATE c06 SET v = v", "UPDATE c06 SET v = 2")
    story.tell("CREATE TABLE c07 (id INT PRIMARY KEY)", "INSERT INTO c07 VALUES (1)", "TRUNCATE TABLE c07",
               "INSERT INTO c07 VALUES (1)", "DROP TABLE c07", "CREATE TABLE c07 (v VARCHAR(9), id INT PRIMARY KEY)",
               "INSERT INTO c07 VALUES ('new', 1)")
    story.tell("CREATE TABLE c08 (id INT PRIMARY KEY)", "CREATE TABLE c08_b (b INT PRIMARY KEY, w VARCHAR(9))",
               "BEGIN", "INSERT INTO c08 VALUES (1)", "INSERT INTO c08_b VALUES (1, 'w')", "INSERT INTO c08 VALUES (2)",
               "COMMIT", "ALTER TABLE c08 ADD COLUMN v INT FIRST", "FLUSH TABLES", "BEGIN",
               "INSERT INTO c08 VALUES (5, 3)", "UPDATE c08_b SET w = 'x'", "COMMIT")
    story.tell("SET SESSION " + ("binlog_rows_query_log_events" if is_mysql else "binlog_annotate_row_events") + " = OFF",
               "CREATE TABLE a10 (id INT PRIMARY KEY, v TEXT)", "INSERT INTO a10 VALUES (1, 'untold')")
    story.tell("SET SESSION " + ("binlog_rows_query_log_events" if is_mysql else "binlog_annotate_row_events") + " = ON",
               "BEGIN", "INSERT INTO a10 VALUES (2, 'Ä'), (3, 'b') /* why: ä */", "UPDATE a10 SET v = 'u' WHERE id = 3",
               f"INSERT INTO a10 VALUES (4, '{'long ' * 4000}')", "COMMIT",
               "DELETE FROM a10 WHERE id = 2")
    story.tell("CREATE TABLE a22 (id INT PRIMARY KEY, v DOUBLE)", "CREATE TABLE a22_rows (id INT PRIMARY KEY)",
               "CREATE DATABASE IF NOT EXISTS a22_other", "CREATE TABLE IF NOT EXISTS a22_other.t (id INT)",
               "SET SESSION binlog_format = STATEMENT", "INSERT INTO a22 VALUES (1, 1), (2, 2)",
               "SET @gone = 3", "UPDATE a22 SET v = RAND() + @gone", "INSERT INTO a22_other.t VALUES (1)",
               f"LOAD DATA LOCAL INFILE '{story.folder}/a22.csv' INTO TABLE a22 FIELDS TERMINATED BY ','",
               "SET SESSION binlog_format = ROW", "INSERT INTO a22_rows VALUES (1)", "DROP DATABASE a22_other")
    story.tell("CREATE TABLE a24_myisam (id INT PRIMARY KEY, v INT) ENGINE = MyISAM",
               "CREATE TABLE a24_memory (id INT PRIMARY KEY) ENGINE = MEMORY",
               "INSERT INTO a24_myisam VALUES (1, 1), (2, 2)", "INSERT INTO a24_memory VALUES (1)",
               "UPDATE a24_myisam SET v = 3 WHERE id = 1", "DELETE FROM a24_memory")
    if not is_mysql:
        story.tell("CREATE TABLE a24_aria (id INT PRIMARY KEY) ENGINE = Aria", "INSERT INTO a24_aria VALUES (1)")
    story.tell("CREATE TABLE a25 (id INT PRIMARY KEY)", "XA START 'one'", "INSERT INTO a25 VALUES (1)", "XA END 'one'",
               "XA COMMIT 'one' ONE PHASE")
    story.tell("XA START 'two','b',7", "INSERT INTO a25 VALUES (2)", "XA END 'two','b',7", "XA PREPARE 'two','b',7")
    story.tell("XA START 'three'", "INSERT INTO a25 VALUES (3)", "XA END 'three'", "XA PREPARE 'three'")
    story.tell("INSERT INTO a25 VALUES (4)")
    story.tell("XA COMMIT 'two','b',7")
    story.tell("XA ROLLBACK 'three'")
    story.tell("XA START 'never'", "INSERT INTO a25 VALUES (5)", "XA END 'never'", "XA ROLLBACK 'never'")
    story.tell("XA START 'nothing'", "SELECT * FROM a25", "XA END 'nothing'", "XA PREPARE 'nothing'", "XA COMMIT 'nothing'")
    story.tell("CREATE TABLE a26 (id INT PRIMARY KEY)", "CREATE TABLE a26_myisam (id INT PRIMARY KEY) ENGINE = MyISAM",
               "BEGIN", "INSERT INTO a26 VALUES (1)", "SAVEPOINT `kept`", "INSERT INTO a26 VALUES (2)",
               "ROLLBACK TO `kept`", "INSERT INTO a26 VALUES (3)", "RELEASE SAVEPOINT `kept`", "COMMIT")
    if not is_mysql:  # whose GTIDs do not allow it
        story.tell("BEGIN", "INSERT INTO a26 VALUES (4)", "INSERT INTO a26_myisam VALUES (4)", "ROLLBACK",
                   "BEGIN", "INSERT INTO a26_myisam VALUES (5)", "INSERT INTO a26 VALUES (5)", "COMMIT")
    story.tell("CREATE TABLE a27 (id INT PRIMARY KEY)", "CREATE TEMPORARY TABLE a27_t (id INT)",
               "INSERT INTO a27_t VALUES (1)", "BEGIN", "INSERT INTO a27 VALUES (1)", "INSERT INTO a27_t VALUES (2)",
               "ALTER TABLE a27_t ADD COLUMN v INT", "COMMIT", "BEGIN", "INSERT INTO a27 VALUES (2)",
               "INSERT INTO a27_t VALUES (3, 3)", "CREATE TEMPORARY TABLE a27_u (id INT)", "DROP TEMPORARY TABLE a27_u",
               "ROLLBACK", "DROP TEMPORARY TABLE a27_t", "CREATE TEMPORARY TABLE a27 (other VARCHAR(3))",
               "INSERT INTO a27 VALUES ('x')", "DROP TEMPORARY TABLE a27", "INSERT INTO a27 VALUES (9)")
    story.tell("CREATE TABLE a28 (id INT PRIMARY KEY)", "INSERT INTO a28 VALUES (1)")
    first, second, third = SECRETS
    change = f"PASSWORD('{second}')" if not is_mysql else f"'{second}'"
    story.tell(f"CREATE USER d14 IDENTIFIED BY '{first}'", "GRANT SELECT ON *.* TO d14",
               f"SET PASSWORD FOR d14 = {change}", f"ALTER USER d14 IDENTIFIED BY '{third}'",
               "CREATE VIEW d14_view AS SELECT 1 AS one", "ANALYZE TABLE a28", "DROP USER d14")
    story.tell("CREATE TABLE finish (id INT PRIMARY KEY)", "INSERT INTO finish VALUES (1)")


@pytest.fixture(scope="module")
def story(source, session_folder):
    """Tells the story and reads it back; one Wellhead run for all cases of a server."""
    schema = f"tx{random.getrandbits(40):x}"
    folder = session_folder / f"{schema}-story"
    folder.mkdir()
    (folder / "c05.csv").write_text("4,f\n5,g\n")
    (folder / "a22.csv").write_text("7,7\n8,8\n")
    source.sql(f"CREATE DATABASE {schema}", "SET GLOBAL local_infile = ON")
    told = Story(source, schema, folder)
    server = wellhead.Wellhead.tap(
        folder / "wellhead", source.url(schema, options="?statements=on")
    )
    follower = None
    try:
        server.start()
        told.begun = time.time()
        tell_all(told)
        told.ended = time.time()
        follower = clients.Follower(server.kafka, schema)
        follower.wait_for(
            lambda seen: any(entry["objectName"] == f"{schema}.finish" for entry in follower.rows), "the last row", 60
        )
        told.records = follower.records
        told.status = server.task(schema)
        told.metrics = metrics(server)
        told.log = server.log.read_text()
        yield told
    finally:
        if follower:
            follower.close()
        server.kill()
        source.sql(f"DROP DATABASE {schema}")


def metrics(server):
    """{reason: count} of what was skipped."""
    token = (server.data / "admin.token").read_text().strip()
    request = urllib.request.Request(f"http://{server.http}/metrics", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = (line for line in lines if line.startswith("wellhead_capture_skipped_events"))
    return {line.split('reason="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in found}


def test_every_row_stands_in_a_transaction_of_its_own_kind(story):
    inside = False
    for entry in story.records:
        match entry["operation"]:
            case "BEGIN":
                assert not inside
                inside = True
            case "COMMIT" | "ROLLBACK":
                assert inside
                inside = False
            case operation if operation in record.ROW_OPERATIONS:
                assert inside
    assert story.status["state"] == "normal"


def test_c03_a_changed_primary_key_has_both_keys(story):
    assert story.rows("c03") == [
        ("INSERT", None, {"id": 1, "v": 1}),
        ("UPDATE", {"id": 1, "v": 1}, {"id": 11, "v": 1}),
    ]


def test_c04_statements_of_many_rows_and_several_tables_come_whole(story):
    assert [values[0] for operation, values in story.values("c04") if operation == "INSERT"] == list(range(200))
    [insert] = [t for t in story.transactions("c04") if len(t) > 100]
    assert len(insert) == 202, "one transaction, however many events the rows took"
    [joined] = [t for t in story.transactions("c04_log") if t]
    changed = [(e["operation"], e["objectName"].split(".")[1]) for e in joined if record.is_row(e)]
    assert sorted(changed) == sorted(
        [("UPDATE", "c04")] * 2 + [("UPDATE", "c04_other")] * 2 + [("INSERT", "c04_log")] * 2
    )
    [deleted] = [t for t in story.transactions("c04") if any(e["operation"] == "DELETE" for e in t)]
    assert {e["objectName"].split(".")[1] for e in deleted if record.is_row(e)} == {"c04", "c04_other"}


def test_c05_what_replaces_ignores_loads_and_copies_comes_as_the_rows_it_changed(story):
    state = {}
    for operation, before, after in story.rows("c05"):
        if before:
            assert state.pop(before["id"]) == before["v"], (operation, before)
        if after:
            assert after["id"] not in state
            state[after["id"]] = after["v"]
    assert state == dict(story.tell("SELECT id, v FROM c05")) == {1: "b", 2: "d", 3: "e", 4: "f", 5: "g"}
    assert story.values("c05_copy") == [("INSERT", (4, "f")), ("INSERT", (5, "g"))]
    names = [e["afterImages"] if e["operation"] == "DDL" else e["objectName"] for e in story.records]
    [create] = [i for i, name in enumerate(names) if name and name.startswith("CREATE TABLE") and "c05_copy" in name]
    assert create < names.index(f"{story.schema}.c05_copy"), "the table comes before its rows"


def test_c06_rows_that_keep_their_values_do_not_come(story):
    assert story.values("c06") == [("INSERT", (1, 1)), ("INSERT", (2, 2)), ("UPDATE", (1, 2))]


def test_c07_a_table_that_is_emptied_and_made_anew_is_decoded_as_it_is(story):
    assert story.values("c07") == [("INSERT", (1,)), ("INSERT", (1,)), ("INSERT", ("new", 1))]
    assert [text for text in story.statements("c07") if text.startswith("TRUNCATE")] == ["TRUNCATE TABLE c07"]


def test_c08_rows_belong_to_the_table_that_was_mapped_last(story):
    assert story.values("c08") == [("INSERT", (1,)), ("INSERT", (2,)), ("INSERT", (5, 3))]
    assert story.values("c08_b") == [("INSERT", (1, "w")), ("UPDATE", (1, "x"))]


def test_a10_rows_tell_the_statement_that_changed_them(story):
    statements = {}
    for entry in story.records:
        if entry["objectName"] == f"{story.schema}.a10":
            row = record.after(entry) or record.before(entry)
            statements[(entry["operation"], row["id"])] = entry["tags"].get("sql")
    long = statements.pop(("INSERT", 4))
    assert long.startswith("INSERT INTO a10 VALUES (4, 'long long") and 4000 < len(long) <= 4096
    first = "INSERT INTO a10 VALUES (2, 'Ä'), (3, 'b') /* why: ä */"
    assert statements == {
        ("INSERT", 1): None,
        ("INSERT", 2): first,
        ("INSERT", 3): first,
        ("UPDATE", 3): "UPDATE a10 SET v = 'u' WHERE id = 3",
        ("DELETE", 2): "DELETE FROM a10 WHERE id = 2",
    }


def test_a22_statements_that_should_have_been_rows_are_counted_and_named(story):
    assert story.rows("a22") == []
    assert len(story.rows("a22_rows")) == 1
    assert story.metrics["statement_format"] == 3
    assert story.metrics["untracked_statement"] >= 1
    [warning] = [text for text in story.status["warnings"] if "a22" in text]
    assert f"{story.schema}.a22 " in warning and "binlog.0" in warning, warning


def test_a24_engines_without_transactions_have_their_own(story):
    assert story.values("a24_myisam") == [("INSERT", (1, 1)), ("INSERT", (2, 2)), ("UPDATE", (1, 3))]
    assert story.values("a24_memory") == [("INSERT", (1,)), ("DELETE", (1,))]
    if story.server.kind == "mariadb":
        assert story.values("a24_aria") == [("INSERT", (1,))]
    tables = ("a24_myisam", "a24_memory", "a24_aria")
    assert all(t[-1]["operation"] == "COMMIT" for t in story.transactions(*tables))


def test_a25_xa_transactions_come_when_they_are_committed(story):
    assert [values[0] for _, values in story.values("a25")] == [1, 4, 2]
    assert not any("xa" in text.lower().split() for text in story.statements(""))
    assert story.metrics.get("xa_prepared_before_start", 0) == 0, story.status["warnings"]


def test_a26_only_what_survives_a_rollback_comes(story):
    mixed = story.server.kind == "mariadb"
    assert [values[0] for _, values in story.values("a26")] == [1, 3, 5][: 2 + mixed]
    assert sorted(values[0] for _, values in story.values("a26_myisam")) == [4, 5][: 2 * mixed]
    assert not story.statements("kept") and not story.statements("SAVEPOINT")


def test_a27_temporary_tables_leave_no_trace(story):
    assert [values[0] for _, values in story.values("a27")] == [1, 9]
    assert not story.rows("a27_t", "a27_u")
    assert not [text for text in story.statements("a27") if "TEMPORARY" in text.upper()]


def test_a28_transactions_tell_when_and_by_whom_they_were_committed(story):
    [[begin, row, _commit]] = story.transactions("a28")
    committed_us = int(begin["tags"]["commitTimestamp"])
    assert story.begun - 2 < committed_us / 1e6 < story.ended + 2
    assert row["sourceTimestamp"] <= committed_us / 1e6 + 1
    if story.server.kind == "mysql":
        assert committed_us % 1_000_000, "MySQL gives microseconds"
        assert int(begin["tags"]["thread_id"]) == int(row["tags"]["thread_id"]) > 0
        assert {"Q_SQL_MODE_CODE", "Q_CHARSET_CODE", "Q_FLAGS2_CODE"} <= set(begin["tags"])
    else:
        assert begin["tags"]["GTID"].startswith("0-4711-")
    assert begin["tags"]["server_id"] == row["tags"]["server_id"] == "4711"


def test_d14_statements_about_accounts_come_without_secrets_and_leave_none_in_a_log(story):
    texts = story.statements("d14")
    assert [text.split()[0] for text in texts if "d14_view" not in text] == (
        ["CREATE", "GRANT", "ALTER" if story.server.kind == "mysql" else "SET", "ALTER", "DROP"]
    )
    assert sum("<secret>" in text for text in texts) == 3, texts
    everything = "\n".join(texts) + story.log
    assert not [secret for secret in SECRETS if secret in everything]
    assert "$A$" not in everything and "*98B028" not in everything, "hashes are secrets too"
    assert "INSERT INTO" not in story.log and "UPDATE a22" not in story.log


def insert_many(table, first):
    """Statements that insert `MANY` rows, the first with this id."""
    ids = range(first, first + MANY)
    return [
        f"INSERT INTO {table} VALUES " + ",".join(f"({number},'{LONG}')" for number in ids[start : start + 2000])
        for start in range(0, MANY, 2000)
    ]


def event_types(server):
    """The kinds of events in a server's newest binlog."""
    file = server.sql("SHOW BINARY LOGS")[-1][0]
    return {row[2] for row in server.sql(f"SHOW BINLOG EVENTS IN '{file}'")}


def test_a25_a06_long_transactions_survive_being_killed_before_and_within_their_delivery(
    new_source, new_wellhead, dice
):
    compressing = {"loose-log-bin-compress": "ON", "loose-log-bin-compress-min-len": "10"}
    server = new_source({"transaction-isolation": "READ-COMMITTED", **compressing})
    server.sql("CREATE DATABASE xa", "CREATE TABLE xa.t (id INT PRIMARY KEY, v VARCHAR(200))")
    tap = new_wellhead.tap(server.url("xa")).start()
    prepared = ["XA START 'long'", *insert_many("xa.t", 0), "XA END 'long'", "XA PREPARE 'long'"]
    server.sql(*prepared)
    server.sql("XA START 'gone'", "INSERT INTO xa.t VALUES (-10, 'gone')", "XA END 'gone'", "XA PREPARE 'gone'")
    server.sql("INSERT INTO xa.t VALUES (-1, 'between')")
    follower = clients.Follower(tap.kafka, "xa")
    assert [record.after(row)["id"] for row in follower.wait_for_rows(1)] == [-1], "nothing of what is only prepared"
    follower.close()
    tap.kill()
    server.sql("FLUSH BINARY LOGS", "XA COMMIT 'long'")
    server.sql("XA ROLLBACK 'gone'")
    compressed = ["SET SESSION binlog_transaction_compression = ON"] if server.kind == "mysql" else []
    server.sql(*compressed, "BEGIN", *insert_many("xa.t", MANY), "COMMIT")
    assert [kind for kind in event_types(server) if "payload" in kind or "compressed" in kind], sorted(event_types(server))
    server.sql("INSERT INTO xa.t VALUES (-2, 'last')")
    ends = set()
    for _ in range(12):
        tap.spawn()
        try:
            tap.process.wait(dice.uniform(0.1, 1.2))
            raise AssertionError(f"it ended by itself:\n{tap.log_tail()}")
        except subprocess.TimeoutExpired:
            tap.kill()
        ends.add((tap.data / "log").exists() and sum(f.stat().st_size for f in tap.data.rglob("*.log")))
    tap.start()
    follower = clients.Follower(tap.kafka, "xa")
    follower.wait_for(lambda seen: any(record.after(row)["id"] == -2 for row in follower.rows[-3:]), "the last row", 90)
    follower.close()
    assert len(ends) > 2, "it was killed in the middle of the delivery"
    records = [entry for _, entry in clients.read_all(tap.kafka, "xa")]
    load.assert_transactions_are_whole(records)
    ids = [record.after(entry)["id"] for entry in records if record.is_row(entry)]
    assert ids == [-1, *range(2 * MANY), -2]
    transactions = sum(entry["operation"] == "COMMIT" for entry in records)
    assert transactions == 4, "the long ones are one transaction each"


def test_a25_rows_of_a_prepared_transaction_that_were_purged_are_an_error(new_source, new_wellhead):
    server = new_source({"transaction-isolation": "READ-COMMITTED"})
    server.sql("CREATE DATABASE xa", "CREATE TABLE xa.t (id INT PRIMARY KEY, v VARCHAR(200))")
    tap = new_wellhead.tap(server.url("xa")).start()
    server.sql("XA START 'early'", "INSERT INTO xa.t VALUES (1, 'a')", "XA END 'early'", "XA PREPARE 'early'")
    server.sql("FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "INSERT INTO xa.t VALUES (2, 'b')")
    follower = clients.Follower(tap.kafka, "xa")
    follower.wait_for_rows(1)
    follower.close()
    assert tap.stop() == 0
    newest = server.sql("SHOW BINARY LOGS")[-1][0]

    def purged():
        server.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return len(server.sql("SHOW BINARY LOGS")) == 1

    wait.until(purged, "the server to let go of its older files", 60, 0.5)
    server.sql("XA COMMIT 'early'")
    tap.start()
    task = tap.wait_for_state("xa", "failed")
    assert task["reason"]["code"] == "xa_rows_lost", task["reason"]
    assert "X'6561726c79'" in task["reason"]["message"] and newest in task["reason"]["message"]


def test_a24_a25_a_restart_of_the_server_empties_memory_and_keeps_what_is_prepared(new_source, new_wellhead, follow):
    server = new_source()
    server.sql("CREATE DATABASE again", "CREATE TABLE again.t (id INT PRIMARY KEY) ENGINE = MEMORY",
               "CREATE TABLE again.kept (id INT PRIMARY KEY, v VARCHAR(9))")
    tap = new_wellhead.tap(server.url("again")).start()
    topic = follow(tap.kafka, "again")
    server.sql("XA START 'x'", "INSERT INTO again.kept VALUES (5, 'xa')", "XA END 'x'", "XA PREPARE 'x'")
    server.sql("INSERT INTO again.t VALUES (1)")
    topic.wait_for_rows(1)
    assert tap.stop() == 0
    server.restart()
    # The server numbers its tables anew: these have the numbers that others had before.
    server.sql("INSERT INTO again.t VALUES (2)", "XA COMMIT 'x'", "INSERT INTO again.t VALUES (3)")
    tap.start()
    topic.wait_for(lambda seen: len(topic.rows) == 4 and seen[-1]["operation"] in ("COMMIT", "HEARTBEAT"), "all rows")
    kinds = [e["operation"] for e in topic.records if e["operation"] != "HEARTBEAT"]
    transaction = ["BEGIN", "INSERT", "COMMIT"]
    assert kinds == [*transaction, "DDL", *transaction * 3]
    [emptied] = [e["afterImages"] for e in topic.records if e["operation"] == "DDL"]
    assert emptied.startswith("TRUNCATE TABLE `again`.`t`")
    rows = [(row["objectName"], *record.after(row).values()) for row in topic.rows]
    assert rows == [("again.t", 1), ("again.t", 2), ("again.kept", 5, "xa"), ("again.t", 3)]


def test_a25_what_was_prepared_before_the_start_is_counted_and_named(new_source, new_wellhead, follow):
    server = new_source({"transaction-isolation": "READ-COMMITTED"})
    server.sql("CREATE DATABASE xa", "CREATE TABLE xa.t (id INT PRIMARY KEY)")
    server.sql("XA START 'before'", "INSERT INTO xa.t VALUES (1)", "XA END 'before'", "XA PREPARE 'before'")
    tap = new_wellhead.tap(server.url("xa")).start()
    server.sql("XA COMMIT 'before'", "INSERT INTO xa.t VALUES (2)")
    rows = follow(tap.kafka, "xa").wait_for_rows(1)
    assert [record.after(row)["id"] for row in rows] == [2]
    wait.until(lambda: metrics(tap).get("xa_prepared_before_start") == 1, "the counter")
    [warning] = tap.task("xa")["warnings"]
    assert "X'6265666f7265'" in warning and "binlog.0" in warning


def test_statements_in_the_scope_of_tracked_tables_name_one(source, schema, new_wellhead, follow):
    other = f"{schema}_other"
    tap = new_wellhead.serve().start()
    tap.track("scoped", source, schema, auto_start=True, ddl_scope="tracked")
    tap.wait_for_state("scoped", "normal")
    session = Session(source, schema)
    session.run(
        "CREATE TABLE t (id INT PRIMARY KEY)", f"CREATE DATABASE {other}", f"CREATE TABLE {other}.t (id INT)",
        f"CREATE USER {other}", f"GRANT SELECT ON {schema}.* TO {other}", f"USE {other}",
        f"ALTER TABLE {schema}.t ADD COLUMN v INT", "ALTER TABLE t ADD COLUMN v INT", f"RENAME TABLE t TO {schema}.moved",
        f"DROP USER {other}", f"DROP DATABASE {other}", f"INSERT INTO {schema}.t VALUES (1, 1)",
    )
    session.close()
    topic = follow(tap.kafka, "scoped", tap.new_login("scoped"))
    topic.wait_for_rows(1)
    texts = [entry["afterImages"] for entry in topic.records if entry["operation"] == "DDL"]
    assert [text.replace("`", "").split(" (")[0].split(" TO ")[0] for text in texts] == [
        "CREATE TABLE t", f"GRANT SELECT ON {schema}.*", f"ALTER TABLE {schema}.t ADD COLUMN v INT", "RENAME TABLE t",
    ]


def test_a25_where_no_file_is_known_the_gtids_lead_to_prepared_rows(source, schema, new_wellhead, follow):
    """As after a failover: the position names the group of the prepared rows by its GTID alone."""

    def executed():
        variable = "gtid_binlog_pos" if source.kind == "mariadb" else "gtid_executed"
        return source.sql(f"SELECT @@global.{variable}")[0][0].replace("\n", "")

    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    before = executed()
    source.sql("XA START 'a'", f"INSERT INTO {schema}.t VALUES (1), (2)", "XA END 'a'", "XA PREPARE 'a'")
    prepared = executed()
    source.sql(f"INSERT INTO {schema}.t VALUES (3)")
    source.sql("XA COMMIT 'a'", f"INSERT INTO {schema}.t VALUES (4)")
    if source.kind == "mariadb":
        own, previous = prepared, before
    else:
        own, previous = f"{prepared.split(':')[0]}:{prepared.replace(':', '-').split('-')[-1]}", ""
    start = f"xa=1,61,,1,0,{own},{previous}, gtid={prepared}"
    server = new_wellhead.tap(source.url(schema), "--start", start).start()
    topic = follow(server.kafka, schema)
    topic.wait_for(lambda seen: sum(entry["operation"] == "COMMIT" for entry in seen) == 3, "three commits")
    kinds = [entry["operation"] for entry in topic.records if entry["operation"] != "HEARTBEAT"]
    assert kinds == ["BEGIN", "INSERT", "COMMIT", "BEGIN", "INSERT", "INSERT", "COMMIT", "BEGIN", "INSERT", "COMMIT"]
    assert [record.after(row)["id"] for row in topic.rows] == [3, 1, 2, 4]
