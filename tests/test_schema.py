"""Rows are decoded with the definition that was valid at their place in the log."""

import json
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from harness import clients, database, record, wait, wellhead
from harness.scripts import Script, inserted


# More tables than are asked for one by one, three queries each.
MANY = 100


def address(server):
    return "--url", f"http://{server.http}", "--token-file", server.data / "admin.token"


@pytest.fixture(scope="module", params=["MINIMAL", "FULL"])
def metadata(request, source):
    """How much the server says of a table in its log, for the tests of this module."""
    [[before]] = source.sql("SELECT @@GLOBAL.binlog_row_metadata")
    source.sql(f"SET GLOBAL binlog_row_metadata = {request.param}")
    yield request.param
    source.sql(f"SET GLOBAL binlog_row_metadata = {before}")


@pytest.fixture
def minimal(source):
    """The log says as little of a table as the server can be told to: on MariaDB not even signs."""
    [[before]] = source.sql("SELECT @@GLOBAL.binlog_row_metadata")
    least = "NO_LOG" if source.kind == "mariadb" else "MINIMAL"
    source.sql(f"SET GLOBAL binlog_row_metadata = {least}")
    yield
    source.sql(f"SET GLOBAL binlog_row_metadata = {before}")


def d03(script, db, _):
    t = f"{db}.d03"
    script.run(f"ALTER TABLE {t} ADD n VARCHAR(20)").mark(t)
    script.run(f"ALTER TABLE {t} DROP b").mark(t)
    script.run(f"ALTER TABLE {t} CHANGE a c VARCHAR(20)").mark(t)


def d04(script, db, kind):
    t = f"{db}.d04"
    for change in (
        "ADD f INT FIRST",
        "ADD g INT AFTER id",
        "ADD h BIGINT UNSIGNED, ALGORITHM=INSTANT",
        "DROP g",
        "MODIFY f BIGINT",
        "MODIFY a TEXT",
        "MODIFY b INT UNSIGNED",
        "RENAME COLUMN a TO b, RENAME COLUMN b TO a",
        "CHANGE h i BIGINT UNSIGNED AFTER f, ADD j INT AFTER i",
        "MODIFY i BIGINT UNSIGNED FIRST",
    ):
        script.run(f"ALTER TABLE {t} {change}").mark(t)


def d05(script, db, _):
    t = f"{db}.d05"
    script.mark(t)
    # As gh-ost and pt-online-schema-change do.
    script.run(
        f"CREATE TABLE {db}._d05_gho LIKE {t}",
        f"ALTER TABLE {db}._d05_gho ADD note VARCHAR(20) AFTER id, DROP b",
        f"RENAME TABLE {t} TO {db}._d05_del, {db}._d05_gho TO {t}",
    ).mark(t)
    script.run(f"DROP TABLE {db}._d05_del")
    # A chain, into another database that is tracked, out of all that are, and back.
    script.run(f"RENAME TABLE {t} TO {db}.d05_a, {db}.d05_a TO {db}_b.d05").mark(f"{db}_b.d05")
    script.run(f"RENAME TABLE {db}_b.d05 TO {db}_out.d05", f"ALTER TABLE {db}_out.d05 ADD out1 INT FIRST")
    script.mark(f"{db}_out.d05", counts=False)
    script.run(f"RENAME TABLE {db}_out.d05 TO {t}").mark(t)


def d06(script, db, kind):
    script.run(f"CREATE TABLE {db}.d06_like LIKE {db}_out.pattern").mark(f"{db}.d06_like")
    script.run(f"CREATE TABLE {db}.d06_select AS SELECT x AS y, x + 1 AS z, 'abcdefgh' AS k FROM {db}_out.pattern")
    script.selected(f"{db}.d06_select").mark(f"{db}.d06_select")
    script.run(f"CREATE TABLE IF NOT EXISTS {db}.d06 (z INT, y INT, x INT)").mark(f"{db}.d06")
    script.run(f"CREATE TABLE IF NOT EXISTS {db}.d06_new (z INT, y INT)").mark(f"{db}.d06_new")
    if kind == "mariadb":
        script.run(f"CREATE OR REPLACE TABLE {db}.d06 (b INT, a INT, id INT)").mark(f"{db}.d06")
        script.run(f"ALTER TABLE {db}.d06 ADD IF NOT EXISTS b INT, ADD COLUMN IF NOT EXISTS c INT FIRST")
        script.mark(f"{db}.d06")


