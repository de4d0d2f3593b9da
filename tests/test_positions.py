"""Where reading starts and goes on: every kind of start, every kind of loss, another server behind the address."""

import contextlib
import datetime
import os
import subprocess
import threading

import pytest

from harness import clients, database, load, record, wait

GTID = {
    "mysql": {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"},
    "mysql-gtid": {"gtid-mode": "ON", "enforce-gtid-consistency": "ON"},
}
COMPRESSED = {
    "mysql-gtid": {"binlog-transaction-compression": "ON"},
    "mariadb": {"log-bin-compress": "ON", "log-bin-compress-min-len": "10"},
}
KILLS = 12
KINDS = ["mariadb", "mysql", "mysql-gtid"]


@pytest.fixture
def servers(templates, scratch):
    """Makes servers by kind; `mysql-gtid` is MySQL with GTIDs, `mysql` the one without."""
    with contextlib.ExitStack() as ends:

        def make(kind, options=None, account=True):
            name = kind.removesuffix("-gtid")
            folder = scratch / f"{kind}-{len(os.listdir(scratch))}"
            options = {"max-connections": "150", **GTID.get(kind, {}), **(options or {})}
            server = database.KINDS[name](folder, options, templates[name])
            ends.callback(server.stop)
            server.start()
            if account:
                server.create_user()
            return server

        yield make


def is_mariadb(server):
    return server.kind == "mariadb"


def log_end(server):
    """(file, offset) of the server's log."""
    statement = "SHOW MASTER STATUS" if is_mariadb(server) else "SHOW BINARY LOG STATUS"
    return server.sql(statement)[0][:2]


def executed(server):
    name = "gtid_binlog_pos" if is_mariadb(server) else "gtid_executed"
    return server.sql(f"SELECT @@global.{name}")[0][0]


def reset(server):
    server.sql("RESET MASTER" if is_mariadb(server) else "RESET BINARY LOGS AND GTIDS")


def purge(server, newest=None):
    """Leaves the server the newest file only. MariaDB keeps a file while a dump thread is in it."""
    if newest is None:
        server.sql("FLUSH BINARY LOGS")
        newest = log_end(server)[0]

    def is_alone():
        server.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return len(server.sql("SHOW BINARY LOGS")) == 1

    wait.until(is_alone, "the old files to be purged", 30, 0.2)


def clock(server):
    return float(server.sql("SELECT UNIX_TIMESTAMP(NOW(6))")[0][0])


def next_second(server):
    """Waits until the server's clock shows another second, and answers it."""
    before = int(clock(server))
    wait.until(lambda: int(clock(server)) > before, "the next second", 5)
    return int(clock(server))


@pytest.fixture
def wait_for_ids(follow):
    """Waits until the inserted rows of a topic are these, by their numbers and in this order."""
    followers = {}

    def wait_until(server, topic, expected):
        if topic not in followers:
            followers[topic] = follow(server.kafka, topic, server.new_login(topic))
        seen = []

        def all_there(_):
            rows = followers[topic].rows
            seen[:] = [record.after(row)["id"] for row in rows if row["operation"] == "INSERT"]
            return len(seen) >= len(expected)

        followers[topic].wait_for(all_there, f"{expected} in {topic}", 30)
        assert seen == expected, topic

    return wait_until


def failure(server, task):
    """What stopped a task for good."""
    return server.wait_for_state(task, "failed")["reason"]


def go_on(server, task, start):
    """What a person does who accepts what is lost."""
    server.api("POST", f"/tasks/{task}/start", {"start": start, "accept_gap": True}, expect=202)
    server.wait_for_state(task, "normal")


def insert(server, *numbers, table="shop.t"):
    for number in numbers:
        server.sql(f"INSERT INTO {table} VALUES ({number}, REPEAT('x', 300))")


def with_table(server, name="shop"):
    server.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, note TEXT)")
    return server


def insert_compressed(server, number):
    """A transaction that the server compresses as a whole, or whose events it compresses."""
    if is_mariadb(server):
        server.sql("SET GLOBAL log_bin_compress = ON", "SET GLOBAL log_bin_compress_min_len = 10")
        insert(server, number)
        server.sql("SET GLOBAL log_bin_compress = OFF")
    else:
        server.sql(
            "SET SESSION binlog_transaction_compression = ON",
            f"INSERT INTO shop.t VALUES ({number}, REPEAT('x', 300))",
        )


