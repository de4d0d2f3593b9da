"""A row changed in MySQL or MariaDB reaches a Kafka client."""

import json

from harness import clients, record, wellhead
from harness.database import every_server

pytestmark = every_server

ORDERS = "CREATE TABLE {}.orders (id INT PRIMARY KEY, who VARCHAR(40), total DECIMAL(8,2))"


def tap(new_wellhead, source, schema, *arguments):
    return new_wellhead.tap(source.url(schema), *arguments).start()


def test_inserts_updates_and_deletes_arrive_in_order_with_both_images(source, schema, new_wellhead, follow):
    source.sql(ORDERS.format(schema))
    server = tap(new_wellhead, source, schema)
    topic = follow(server.kafka, schema)
    source.sql(
        f"INSERT INTO {schema}.orders VALUES (1, 'ada', 12.50), (2, NULL, 0)",
        f"UPDATE {schema}.orders SET total = 13.75, who = 'Ädä 🦜' WHERE id = 1",
        f"DELETE FROM {schema}.orders WHERE id = 2",
    )
    rows = topic.wait_for_rows(4)
    first = {"id": 1, "who": "ada", "total": "12.50"}
    second = {"id": 2, "who": None, "total": "0.00"}
    changed = {"id": 1, "who": "Ädä 🦜", "total": "13.75"}
    assert [(entry["operation"], record.before(entry), record.after(entry)) for entry in rows] == [
        ("INSERT", None, first),
        ("INSERT", None, second),
        ("UPDATE", first, changed),
        ("DELETE", second, None),
    ]
    assert {entry["objectName"] for entry in rows} == {f"{schema}.orders"}


def test_a_transaction_stands_between_begin_and_commit(source, schema, new_wellhead, follow):
    source.sql(ORDERS.format(schema))
    server = tap(new_wellhead, source, schema)
    topic = follow(server.kafka, schema)
    source.sql(
        "BEGIN",
        f"INSERT INTO {schema}.orders VALUES (1, 'a', 1)",
        f"INSERT INTO {schema}.orders VALUES (2, 'b', 2)",
        "COMMIT",
        "BEGIN",
        f"INSERT INTO {schema}.orders VALUES (3, 'c', 3)",
        "ROLLBACK",
        f"INSERT INTO {schema}.orders VALUES (4, 'd', 4)",
    )
    topic.wait_for(lambda seen: sum(entry["operation"] == "COMMIT" for entry in seen) >= 2, "two commits")
    kinds = [entry["operation"] for entry in topic.records if entry["operation"] != "HEARTBEAT"]
    assert kinds == ["BEGIN", "INSERT", "INSERT", "COMMIT", "BEGIN", "INSERT", "COMMIT"]


def test_ddl_is_passed_on_verbatim_and_rows_follow_the_new_definition(source, schema, new_wellhead, follow):
    source.sql(ORDERS.format(schema))
    server = tap(new_wellhead, source, schema)
    topic = follow(server.kafka, schema)
    statement = f"ALTER TABLE {schema}.orders ADD COLUMN note TEXT AFTER id /* why: notes */"
    source.sql(
        f"INSERT INTO {schema}.orders VALUES (1, 'a', 1)",
        statement,
        f"INSERT INTO {schema}.orders VALUES (2, 'two', 'b', 2)",
    )
    rows = topic.wait_for_rows(2)
    ddl = [entry for entry in topic.records if entry["operation"] == "DDL"]
    assert [entry["afterImages"] for entry in ddl] == [statement]
    assert list(record.after(rows[0])) == ["id", "who", "total"]
    assert list(record.after(rows[1])) == ["id", "note", "who", "total"]
    assert record.after(rows[1])["note"] == b"two"


def test_only_the_tables_asked_for_are_tracked(source, schema, new_wellhead, follow):
    source.sql(ORDERS.format(schema), f"CREATE TABLE {schema}.noise (id INT PRIMARY KEY)")
    server = tap(new_wellhead, source, schema, "--tables", f"{schema}.orders", "--topic", "only")
    topic = follow(server.kafka, "only")
    source.sql(
        f"INSERT INTO {schema}.noise VALUES (1)",
        f"INSERT INTO {schema}.orders VALUES (1, 'a', 1)",
        f"INSERT INTO {schema}.noise VALUES (2)",
        f"INSERT INTO {schema}.orders VALUES (2, 'b', 2)",
    )
    rows = topic.wait_for_rows(2)
    assert [record.after(entry)["id"] for entry in rows] == [1, 2]
    assert {entry["objectName"] for entry in rows} == {f"{schema}.orders"}


def test_an_idle_source_still_shows_heartbeats(source, schema, new_wellhead, follow):
    server = tap(new_wellhead, source, schema)
    topic = follow(server.kafka, schema)
    beats = topic.wait_for(
        lambda seen: [e for e in seen if e["operation"] == "HEARTBEAT"][1:] and seen, "two heartbeats", 30
    )
    assert all(entry["operation"] == "HEARTBEAT" for entry in beats)


def test_stopped_and_started_again_it_goes_on_with_each_change_once(source, schema, new_wellhead):
    source.sql(ORDERS.format(schema))
    server = tap(new_wellhead, source, schema)
    source.sql(f"INSERT INTO {schema}.orders VALUES (1, 'a', 1)")
    clients.Confluent().read(server.kafka, schema, clients.BEGINNING, 3)
    assert server.stop(5) == 0
    source.sql(f"INSERT INTO {schema}.orders VALUES (2, 'b', 2)", f"DELETE FROM {schema}.orders WHERE id = 1")
    server.start()
    follower = clients.Follower(server.kafka, schema)
    rows = follower.wait_for_rows(3)
    follower.close()
    assert [(entry["operation"], entry["objectName"]) for entry in rows] == [
        ("INSERT", f"{schema}.orders"),
        ("INSERT", f"{schema}.orders"),
        ("DELETE", f"{schema}.orders"),
    ]


def test_tail_shows_the_same_changes_as_text_and_as_json(source, schema, new_wellhead, follow):
    source.sql(ORDERS.format(schema))
    server = tap(new_wellhead, source, schema)
    source.sql(
        f"INSERT INTO {schema}.orders VALUES (1, 'ada', 12.50)",
        f"UPDATE {schema}.orders SET who = 'bob' WHERE id = 1",
    )
    follow(server.kafka, schema).wait_for_rows(2)
    ask = ("tail", schema, "-s", "start")
    text = wellhead.run(*ask, "-o", "pretty", *address(server))
    assert text.returncode == 0, text.stderr
    assert f"{schema}.orders" in text.stdout and "ada" in text.stdout and "bob" in text.stdout
    lines = wellhead.run(*ask, "-o", "json", *address(server))
    assert lines.returncode == 0, lines.stderr
    assert "ada" in lines.stdout and "bob" in lines.stdout
    assert all(isinstance(json.loads(line), dict) for line in lines.stdout.splitlines())


def address(server):
    return "--url", f"http://{server.http}", "--token-file", server.data / "admin.token"