def d07(script, db, _):
    t = f"{db}.d07"
    script.mark(t)
    script.run(f"DROP TABLE {t}", f"CREATE TABLE {t} (b INT, a VARCHAR(20), id INT)").mark(t)
    script.run(f"DROP DATABASE {db}_b2", f"CREATE DATABASE {db}_b2 CHARACTER SET latin1")
    script.run(f"USE {db}_b2", "CREATE TABLE d07 (a VARCHAR(20), n INT)").mark(f"{db}_b2.d07")


def d15(script, db, _):
    script.mark(f"{db}.d15")
    script.run(f"RENAME TABLE {db}.d15 TO {db}.D15", f"ALTER TABLE {db}.D15 ADD c INT AFTER id").mark(f"{db}.D15")
    script.run(f"CREATE TABLE {db}.d15 (x INT, y INT)").mark(f"{db}.d15").mark(f"{db}.D15")


def d16(script, db, _):
    t = f"{db}.d16"
    script.mark(t)
    for change in ("DROP PRIMARY KEY, ADD PRIMARY KEY (b)", "RENAME COLUMN b TO key_b",
                   "DROP PRIMARY KEY", "ADD PRIMARY KEY (id, key_b)"):
        script.run(f"ALTER TABLE {t} {change}").mark(t)


def b19(script, db, _):
    script.run(f"CREATE TABLE {db}.b19 (id INT, doc JSON)").mark(f"{db}.b19")
    script.run(f"ALTER TABLE {db}.b19 ADD later JSON AFTER id").mark(f"{db}.b19")


def b23(script, db, kind):
    t = f"{db}.b23"
    script.run(f"CREATE TABLE {t} (a INT, v INT AS (a + 1) VIRTUAL, b INT, s INT AS (b * 2) STORED, c INT)").mark(t)
    script.run(f"ALTER TABLE {t} ADD w INT AS (c + 7) VIRTUAL AFTER a, ADD KEY (w)").mark(t)
    if kind == "mysql":
        script.run(
            f"CREATE TABLE {db}.b23_hidden (a INT, doc JSON, b INT, KEY ((a + b)),"
            " KEY many ((CAST(doc->'$.tags' AS UNSIGNED ARRAY))))"
        ).mark(f"{db}.b23_hidden")
        script.run(f"ALTER TABLE {db}.b23_hidden ADD z INT AFTER a, ADD KEY ((a * 2))").mark(f"{db}.b23_hidden")


def b24(script, db, kind):
    t = f"{db}.b24"
    script.run(f"CREATE TABLE {t} (a INT, hidden INT INVISIBLE, b INT)").mark(t)
    script.run(f"ALTER TABLE {t} ADD more INT INVISIBLE FIRST").mark(t)
    if kind == "mysql":
        script.run("SET SESSION sql_generate_invisible_primary_key = ON", f"CREATE TABLE {db}.gipk (a INT, b INT)")
        script.mark(f"{db}.gipk").run("SET SESSION sql_generate_invisible_primary_key = OFF")
        script.run(f"ALTER TABLE {db}.gipk ADD c INT AFTER a").mark(f"{db}.gipk")


def c08(script, db, _):
    script.run(f"CREATE TABLE {db}.c08 (a INT, b INT)", f"CREATE TABLE {db}.c08_other (b INT, a INT)")
    for _ in range(3):
        script.mark(f"{db}.c08").mark(f"{db}.c08_other").run("FLUSH TABLES")
        script.run(f"ALTER TABLE {db}.c08_other RENAME COLUMN a TO t, RENAME COLUMN b TO a, ALGORITHM=INPLACE",
                   f"ALTER TABLE {db}.c08_other RENAME COLUMN t TO b")
    script.run(f"UPDATE {db}.c08, {db}.c08_other SET c08.a = 1, c08_other.a = 2")


CASES = [d03, d04, d05, d06, d07, d15, d16, b19, b23, b24, c08]
BEFORE = ["d03", "d04", "d05", "d06", "d07", "d15", "d16", "last"]


