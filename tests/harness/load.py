"""A load whose outcome can be checked: every row counts its own changes."""

import random
import threading

import pymysql

from . import record, wait

ROWS = 40
# Keeps a hundred kills below a million records, so that all of them can be compared at the end.
PAUSE_S = 0.01


class Ledger:
    """A table of counters under concurrent updates.

    Each UPDATE adds one to a row's counter, so the log must show every (id, counter) from 1 to the row's
    final value exactly once, in order.
    """

    def __init__(self, database, name="ledger"):
        self.database = database
        self.name = name
        self.stopping = threading.Event()
        self.threads = []
        self.failures = []
        self.commits = 0

    def create(self):
        """Makes the empty database and table."""
        self.database.sql(
            f"CREATE DATABASE {self.name}",
            f"CREATE TABLE {self.name}.counters (id INT PRIMARY KEY, counter BIGINT NOT NULL, note VARCHAR(200))",
        )
        return self

    def fill(self):
        """Inserts the rows; to be called once capture has begun."""
        rows = ",".join(f"({number}, 0, '')" for number in range(ROWS))
        self.database.sql(f"INSERT INTO {self.name}.counters VALUES {rows}")
        return self

    def start(self, writers=3, seed=0, pause_s=PAUSE_S):
        """Starts the writers."""
        self.pause_s = pause_s
        for number in range(writers):
            thread = threading.Thread(target=self._write, args=(random.Random(seed + number),))
            thread.start()
            self.threads.append(thread)
        return self

    def _write(self, dice):
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = self.database.connect(self.name)
                self._transaction(connection, dice)
            except (pymysql.err.MySQLError, OSError):
                # The server restarts under us in some tests; a transaction it did not confirm may stand
                # or not, and the table's own counters know.
                if connection:
                    connection.close()
                connection = None
                self.stopping.wait(0.1)
            except Exception as failure:
                self.failures.append(failure)
                return
        if connection:
            connection.close()

    def _transaction(self, connection, dice):
        ids = sorted(dice.sample(range(ROWS), dice.choice((1, 1, 2, 5, ROWS))))
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            for chunk in (ids[::2], ids[1::2]):
                if chunk:
                    cursor.execute(
                        "UPDATE counters SET counter = counter + 1, note = %s WHERE id IN %s",
                        ("x" * dice.randrange(200), chunk),
                    )
            cursor.execute("ROLLBACK" if dice.random() < 0.05 else "COMMIT")
        self.commits += 1
        self.stopping.wait(self.pause_s)

    def stop(self):
        """Stops the writers and answers the final counters."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.failures, self.failures
        return self.final()

    def final(self):
        """{id: counter} of the table itself."""
        return dict(self.database.sql(f"SELECT id, counter FROM {self.name}.counters"))

    def wait_for_commits(self, more):
        """Waits until this many more transactions have ended."""
        wanted = self.commits + more
        wait.until(lambda: self.commits >= wanted, f"{more} more transactions of the load", 60)


def counters_of(records):
    """{id: [counter, ...]} of all row changes, in the order of the log; checks each update's before image."""
    seen = {}
    for entry in records:
        if not record.is_row(entry):
            continue
        new = record.after(entry)
        if entry["operation"] == "UPDATE":
            old = record.before(entry)
            assert (old["id"], old["counter"] + 1) == (new["id"], new["counter"]), entry
        seen.setdefault(new["id"], []).append(new["counter"])
    return seen


def assert_each_change_once(records, final):
    """The log shows every change of the table exactly once, in order, and nothing else."""
    seen = counters_of(records)
    assert set(seen) == set(final), "rows in the log and in the table differ"
    for row, counter in final.items():
        expected = list(range(counter + 1))
        if seen[row] != expected:
            missing = sorted(set(expected) - set(seen[row]))[:10]
            twice = sorted({value for value in seen[row] if seen[row].count(value) > 1})[:10]
            raise AssertionError(
                f"row {row} changed {counter} times; the log has {len(seen[row]) - 1} changes, "
                f"missing {missing}, more than once {twice}"
            )


def assert_transactions_are_whole(records):
    """Rows stand between BEGIN and COMMIT, and no transaction starts inside another."""
    inside = False
    for entry in records:
        match entry["operation"]:
            case "BEGIN":
                assert not inside, "BEGIN inside a transaction"
                inside = True
            case "COMMIT":
                assert inside, "COMMIT without BEGIN"
                inside = False
            case "INSERT" | "UPDATE" | "DELETE":
                assert inside, "a row outside of a transaction"
    assert not inside, "the last transaction has no COMMIT"