def insert_elsewhere(server, number, server_id):
    """On MariaDB a transaction in another domain, as if of another server (e07)."""
    domain = [f"SET SESSION gtid_domain_id = 7, server_id = {server_id}"] if is_mariadb(server) else []
    server.sql(*domain, f"INSERT INTO shop.t VALUES ({number}, '')")


@pytest.mark.parametrize("kind", KINDS)
def test_e12_every_start_leads_to_its_row(kind, servers, new_wellhead, wait_for_ids):
    source = with_table(servers(kind))
    starts = {"earliest": ("earliest", 1), "ancient": ("@1000000000", 1)}
    places = {}
    for number in (1, 2, 3, 4):
        second = next_second(source)
        places[number] = file, offset = log_end(source)
        starts[f"time-{number}"] = (f"@{second}", number)
        if number in (2, 3):
            starts[f"offset-{number}"] = (f"{file}:{offset}", number)
        if number in (2, 3) and kind != "mysql":
            starts[f"gtid-{number}"] = (f"gtid= {executed(source)}".replace(",", " , "), number)
        if number == 3:
            insert_compressed(source, number)
        else:
            insert(source, number)
        if number in (1, 3):
            source.sql("FLUSH BINARY LOGS")
    starts["now"] = ("now", 5)
    after = datetime.datetime.fromtimestamp(next_second(source), datetime.UTC)
    starts["behind-all"] = (f"@{after:%Y-%m-%dT%H:%M:%SZ}", 5)

    server = new_wellhead.serve().start()
    for task, (start, _) in starts.items():
        server.track(task, source, "shop", auto_start=True, start=start)
    for task in starts:
        server.wait_for_state(task, "normal")
    insert_elsewhere(source, 5, server_id=98)
    wait_for_ids(server, "now", [5])
    # What was found is a position like any other: nothing is missing or twice after a crash.
    server.kill()
    insert_elsewhere(source, 6, server_id=99)
    server.start()
    for task, (_, first) in starts.items():
        wait_for_ids(server, task, list(range(first, 7)))

    file, offset = places[3]
    wrong = {
        "between": (f"{file}:{offset + 1}", "bad_position", f"{file}:{offset} and {file}:"),
        "beyond": (f"{file}:999999999", "bad_position", "has only"),
        "unknown": (f"{file.split('.')[0]}.999999:4", "bad_position", "has no log file"),
        "future": (f"@{int(clock(source)) + 600}", "start_in_future", "in the future of the server"),
    }
    purge(source)
    wrong["lost"] = ("@1000000000", "binlog_purged", "after the time asked for (2001-09-09T01:46:40Z)")
    wrong["gone"] = (f"{file}:{offset}", "binlog_purged", f"{file} was purged")
    del wrong["between"], wrong["beyond"]
    last, end = log_end(source)
    wrong["between"] = (f"{last}:{end - 1}", "bad_position", f"{last}:{end}")
    wrong["beyond"] = (f"{last}:{end + 1}", "bad_position", "has only")
    for task, (start, _, _) in wrong.items():
        server.track(task, source, "shop", auto_start=True, start=start)
    for task, (_, code, words) in wrong.items():
        reason = failure(server, task)
        assert reason["code"] == code and words in reason["message"], reason
        assert code != "binlog_purged" or any("--start earliest --accept-gap" in r for r in reason["remedy"])


