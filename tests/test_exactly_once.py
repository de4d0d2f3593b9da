"""Cut off, spoiled, or with a source that crashes: every row change is in the log exactly once."""

from harness import clients, load, record, wait


def everything(server, topic):
    return [entry for _, entry in clients.read_all(server.kafka, topic)]


def caught_up(server, topic, final, deadline_s=120):
    """Waits until the log shows the last change of every row, and answers all records."""
    follower = clients.Follower(server.kafka, topic)
    counters, looked_at = {}, 0

    def latest(records):
        nonlocal looked_at
        for entry in follower.rows[looked_at:]:
            row = record.after(entry)
            counters[row["id"]] = row["counter"]
        looked_at = len(follower.rows)
        return counters == final and records[-1]["operation"] in ("COMMIT", "HEARTBEAT")

    try:
        follower.wait_for(latest, "the last change of every row", deadline_s)
    finally:
        follower.close()
    return everything(server, topic)


def wait_until_flowing(server, topic):
    """Waits until the log grows: what passes the proxy then is binlog, which has checksums."""
    end = clients.end_of(server.kafka, topic)
    wait.until(lambda: clients.end_of(server.kafka, topic) > end + 20, "the log to grow", 60)


def test_a20_the_database_restarts_and_crashes_under_load(new_source, new_wellhead, new_ledger, dice):
    database = new_source({"innodb-flush-log-at-trx-commit": "1", "sync-binlog": "1"})
    ledger = new_ledger(database)
    server = new_wellhead.tap(database.url(ledger.name)).start()
    ledger.fill().start(seed=dice.getrandbits(30))
    for end in (database.stop, database.kill, database.stop):
        ledger.wait_for_commits(100)
        end()
        database.start()
    ledger.wait_for_commits(100)
    final = ledger.stop()
    records = caught_up(server, ledger.name, final)
    load.assert_each_change_once(records, final)
    load.assert_transactions_are_whole(records)


def test_connections_cut_in_the_middle_of_packets(source, new_wellhead, new_ledger, new_proxy, dice):
    ledger = new_ledger(source)
    proxy = new_proxy(source.port)
    server = new_wellhead.tap(source.url(ledger.name, port=proxy.port)).start()
    ledger.fill().start(seed=dice.getrandbits(30))
    for _ in range(12):
        before = proxy.cuts
        proxy.cut_after(dice.randrange(20_000, 60_000))
        wait.until(lambda before=before: proxy.cuts > before, "the proxy to cut", 60)
        proxy.cut_after(None)
    final = ledger.stop()
    records = caught_up(server, ledger.name, final)
    load.assert_each_change_once(records, final)
    load.assert_transactions_are_whole(records)


def test_a03_a_flipped_bit_is_noticed_and_nothing_of_it_is_kept(source, new_wellhead, new_ledger, new_proxy, dice):
    # Under TLS a flipped bit never reaches the binlog's own checksums.
    ledger = new_ledger(source)
    proxy = new_proxy(source.port)
    server = new_wellhead.tap(source.url(ledger.name, port=proxy.port, options="?tls=disable")).start()
    ledger.fill().start(seed=dice.getrandbits(30))
    for _ in range(8):
        wait_until_flowing(server, ledger.name)
        proxy.flip_at(dice.randrange(20_000))
        wait.until(proxy.flipped.is_set, "a bit to be flipped", 60)
    final = ledger.stop()
    records = caught_up(server, ledger.name, final)
    load.assert_each_change_once(records, final)
    load.assert_transactions_are_whole(records)
    assert "checksum" in server.log.read_text(), "the reason stands in the log"
