"""The official subscribe SDK, unchanged, reads a task in both of its modes, commits, and resumes by time."""

from harness import sdk, wait


def test_the_official_sdk_reads_rows_commits_and_resumes(source, schema, new_wellhead, scratch):
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2), b BLOB)")
    server = new_wellhead.serve().start()
    server.track_now(schema, source, schema)
    login = server.new_login(schema)
    source.sql(
        f"INSERT INTO {schema}.t VALUES (1, 'é', 1.50, 'blob'), (2, NULL, NULL, NULL)",
        f"UPDATE {schema}.t SET v = 'new' WHERE id = 1",
        f"DELETE FROM {schema}.t WHERE id = 2",
        f"ALTER TABLE {schema}.t ADD c INT",
    )

    with sdk.Sdk(scratch, server.kafka, schema, login, "ASSIGN", since=1) as assigned:
        records = assigned.wait_for("DDL", 1)
        assert [offset for offset, *_ in records] == list(range(len(records)))
        table = f"{schema}.t", "id"
        assert [entry[2:] for entry in records if len(entry) > 3] == [
            ("INSERT", *table, "-", "1,é,1.50,626C6F62"),
            ("INSERT", *table, "-", "2,null,null,null"),
            ("UPDATE", *table, "1,é,1.50,626C6F62", "1,new,1.50,626C6F62"),
            ("DELETE", *table, "2,null,null,null", "-"),
        ]
        [*_, second] = (second for _, second, operation, *_ in records if operation == "DDL")
        committed = wait.until(lambda: committed_behind(server, schema, second), "a commit of a heartbeat")

    source.sql(f"INSERT INTO {schema}.t VALUES (3, 'later', NULL, NULL, 7)")
    with sdk.Sdk(scratch, server.kafka, schema, login, "SUBSCRIBE", since=1) as subscribed:
        records = subscribed.wait_for("INSERT", 1)
        assert records[0][:2] == (committed["offset"], int(committed["metadata"]))
        [row] = [entry[2:] for entry in records if len(entry) > 3]
        assert row == ("INSERT", f"{schema}.t", "id", "-", "3,later,null,null,7")
        wait.until(lambda: committed_behind(server, schema, records[-1][1]), "a commit of a member")


def committed_behind(server, task, second):
    """The reader's checkpoint once it stands for a later second."""
    checkpoint = server.api("GET", f"/tasks/{task}/groups/reader", expect=200)[1].get("checkpoint")
    return checkpoint and int(checkpoint["metadata"]) > second and checkpoint
