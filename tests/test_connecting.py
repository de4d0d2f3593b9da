"""Every way to log in and to be connected: accounts, TLS, checksums, encryption, compression, lost lines."""

import json

import pymysql
import pytest

from harness import clients, database, guarded, record, wait, wellhead

ORDERS = "CREATE TABLE {}.orders (id INT PRIMARY KEY, v VARCHAR(200))"
BAD_ANSWER, ENVIRONMENT = 4, 3


@pytest.fixture(scope="module")
def authority(session_folder):
    return guarded.Authority(session_folder / "authority")


@pytest.fixture(scope="module", params=list(database.KINDS))
def guard(request, templates, session_folder, authority):
    """A server of each kind with certificates of its own and an encrypted binlog."""
    kind = request.param
    server = guarded.KINDS[kind](session_folder / f"guarded-{kind}", authority.options(), templates[kind]).start()
    server.create_user()
    if kind == "mariadb":
        server.sql("INSTALL SONAME 'auth_ed25519'")
    server.sql("CREATE DATABASE guarded", ORDERS.format("guarded"))
    yield server
    server.stop()


def check(url, *arguments):
    done = wellhead.run("check", url, *arguments, "-o", "json")
    assert "panicked" not in done.stderr, done.stderr
    return done


def connection_of(done):
    """What the precheck found of the connection."""
    answer = json.loads(done.stdout)
    [item] = [item for item in items_of(answer) if item["name"] == "connection"]
    return item


def items_of(answer):
    found = []

    def walk(part):
        if isinstance(part, dict):
            if "name" in part and "found" in part:
                found.append(part)
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(answer)
    return found


