"""What cannot work is said at once: what happened, where, and what to do."""

import socket

import pytest

from harness import ports, record, wellhead

WRONG_USAGE, ENVIRONMENT, BAD_ANSWER = 2, 3, 4


def tap(url, folder, *arguments):
    return wellhead.run(
        "tap", url, "--data-dir", folder / "data", "--kafka", f"127.0.0.1:{ports.free_port()}",
        "--http", f"127.0.0.1:{ports.free_port()}", *arguments, deadline_s=60,
    )


def assert_refused(done, code, *words):
    said = done.stdout + done.stderr
    assert done.returncode == code, f"exit {done.returncode}: {said}"
    for word in words:
        assert word.lower() in said.lower(), f"{word!r} is missing in: {said}"
    assert "panicked" not in said


def test_a_wrong_password(source, schema, scratch):
    done = tap(source.url(schema, password="wr0ng-secret"), scratch)
    assert_refused(done, ENVIRONMENT, "cdc", "password")
    assert "wr0ng-secret" not in done.stderr + done.stdout


def test_an_unknown_host(scratch):
    assert_refused(tap("mysql://cdc:cdc@no-such-host.invalid:3306/shop", scratch), ENVIRONMENT, "no-such-host.invalid")


def test_a_port_where_nobody_listens(scratch):
    port = ports.free_port()
    assert_refused(tap(f"mysql://cdc:cdc@127.0.0.1:{port}/shop", scratch), ENVIRONMENT, str(port), "refused")


def test_a_server_without_binlog(new_source, scratch):
    server = new_source({"log-bin": None, "disable-log-bin": "1"})
    assert_refused(tap(server.url("shop"), scratch), BAD_ANSWER, "log_bin")


def test_a_server_that_logs_statements(new_source, scratch):
    server = new_source({"binlog-format": "STATEMENT"})
    assert_refused(tap(server.url("shop"), scratch), BAD_ANSWER, "binlog_format", "ROW")


def test_an_account_without_the_rights(source, schema, scratch):
    name = f"poor{schema[-8:]}"
    source.create_user(name, "poor", grants=None)
    done = tap(source.url(schema, user=name, password="poor"), scratch)
    assert_refused(done, BAD_ANSWER, "GRANT", "REPLICATION SLAVE")


def test_an_address_that_is_not_one(scratch):
    assert_refused(tap("shop", scratch), WRONG_USAGE, "mysql://")


@pytest.mark.parametrize("which", ["kafka", "http"])
def test_a_port_in_use(source, schema, new_wellhead, scratch, which):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = new_wellhead.tap(source.url(schema), **{f"{which}_port": port}).spawn()
        assert server.process.wait(30) == ENVIRONMENT
        assert str(port) in server.log_tail() and "in use" in server.log_tail()


def test_a_second_wellhead_on_the_same_data_folder(source, schema, new_wellhead):
    first = new_wellhead.tap(source.url(schema)).start()
    second = wellhead.Wellhead.tap(first.folder, source.url(schema)).spawn()
    assert second.process.wait(30) == ENVIRONMENT
    assert "in use" in second.log_tail()
    assert first.ready()


def test_the_data_folder_of_another_task(source, schema, new_wellhead, follow):
    source.sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    server = new_wellhead.tap(source.url(schema)).start()
    source.sql(f"INSERT INTO {schema}.t VALUES (1)")
    follow(server.kafka, schema).wait_for_rows(1)
    server.stop()
    done = tap(source.url("another"), server.folder)
    assert_refused(done, ENVIRONMENT, schema, "--data-dir")
    server.start()
    rows = follow(server.kafka, schema).wait_for_rows(1)
    assert [record.after(entry)["id"] for entry in rows] == [1], "the refused start changed nothing"


def test_a_data_folder_of_a_newer_format(source, schema, new_wellhead):
    server = new_wellhead.tap(source.url(schema)).start()
    server.stop()
    marked = make_newer(server.data)
    assert marked, "a file of the data folder carries the version of its format"
    done = tap(source.url(schema), server.folder)
    assert_refused(done, ENVIRONMENT, "newer")


def make_newer(data):
    """Raises the catalog's version (SQLite's user_version, big-endian at byte 60)."""
    for file in data.rglob("*.db"):
        for journal in (file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
            journal.unlink(missing_ok=True)
        content = bytearray(file.read_bytes())
        content[60:64] = (9999).to_bytes(4, "big")
        file.write_bytes(content)
        return file
    return None


def test_check_says_how_to_mend_and_changes_nothing(new_source):
    server = new_source({"binlog-format": "STATEMENT"})
    done = wellhead.run("check", server.url("shop"))
    assert done.returncode == BAD_ANSWER
    assert "binlog_format" in done.stdout and "binlog_format = 'ROW'" in done.stdout
    assert server.sql("SELECT @@GLOBAL.binlog_format")[0][0] == "STATEMENT"


def test_check_passes_on_a_server_that_is_set_up(source):
    done = wellhead.run("check", source.url())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok" in done.stdout
