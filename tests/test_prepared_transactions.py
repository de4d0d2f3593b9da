"""XA and long transactions: killed, restarted, purged, failed over, they come once and whole, or as an error."""

import subprocess

from harness import clients, load, record, wait

LONG = "x" * 100
# Larger than what is kept in memory of a prepared transaction, and than one batch.
MANY = 12_000


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
    kinds = event_types(server)
    assert any("payload" in kind or "compressed" in kind for kind in kinds), sorted(kinds)
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
    wait.until(lambda: tap.skipped().get("xa_prepared_before_start") == 1, "the counter")
    [warning] = tap.task("xa")["warnings"]
    assert "X'6265666f7265'" in warning and "binlog.0" in warning


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