@pytest.fixture(scope="module")
def past(source, metadata, tmp_path_factory):
    """All cases, run on the server while nobody reads it; what arrived afterwards, and what should have."""
    db = f"s{random.getrandbits(32):x}"
    script = Script(source)
    script.run(*(f"CREATE DATABASE {name}" for name in (db, f"{db}_b", f"{db}_b2", f"{db}_out")))
    script.run(*(f"CREATE TABLE {db}.{t} (id INT PRIMARY KEY, a VARCHAR(20), b INT NOT NULL)" for t in BEFORE))
    script.run(f"CREATE TABLE {db}_b2.d07 (x INT)", f"CREATE TABLE {db}_out.pattern (x INT, y VARCHAR(9), a INT)")
    script.run(f"INSERT INTO {db}_out.pattern VALUES (1, 'y', 2)")
    folder = Path(tempfile.mkdtemp(prefix="wh-"))
    server = wellhead.Wellhead.serve(folder / "wellhead").start()
    try:
        objects = {name: {"all": True} for name in (db, f"{db}_b", f"{db}_b2")}
        body = {"source": {"url": source.url()}, "objects": objects, "auto_start": True}
        server.api("PUT", "/tasks/past", body, expect=200)
        server.wait_for_state("past", "normal")
        for table in BEFORE:
            script.mark(f"{db}.{table}")
        follower = clients.Follower(server.kafka, "past", server.new_login("past"))
        follower.wait_for_rows(len(BEFORE))
        follower.close()
        assert server.stop() == 0
        for case in CASES:
            case(script, db, source.kind)
        script.mark(f"{db}.last")
        server.start()
        follower = clients.Follower(server.kafka, "past", server.new_login("past", "again"))

        follower.wait_for(lambda seen: len(inserted(seen)[f"{db}.last"]) == 2, "the last row", 60)
        follower.close()
        yield db, script, follower.records, server.task("past")
    finally:
        server.kill()
        script.run(*(f"DROP DATABASE {name}" for name in (db, f"{db}_b", f"{db}_b2", f"{db}_out")))
        script.close()
        shutil.rmtree(folder, ignore_errors=True)


def check(past, *tables):
    """The rows of these tables are what the server itself showed, column by column and in order."""
    db, script, records, _ = past
    rows = inserted(records)
    for table in tables:
        table = table if "." in table else f"{db}.{table}"
        assert script.expected[table], table
        assert rows[table] == script.expected[table], table
        assert [list(row) for row in rows[table]] == [list(row) for row in script.expected[table]], table


def test_d03_rows_written_while_nobody_read_have_the_definition_of_their_place(past):
    check(past, "d03")


def test_d04_columns_added_moved_changed_and_swapped(past):
    check(past, "d04")


def test_d05_tables_that_change_names_and_databases(past):
    db = past[0]
    check(past, "d05", f"{db}_b.d05")
    assert f"{db}_out.d05" not in inserted(past[2]), "it was not tracked there"


def test_d06_tables_made_from_others(past):
    check(past, "d06", "d06_like", "d06_select", "d06_new")


def test_d07_a_table_and_a_database_made_anew(past):
    check(past, "d07", f"{past[0]}_b2.d07")


def test_d15_names_that_differ_in_case_alone_are_two(past):
    check(past, "d15", "D15")


def test_d16_keys_are_those_of_their_place(past):
    check(past, "d16")
    keys = [json.loads(entry["tags"]["pk_uk_info"]) if "pk_uk_info" in entry["tags"] else {}
            for entry in past[2] if entry["operation"] == "INSERT" and entry["objectName"] == f"{past[0]}.d16"]
    assert [key.get("PRIMARY", []) for key in keys] == [["id"], ["id"], ["b"], ["key_b"], [], ["id", "key_b"]]


def test_b19_json_is_the_same_whichever_way_it_came(past):
    check(past, "b19")


def test_b23_generated_and_hidden_columns_shift_nothing(past):
    check(past, *(["b23"] if f"{past[0]}.b23_hidden" not in past[1].expected else ["b23", "b23_hidden"]))


def test_b24_invisible_columns_shift_nothing(past):
    check(past, *(["b24"] if f"{past[0]}.gipk" not in past[1].expected else ["b24", "gipk"]))


def test_c08_a_table_id_means_the_last_table_that_was_given_it(past):
    check(past, "c08", "c08_other")
    db, _, records, _ = past
    updates = {entry["objectName"]: record.after(entry)["a"] for entry in records if entry["operation"] == "UPDATE"}
    assert updates == {f"{db}.c08": 1, f"{db}.c08_other": 2}


