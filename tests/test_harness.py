"""The tests can fail: what they lean on notices what it should."""

import pymysql
import pytest

from harness import load, record, wait

# From the format's test vectors: an update of db1.t1 from (1, 'a') to (1, 'b').
UPDATE = bytes.fromhex(
    "0002b0b5afd20c1037323436394037381037323334374037380230000c382e302e323802020c6462312e743100000404046964100276fa"
    "0300040402100231040e757466386d6234026100040402100231040e757466386d6234026200b0b5afd20c"
)


def row(operation, number, old, new):
    def side(counter):
        if counter is None:
            return None
        return [{"precision": 4, "value": str(number)}, {"precision": 8, "value": str(counter)}]

    fields = [{"name": "id", "dataTypeNumber": 3}, {"name": "counter", "dataTypeNumber": 8}]
    return {"operation": operation, "fields": fields, "beforeImages": side(old), "afterImages": side(new)}


def test_a_record_of_the_contract_is_decoded():
    entry = record.decode(UPDATE)
    assert (entry["operation"], entry["objectName"]) == ("UPDATE", "db1.t1")
    assert record.before(entry) == {"id": 1, "v": "a"} and record.after(entry) == {"id": 1, "v": "b"}
    with pytest.raises(AssertionError):
        record.decode(UPDATE + b"\0")


def test_a_lost_a_repeated_and_a_swapped_change_are_noticed():
    entries = [row("INSERT", 1, None, 0), row("UPDATE", 1, 0, 1), row("UPDATE", 1, 1, 2)]
    load.assert_each_change_once(entries, {1: 2})
    for wrong in (entries[:2], [*entries, entries[2]], [entries[0], entries[2], entries[1]], []):
        with pytest.raises(AssertionError):
            load.assert_each_change_once(wrong, {1: 2})


def test_a_torn_transaction_is_noticed():
    begin, commit, change = {"operation": "BEGIN"}, {"operation": "COMMIT"}, row("INSERT", 1, None, 0)
    load.assert_transactions_are_whole([begin, change, commit, {"operation": "HEARTBEAT"}])
    for wrong in ([change], [begin, change], [begin, begin], [commit]):
        with pytest.raises(AssertionError):
            load.assert_transactions_are_whole(wrong)


def test_a_deadline_is_kept():
    with pytest.raises(wait.DeadlineMissed, match="the impossible"):
        wait.until(lambda: False, "the impossible", 0.1)


def test_the_proxy_passes_cuts_and_flips(source, new_proxy):
    proxy = new_proxy(source.port)

    def ask():
        with pymysql.connect(host="127.0.0.1", port=proxy.port, user="root", ssl_disabled=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT REPEAT('a', 100000)")
                return cursor.fetchone()[0]

    assert ask() == "a" * 100_000
    proxy.cut_after(50_000)
    with pytest.raises(pymysql.err.OperationalError):
        ask()
    assert proxy.cuts == 1
    proxy.cut_after(None)
    proxy.flip_at(50_000)
    spoiled = ask()
    assert proxy.flipped.is_set() and sum(a != "a" for a in spoiled) == 1
    assert ask() == "a" * 100_000
