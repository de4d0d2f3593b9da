"""Transactions and statements of every kind: what was committed comes once, whole, and nothing else does."""

import random
import time

import pymysql
import pytest

from harness import clients, database, record, wellhead

SECRETS = ("sEcret1", "sEcret2", "sEcret3")
LONG = "x" * 100

pytestmark = database.every_server


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
               "INSERT INTO c04 VALUES " + ",".join(f"({number}, '{LONG}')" for number in range(200)),
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
    statements = "binlog_rows_query_log_events" if is_mysql else "binlog_annotate_row_events"
    story.tell(f"SET SESSION {statements} = OFF",
               "CREATE TABLE a10 (id INT PRIMARY KEY, v TEXT)", "INSERT INTO a10 VALUES (1, 'untold')")
    story.tell(f"SET SESSION {statements} = ON",
               "BEGIN", "INSERT INTO a10 VALUES (2, 'Ä'), (3, 'b') /* why: ä */", "UPDATE a10 SET v = 'u' WHERE id = 3",
               f"INSERT INTO a10 VALUES (4, '{'long ' * 4000}')", "COMMIT",
               "DELETE FROM a10 WHERE id = 2",
               "INSERT INTO a10 VALUES (5, HEX(AES_ENCRYPT('plain', 'the key')))")
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
    story.tell("XA START 'nothing'", "SELECT * FROM a25", "XA END 'nothing'", "XA PREPARE 'nothing'",
               "XA COMMIT 'nothing'")
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
        told.skipped = server.skipped()
        told.log = server.log.read_text()
        yield told
    finally:
        if follower:
            follower.close()
        server.kill()
        source.sql(f"DROP DATABASE {schema}")


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
        ("INSERT", 5): "INSERT INTO a10 VALUES (5, HEX(AES_ENCRYPT('<secret>', '<secret>')))",
    }


def test_a22_statements_that_should_have_been_rows_are_counted_and_named(story):
    assert story.rows("a22") == []
    assert len(story.rows("a22_rows")) == 1
    assert story.skipped["statement_format"] == 3
    assert story.skipped["untracked_statement"] >= 1
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
    assert story.skipped.get("xa_prepared_before_start", 0) == 0, story.status["warnings"]


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
        version = story.server.sql("SELECT VERSION()")[0][0]
        assert ("thread_id" in begin["tags"]) == (int(version.split(".")[0]) >= 11), "since 11.5 in the log"
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


def test_statements_in_the_scope_of_tracked_tables_name_one(source, schema, new_wellhead, follow):
    other = f"{schema}_other"
    tap = new_wellhead.serve().start()
    tap.track("scoped", source, schema, auto_start=True, ddl_scope="tracked")
    tap.wait_for_state("scoped", "normal")
    session = Session(source, schema)
    session.run(
        "CREATE TABLE t (id INT PRIMARY KEY)", f"CREATE DATABASE {other}", f"CREATE TABLE {other}.t (id INT)",
        f"CREATE USER {other}", f"GRANT SELECT ON {schema}.* TO {other}", f"USE {other}",
        f"ALTER TABLE {schema}.t ADD COLUMN v INT", "ALTER TABLE t ADD COLUMN v INT",
        f"RENAME TABLE t TO {schema}.moved", f"DROP USER {other}", f"DROP DATABASE {other}", f"INSERT INTO {schema}.t VALUES (1, 1)",
    )
    session.close()
    topic = follow(tap.kafka, "scoped", tap.new_login("scoped"))
    topic.wait_for_rows(1)
    texts = [entry["afterImages"] for entry in topic.records if entry["operation"] == "DDL"]
    assert [text.replace("`", "").split(" (")[0].split(" TO ")[0] for text in texts] == [
        "CREATE TABLE t", f"GRANT SELECT ON {schema}.*", f"ALTER TABLE {schema}.t ADD COLUMN v INT", "RENAME TABLE t",
    ]