def test_d18_each_definition_has_its_own_number(past):
    db, _, records, _ = past
    entries = [e for e in records if e["operation"] == "INSERT" and e["objectName"] == f"{db}.d04"]
    seen = [(tuple(f["name"] for f in e["fields"]), e["tags"]["metaVersion"]) for e in entries]
    assert len({version for _, version in seen}) == len(seen), "every ALTER made another definition"


def test_d02_nothing_was_held_back(past):
    assert not past[3].get("held_tables"), past[3]


def test_d16_the_keys_of_many_tables_are_asked_for_together(source, schema, metadata, new_wellhead, follow):
    tables = [f"{schema}.t{number}" for number in range(MANY)]
    source.sql(*(f"CREATE TABLE {table} (id INT PRIMARY KEY, a INT, UNIQUE KEY by_a (a))" for table in tables))
    server = new_wellhead.tap(source.url(schema)).start()
    topic = follow(server.kafka, schema)
    server.wait_for_state(schema, "normal")
    before = queries(source)
    source.sql(*(f"INSERT INTO {table} VALUES (1, 1)" for table in tables))
    topic.wait_for_rows(MANY)
    asked = queries(source) - before
    assert asked < MANY, f"{asked} queries for {MANY} tables"
    source.sql(f"ALTER TABLE {tables[-1]} ADD UNIQUE KEY by_both (a, id)", f"INSERT INTO {tables[-1]} VALUES (2, 2)")
    rows = topic.wait_for_rows(MANY + 1)
    keys = [json.loads(row["tags"]["pk_uk_info"]) for row in rows]
    assert keys == [{"PRIMARY": ["id"], "by_a": ["a"]}] * MANY + [{**keys[0], "by_both": ["a", "id"]}]


def queries(source):
    """The queries that a server has answered by now."""
    [(_, count)] = source.sql("SHOW GLOBAL STATUS LIKE 'Com_select'")
    return int(count)


def test_d17_killed_while_definitions_change_it_never_uses_an_older_one(
    source, schema, minimal, new_wellhead, follow, dice
):
    t = f"{schema}.t"
    source.sql(f"CREATE TABLE {t} (id INT, a INT, b INT UNSIGNED)")
    server = new_wellhead.tap(source.url(schema)).start()
    topic = follow(server.kafka, schema)
    script = Script(source).mark(t)
    changes = ["ADD c{n} INT FIRST", "ADD c{n} INT AFTER a", "RENAME COLUMN a TO b, RENAME COLUMN b TO a",
               "MODIFY id INT {end}", "ADD c{n} VARCHAR(30), DROP id, ADD id INT AFTER b"]
    for n in range(30):
        change = dice.choice(changes).format(n=n, end=dice.choice(["FIRST", "AFTER b"]))
        script.run(f"ALTER TABLE {t} {change}").mark(t)
        if n % 6 == 5:
            server.kill()
            script.run(f"ALTER TABLE {t} ADD k{n} INT AFTER id").mark(t)
            server.start()
    topic.wait_for(lambda seen: len(inserted(seen)[t]) >= len(script.expected[t]), "all rows")
    assert inserted(topic.records)[t] == script.expected[t]
    script.close()


@pytest.mark.parametrize("kind", list(database.KINDS))
def test_d15_where_names_are_kept_in_lower_case(kind, templates, scratch, new_wellhead, follow):
    plain = database.KINDS[kind]

    class LowerCase(plain):
        """It can only be told so when it is laid out, or on MariaDB before there is an upper-case name."""

        def program(self):
            return [*super().program(), "--lower-case-table-names=1"]

    options = {"binlog-row-metadata": "MINIMAL"}
    source = LowerCase(scratch / kind, options, templates[kind] if kind == "mariadb" else None).start()
    try:
        source.create_user()
        source.sql("CREATE DATABASE shop", "CREATE TABLE shop.t (a INT, b INT)")
        server = new_wellhead.tap(source.url("shop")).start()
        topic = follow(server.kafka, "shop")
        script = Script(source).mark("shop.t")
        script.run("ALTER TABLE SHOP.T ADD C INT FIRST").mark("shop.t")
        script.run("USE Shop", "RENAME TABLE T TO U", "ALTER TABLE u CHANGE A z INT").mark("shop.u")
        script.run("CREATE TABLE V LIKE U", "ALTER TABLE v ADD first INT FIRST").mark("shop.v")
        topic.wait_for(lambda seen: len(inserted(seen)["shop.v"]) == 1, "the last row")
        assert dict(inserted(topic.records)) == dict(script.expected)
        script.close()
    finally:
        source.stop()