@pytest.mark.parametrize("kind", KINDS)
def test_e03_e04_e11_what_is_lost_is_named_and_idleness_loses_nothing(kind, servers, new_wellhead, wait_for_ids):
    source = with_table(with_table(servers(kind)), "other")
    server = new_wellhead.serve().start()
    server.track_now("shop", source, "shop")
    insert(source, 1)
    wait_for_ids(server, "shop", [1])

    # e11: only untracked tables change, then nothing at all; the old files go.
    for number in range(3):
        insert(source, number, table="other.t")
        source.sql("FLUSH BINARY LOGS")
    newest = log_end(source)[0]
    wait.until(lambda: f"file={newest} " in server.task("shop")["position"], "the stored position to follow")
    server.kill()
    purge(source, newest)
    server.start()
    insert(source, 2)
    wait_for_ids(server, "shop", [1, 2])

    # e04: what was needed is purged.
    server.kill()
    stopped_in = log_end(source)[0]
    before = executed(source)
    insert(source, 3)
    lost = executed(source)
    purge(source)
    server.start()
    reason = failure(server, "shop")
    assert reason["code"] == "binlog_purged", reason
    assert "the task stopped at" in reason["message"] and stopped_in in reason["message"], reason
    assert f"Its log now begins with {log_end(source)[0]}, of 20" in reason["message"], reason
    if kind == "mysql-gtid":
        assert f"1 transaction that was not read: {lost.split(':')[0]}:{lost.split('-')[-1]}" in reason["message"]
    if kind == "mariadb":
        assert before != lost and f"up to {lost}" in reason["message"], reason
    assert "wellhead task start shop --start earliest --accept-gap" in reason["remedy"]
    go_on(server, "shop", "earliest")
    insert(source, 4)
    wait_for_ids(server, "shop", [1, 2, 4])

    # e03: the server is reset while it is read.
    reset(source)
    insert(source, 5)
    reason = failure(server, "shop")
    assert reason["code"] == "server_rewound" and "reset or restored" in reason["message"], reason
    go_on(server, "shop", "earliest")
    wait_for_ids(server, "shop", [1, 2, 4, 5])

    # e03: it is reset while nobody looks, and its new log reaches beyond where the old one was left.
    server.kill()
    next_second(source)
    reset(source)
    insert(source, 6, 7, 8, 9)
    server.start()
    reason = failure(server, "shop")
    assert reason["code"] == "server_rewound" and "was begun at" in reason["message"], reason
    go_on(server, "shop", "now")
    insert(source, 10)
    wait_for_ids(server, "shop", [1, 2, 4, 5, 10])


def test_e05_a_transaction_that_waits_for_a_replica_is_no_divergence(servers, new_wellhead, wait_for_ids):
    source = with_table(servers("mysql-gtid"))
    source.sql(
        "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
        "SET GLOBAL rpl_semi_sync_source_timeout = 8000, GLOBAL rpl_semi_sync_source_wait_no_replica = ON",
        "SET GLOBAL rpl_semi_sync_source_enabled = ON",
    )
    server = new_wellhead.serve().start()
    server.track_now("shop", source, "shop")
    before = executed(source)
    writer = threading.Thread(target=insert, args=(source, 1))
    writer.start()
    wait_for_ids(server, "shop", [1])
    assert executed(source) == before, "it was read before the server counts it as executed"
    server.kill()
    server.start()
    server.wait_for_state("shop", "normal")
    assert executed(source) != before
    writer.join()
    insert(source, 2)
    wait_for_ids(server, "shop", [1, 2])


def replicate(replica, primary):
    """Makes a server follow another one by GTID."""
    if is_mariadb(replica):
        replica.sql(
            f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={primary.port}, MASTER_USER='cdc', "
            "MASTER_PASSWORD='cdc', MASTER_USE_GTID=slave_pos",
            "START SLAVE",
        )
    else:
        replica.sql(
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={primary.port}, "
            "SOURCE_USER='cdc', SOURCE_PASSWORD='cdc', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1",
            "START REPLICA",
        )


def stop_replica(replica):
    replica.sql("STOP SLAVE" if is_mariadb(replica) else "STOP REPLICA")


def wait_for_replica(replica, primary):
    wanted = executed(primary)
    wait.until(lambda: executed(replica) == wanted, "the replica to catch up", 60)


def switch(proxy, server):
    """The address now leads to another server."""
    proxy.target = server.port
    proxy.drop()