def let_in(url, *arguments):
    """Logs in and opens a dump; answers what encrypts the connection."""
    done = check(url, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return connection_of(done)["found"]


def refused(url, *arguments):
    done = check(url, *arguments)
    assert done.returncode in (BAD_ANSWER, ENVIRONMENT), done.stdout + done.stderr
    return (done.stdout + done.stderr).lower()


PASSWORDS = {"empty": "", "short": "s", "twenty-one": "p@:/%?#" * 3, "hundred": "x" * 101, "umlaut": "pässwörd"}


def account(server, name, plugin, password):
    """An account that logs in by this plugin, with the rights that the precheck asks for."""
    quoted = password.replace("\\", "\\\\").replace("'", "''")
    how = {
        "ed25519": f"IDENTIFIED VIA ed25519 USING PASSWORD('{quoted}')",
        "mysql_native_password": f"IDENTIFIED VIA mysql_native_password USING PASSWORD('{quoted}')",
    }.get(plugin, f"IDENTIFIED WITH {plugin} BY '{quoted}'")
    server.sql(
        f"CREATE USER '{name}'@'%' {how}",
        f"GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO '{name}'@'%'",
        "FLUSH PRIVILEGES",  # empties the cache of caching_sha2_password
    )


def address(server, user, password, options):
    escaped = "".join(f"%{byte:02X}" for byte in password.encode())
    return server.url("guarded", user=user, password=escaped, options=options)


def test_a01_every_plugin_and_every_length_of_password_logs_in(guard):
    plugins = {"mariadb": ("mysql_native_password", "ed25519"), "mysql": ("caching_sha2_password", "sha256_password")}
    for plugin in plugins[guard.kind]:
        for kind, password in PASSWORDS.items():
            if plugin == "ed25519" and not password:
                continue  # the server lets nobody in by it, its own client neither
            name = f"{plugin[:8]}-{kind}"
            account(guard, name, plugin, password)
            plain, encrypted = (address(guard, name, password, f"?tls={mode}") for mode in ("disable", "require"))
            # Without TLS the cache is cold: the password goes over by the server's RSA key. Then it is warm.
            assert "not encrypted" in let_in(plain), name
            assert "TLS" in let_in(encrypted), name
            assert "not encrypted" in let_in(plain), name
            guard.sql("FLUSH PRIVILEGES")
            assert "TLS" in let_in(encrypted), name
            said = refused(address(guard, name, "wr0ng-secret", "?tls=require"))
            assert "password" in said and "wr0ng-secret" not in said


def test_a02_each_mode_of_tls_believes_what_it_should(guard, authority):
    at = {name: guard.url("guarded").replace("127.0.0.1", name) for name in ("127.0.0.1", "localhost")}
    for mode in ("prefer", "require"):
        assert "TLS" in let_in(at["127.0.0.1"], "--tls", mode)
    for mode, host in (("verify-ca", "127.0.0.1"), ("verify-ca", "localhost"), ("verify-full", "127.0.0.1")):
        assert "TLS 1.3" in let_in(at[host], "--tls", mode, "--ca", authority.ca).replace("TLSv", "TLS ")
    # A name that the certificate does not carry, an authority that did not sign it, none at all.
    said = refused(at["localhost"], "--tls", "verify-full", "--ca", authority.ca)
    assert "certificate" in said and "name" in said
    for mode in ("verify-ca", "verify-full"):
        assert "certificate" in refused(at["127.0.0.1"], "--tls", mode, "--ca", authority.other_ca)
        assert "certificate" in refused(at["127.0.0.1"], "--tls", mode)
    assert "ca file" in refused(at["127.0.0.1"], "--tls", "verify-full", "--ca", authority.key)


def test_a02_an_account_that_must_show_a_certificate_is_refused_by_name(guard):
    guard.sql(
        "CREATE USER 'x509'@'%' IDENTIFIED BY 'x509' REQUIRE X509",
        "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO 'x509'@'%'",
    )
    said = refused(guard.url("guarded", user="x509", password="x509"), "--tls", "require")
    assert "x509" in said and "refuses" in said


def orders(rows):
    """(operation, id) of each row change of the table."""
    return [
        (entry["operation"], (record.after(entry) or record.before(entry))["id"])
        for entry in rows
    ]


def test_a03_a06_a08_a11_a12_the_log_may_change_its_form_under_us(guard, new_wellhead, follow, new_proxy):
    """Checksums on and off, compression on and off, encrypted all the while, with new files and new connections."""
    line = new_proxy(guard.port)
    server = new_wellhead.tap(guard.url("guarded", port=line.port)).start()
    topic = follow(server.kafka, "guarded")
    squeeze = {
        "mariadb": ("SET GLOBAL log_bin_compress_min_len = 10", "SET GLOBAL log_bin_compress = {}"),
        "mysql": ("SET GLOBAL binlog_transaction_compression = {}",),
    }[guard.kind]
    wanted = []
    for checksum in ("NONE", "CRC32"):
        for squeezed in (1, 0):
            number = len(wanted)
            guard.sql(
                f"SET GLOBAL binlog_checksum = '{checksum}'",
                *(statement.format(squeezed) for statement in squeeze),
            )
            # Global settings hold for new connections.
            guard.sql(
                f"INSERT INTO guarded.orders VALUES ({number}, REPEAT('long enough ', 10))",
                "FLUSH BINARY LOGS",
                f"INSERT INTO guarded.orders VALUES ({number + 1}, 'in the next file')",
            )
            wanted += [("INSERT", number), ("INSERT", number + 1)]
            topic.wait_for_rows(len(wanted))
            # A new connection begins with a ROTATE and a FORMAT_DESCRIPTION that stand in no file.
            line.drop()
    guard.sql("DELETE FROM guarded.orders")
    wanted += [("DELETE", number) for number in range(len(wanted))]
    assert orders(topic.wait_for_rows(len(wanted))) == wanted
    assert open(guard.data / "binlog.000001", "rb").read(4) == {"mariadb": b"\xfebin", "mysql": b"\xfdbin"}[guard.kind]
    status = {"mariadb": "SHOW MASTER STATUS", "mysql": "SHOW BINARY LOG STATUS"}[guard.kind]
    [(file, end, *_)] = guard.sql(status)
    wait.until(
        lambda: f"file={file} offset={end} " in json.dumps(server.task("guarded")),
        lambda: f"the position {file}:{end}; the task: {server.task('guarded')}",
    )


@pytest.mark.parametrize("source", ["mariadb"], indirect=True)
def test_a02_tls_that_is_demanded_and_not_offered_is_refused(source):
    assert "does not offer tls" in refused(source.url("mysql"), "--tls", "require")


@pytest.mark.parametrize("source", ["mariadb", "mariadb-11"], indirect=True)
def test_a09_compressed_columns_read_as_what_was_put_in(source, schema, new_wellhead, follow):
    source.sql(
        f"CREATE TABLE {schema}.squeezed (id INT PRIMARY KEY, v VARCHAR(5000) COMPRESSED CHARACTER SET utf8mb4, "
        "t LONGTEXT COMPRESSED CHARACTER SET latin1, b MEDIUMBLOB COMPRESSED)"
    )
    server = new_wellhead.tap(source.url(schema)).start()
    source.sql(
        f"INSERT INTO {schema}.squeezed VALUES (1, REPEAT('Grüße 🦜 ', 300), REPEAT('ä', 70000), REPEAT(0xFF00, 40000)),"
        "(2, '', '', ''), (3, NULL, NULL, NULL), (4, 'short', 'é', 0x00)",
        f"UPDATE {schema}.squeezed SET v = REPEAT('x', 5000) WHERE id = 4",
    )
    rows = follow(server.kafka, schema).wait_for_rows(5)
    assert [tuple(record.after(entry).values()) for entry in rows] == [
        (1, "Grüße 🦜 " * 300, "ä".encode("latin1") * 70000, b"\xff\0" * 40000),
        (2, "", b"", b""),
        (3, None, None, None),
        (4, "short", "é".encode("latin1"), b"\0"),
        (4, "x" * 5000, "é".encode("latin1"), b"\0"),
    ]


def numbered(server, number):
    """Renames the server's only binlog file, so that the next one has this number."""
    server.stop()
    for file in sorted(server.data.glob("binlog.0*"))[:-1]:
        file.unlink()
    [last] = server.data.glob("binlog.0*")
    last.rename(server.data / f"binlog.{number - 1:06}")
    (server.data / "binlog.index").write_text(f"./binlog.{number - 1:06}\n")
    server.start()


def test_a13_files_follow_by_number_and_a_transaction_may_outgrow_its_file(new_source, new_wellhead, follow):
    server = new_source({"max-binlog-size": "4096"})
    server.sql("CREATE DATABASE shop", ORDERS.format("shop"))
    numbered(server, 999_999)
    capture = new_wellhead.tap(server.url("shop")).start()
    values = ",".join(f"({number}, REPEAT('x', 200))" for number in range(100))
    server.sql(f"INSERT INTO shop.orders VALUES {values}", "INSERT INTO shop.orders VALUES (100, 'next file')")
    topic = follow(capture.kafka, "shop")
    assert orders(topic.wait_for_rows(101)) == [("INSERT", number) for number in range(101)]
    [(file, *_)] = server.sql("SHOW BINARY LOGS")[-1:]
    assert file == "binlog.1000000"
    assert capture.stop() == 0
    server.sql("DELETE FROM shop.orders WHERE id > 97")
    capture.start()
    assert orders(topic.wait_for_rows(104))[101:] == [("DELETE", number) for number in (98, 99, 100)]


def test_a14_the_log_goes_on_under_another_name(new_source, new_wellhead, follow):
    server = new_source({"log-bin-index": "binlog.index", "binlog-row-metadata": "FULL"})
    server.sql("CREATE DATABASE shop", ORDERS.format("shop"))
    capture = new_wellhead.tap(server.url("shop")).start()
    server.sql("INSERT INTO shop.orders VALUES (1, 'old name')")
    topic = follow(capture.kafka, "shop")
    topic.wait_for_rows(1)
    server.stop()
    server.options["log-bin"] = "another"
    server.start()
    server.sql("INSERT INTO shop.orders VALUES (2, 'new name')", "ALTER TABLE shop.orders ADD w INT FIRST",
               "INSERT INTO shop.orders VALUES (3, 3, 'new columns')")
    rows = topic.wait_for_rows(3)
    assert [record.after(entry)["id"] for entry in rows] == [1, 2, 3]
    assert list(record.after(rows[2])) == ["w", "id", "v"]
    capture.kill()
    server.sql("DELETE FROM shop.orders WHERE id = 1")
    capture.start()
    assert orders(topic.wait_for_rows(4))[3:] == [("DELETE", 1)]


def test_a17_an_idle_connection_that_the_server_ends_is_opened_again(new_source, new_wellhead, follow):
    # Without descriptions in the log a second connection asks for definitions; it may be idle for long.
    off = {"mariadb": "NO_LOG", "mysql": "MINIMAL"}
    server = new_source({"wait-timeout": "1", "net-read-timeout": "1", "net-write-timeout": "1"})
    server.sql(f"SET GLOBAL binlog_row_metadata = '{off[server.kind]}'", "CREATE DATABASE shop", ORDERS.format("shop"))
    capture = new_wellhead.tap(server.url("shop")).start()
    topic = follow(capture.kafka, "shop")
    server.sql("INSERT INTO shop.orders VALUES (1, 'before')")
    topic.wait_for_rows(1)
    began = len([entry for entry in topic.records if entry["operation"] == "HEARTBEAT"])
    sessions = "SELECT COMMAND FROM information_schema.PROCESSLIST WHERE USER = 'cdc' AND COMMAND = 'Sleep'"
    wait.until(lambda: not server.sql(sessions), "the server to end the idle connection", 30)
    topic.wait_for(
        lambda seen: len([entry for entry in seen if entry["operation"] == "HEARTBEAT"]) > began, "a heartbeat", 30
    )
    server.sql(
        "CREATE TABLE shop.later (name VARCHAR(20), id INT PRIMARY KEY)",
        "INSERT INTO shop.later VALUES ('after', 2)",
        "ALTER TABLE shop.orders ADD w INT FIRST",
        "INSERT INTO shop.orders VALUES (3, 3, 'after')",
    )
    rows = topic.wait_for_rows(3)
    assert [record.after(entry) for entry in rows[1:]] == [
        {"name": "after", "id": 2}, {"w": 3, "id": 3, "v": "after"},
    ]
    assert capture.task("shop")["state"] == "normal"


@pytest.mark.parametrize("source", ["mysql"], indirect=True)
def test_a18_a_line_that_falls_silent_is_noticed_and_closing_does_not_wait_for_it(
    source, schema, new_wellhead, follow, new_proxy
):
    source.sql(ORDERS.format(schema))
    line = new_proxy(source.port)
    server = new_wellhead.tap(source.url(schema, port=line.port)).start()
    topic = follow(server.kafka, schema)
    source.sql(f"INSERT INTO {schema}.orders VALUES (1, 'heard')")
    topic.wait_for_rows(1)
    line.freeze()
    assert server.stop(5) == 0
    server.start()
    source.sql(f"INSERT INTO {schema}.orders VALUES (2, 'heard')")
    topic.wait_for_rows(2)
    line.freeze()
    source.sql(f"INSERT INTO {schema}.orders VALUES (3, 'unheard')")
    # The server says every two seconds that it is alive; a minute without a word is a dead line.
    assert orders(topic.wait_for_rows(3, 100))[2:] == [("INSERT", 3)]
    assert "nothing" in server.log.read_text()


def test_a19_another_replica_with_our_number_is_named_and_nothing_is_lost(
    source, schema, new_wellhead, follow
):
    source.sql(ORDERS.format(schema))
    objects = "\n".join((
        "[[source]]", 'name = "db"', 'kind = "mysql"', f'url = "{source.url()}"', "server_id = 4712",
        "[[task]]", 'name = "shop"', 'source = "db"', f'tables = ["{schema}.*"]', "",
    ))
    servers = [new_wellhead.serve(objects, name=name).start() for name in ("first", "second")]
    for server in servers:
        wait.until(lambda server=server: server.api("GET", "/tasks/shop")[0] == 200, "the task")
        server.wait_for_state("shop", "normal")
    topics = [follow(server.kafka, "shop", server.new_login("shop")) for server in servers]
    source.sql(*(f"INSERT INTO {schema}.orders VALUES ({number}, 'x')" for number in range(20)))
    for topic in topics:
        assert orders(topic.wait_for_rows(20)) == [("INSERT", number) for number in range(20)]
    if source.kind == "mariadb":
        # MariaDB ends the older of two dumps with one number; MySQL goes by another identity, which is random.
        said = servers[0].log.read_text() + servers[1].log.read_text()
        assert "server_id_taken" in said, said[-3000:]


def test_a21_an_incident_is_an_error_and_nothing_behind_it_is_read(new_source, new_wellhead, follow):
    server = new_source({"max-binlog-stmt-cache-size": "4096", "binlog-stmt-cache-size": "4096"})
    server.sql("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v LONGTEXT) ENGINE=MyISAM")
    capture = new_wellhead.tap(server.url("shop")).start()
    server.sql("INSERT INTO shop.t VALUES (1, 'before')")
    follow(capture.kafka, "shop").wait_for_rows(1)
    with pytest.raises(pymysql.err.MySQLError):
        server.sql("INSERT INTO shop.t SELECT 10 + n, REPEAT('x', 3000) FROM (SELECT 1 n UNION SELECT 2 UNION SELECT 3) a")
    server.sql("INSERT INTO shop.t VALUES (2, 'behind')")
    task = wait.until(
        lambda: "incident" in json.dumps(capture.task("shop")) and capture.task("shop"),
        lambda: f"the incident in {capture.task('shop')}",
    )
    assert task["state"] != "normal", task
    rows = [entry for _, entry in clients.read_all(capture.kafka, "shop") if record.is_row(entry)]
    assert [record.after(entry)["id"] for entry in rows] == [1]


def test_a23_tables_of_the_server_itself_are_ignored_and_move_the_position(new_source, new_wellhead, follow):
    server = new_source()
    noise = ("rds_heartbeat2", "rds_configuration", "rds_sysinfo", "slave_example")
    server.sql(*(f"CREATE TABLE mysql.{name} (id INT PRIMARY KEY, v BIGINT)" for name in noise))
    server.sql("CREATE DATABASE shop", ORDERS.format("shop"))
    capture = new_wellhead.tap(server.url(), "--tables", "*.*", "--name", "all").start()
    topic = follow(capture.kafka, "all")
    server.sql("INSERT INTO shop.orders VALUES (1, 'x')")
    topic.wait_for_rows(1)
    for number in range(5):
        server.sql(*(f"REPLACE INTO mysql.{name} VALUES (1, {number})" for name in noise))
    status = {"mariadb": "SHOW MASTER STATUS", "mysql": "SHOW BINARY LOG STATUS"}[server.kind]
    [(file, end, *_)] = server.sql(status)
    wait.until(
        lambda: f"file={file} offset={end} " in json.dumps(capture.task("all")),
        lambda: f"the position {file}:{end}; the task: {capture.task('all')}",
    )
    server.sql("INSERT INTO shop.orders VALUES (2, 'y')")
    topic.wait_for(lambda seen: any(record.is_row(e) and record.after(e)["id"] == 2 for e in seen), "the last row")
    assert not [row for row in topic.rows if row["objectName"] != "shop.orders"]