@pytest.mark.parametrize("kind", ["mariadb", "mysql-gtid"])
def test_e05_a_failover_by_gtid_loses_nothing_and_a_divergence_is_named(
    kind, servers, new_wellhead, new_ledger, new_proxy, dice
):
    primary = servers(kind)
    options = {"server-id": "4712", "log-slave-updates" if kind == "mariadb" else "log-replica-updates": "ON"}
    replica = servers(kind, options, account=False)
    replicate(replica, primary)
    proxy = new_proxy(primary.port)
    ledger = new_ledger(primary)
    server = new_wellhead.tap(primary.url(ledger.name, port=proxy.port)).start()
    ledger.fill().start(seed=dice.getrandbits(30))
    ledger.wait_for_commits(100)
    # In the middle of the load: the replica may be behind what was read, and is about to catch up.
    switch(proxy, replica)
    ledger.wait_for_commits(100)
    switch(proxy, primary)
    ledger.wait_for_commits(50)
    final = ledger.stop()
    wait_for_replica(replica, primary)

    # In the middle of a transaction.
    end = clients.end_of(server.kafka, ledger.name)
    wait.until(lambda: clients.end_of(server.kafka, ledger.name) >= end, "the topic")
    cuts = proxy.cuts
    proxy.cut_after(120_000)
    primary.sql(*["BEGIN", *["UPDATE counters SET counter = counter + 1, note = REPEAT('y', 190)"] * 30, "COMMIT"],
                database=ledger.name)
    wait.until(lambda: proxy.cuts > cuts, "the transaction to be cut", 60)
    switch(proxy, replica)
    proxy.cut_after(None)
    final = ledger.final()
    wait.until(lambda: _latest(server, ledger.name) == final, "the last change of every row", 60, 0.3)
    records = [entry for _, entry in clients.read_all(server.kafka, ledger.name)]
    load.assert_each_change_once(records, final)
    load.assert_transactions_are_whole(records)

    # e05: what was read of the primary never came to the replica.
    wait_for_replica(replica, primary)
    stop_replica(replica)
    switch(proxy, primary)
    primary.sql("UPDATE counters SET counter = counter + 1 WHERE id = 0", database=ledger.name)
    final = ledger.final()
    wait.until(lambda: _latest(server, ledger.name) == final, "the errant change", 60, 0.3)
    missing = executed(primary)
    switch(proxy, replica)
    reason = failure(server, ledger.name)
    assert reason["code"] == "server_diverged", reason
    number = missing.rsplit("-", 1)[-1]
    assert number in reason["message"].split("in the topic: ")[1].split(";")[0], reason
    assert any("--accept-gap" in remedy for remedy in reason["remedy"])

    # e08: a server of the other family behind the same address.
    other = servers("mysql" if kind == "mariadb" else "mariadb")
    switch(proxy, other)
    server.api("POST", f"/tasks/{ledger.name}/start", expect=202)
    reason = failure(server, ledger.name)
    assert reason["code"] == "another_server" and "MariaDB" in reason["message"], reason

    # The server that it had read takes it up where it was.
    switch(proxy, primary)
    server.api("POST", f"/tasks/{ledger.name}/start", expect=202)
    primary.sql("UPDATE counters SET counter = counter + 1 WHERE id = 0", database=ledger.name)
    final = ledger.final()
    wait.until(lambda: _latest(server, ledger.name) == final, "the change after the way back", 60, 0.3)
    load.assert_each_change_once([entry for _, entry in clients.read_all(server.kafka, ledger.name)], final)


def _latest(server, topic):
    """{id: counter} of the last change of each row in the topic."""
    rows = (record.after(entry) for _, entry in clients.read_all(server.kafka, topic) if record.is_row(entry))
    return {row["id"]: row["counter"] for row in rows}


def test_e06_without_gtids_another_server_is_refused(servers, new_wellhead, wait_for_ids, new_proxy):
    first, second = with_table(servers("mysql")), with_table(servers("mysql"))
    proxy = new_proxy(first.port)
    server = new_wellhead.serve().start()
    body = {"source": {"url": first.url(port=proxy.port)}, "objects": {"shop": {"all": True}}, "auto_start": True}
    server.api("PUT", "/tasks/shop", body)
    server.wait_for_state("shop", "normal")
    insert(first, 1)
    wait_for_ids(server, "shop", [1])
    switch(proxy, second)
    reason = failure(server, "shop")
    uuid = first.sql("SELECT @@server_uuid")[0][0]
    assert reason["code"] == "another_server" and f"written by server {uuid}" in reason["message"], reason
    assert any("--start @TIME --accept-gap" in remedy for remedy in reason["remedy"])


@pytest.mark.parametrize("kind", ["mariadb", "mysql-gtid"])
def test_e01_killed_within_compressed_transactions_by_gtid(kind, servers, new_wellhead, new_ledger, dice):
    source = servers(kind, COMPRESSED[kind])
    ledger = new_ledger(source)
    server = new_wellhead.tap(source.url(ledger.name)).start()
    ledger.fill().start(seed=dice.getrandbits(30))
    for _ in range(KILLS):
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(dice.uniform(0, 0.7))
            raise AssertionError(f"it ended by itself:\n{server.log_tail()}")
        server.kill()
        server.spawn()
    wait.until(server.ready, "/readyz after the last kill")
    ledger.wait_for_commits(30)
    final = ledger.stop()
    wait.until(lambda: _latest(server, ledger.name) == final, "the last change of every row", 60, 0.3)
    records = [entry for _, entry in clients.read_all(server.kafka, ledger.name)]
    load.assert_each_change_once(records, final)
    load.assert_transactions_are_whole(records)
