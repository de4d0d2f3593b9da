"""A load of every kind of transaction, each written down, so that the log can be held against it."""

import queue
import random
import re
import threading

from . import clients, load, record, wait

# Long enough that a transaction of some hundred rows is several batches of a log.
NOTE_BYTES = 6000
# Of them, those that cannot be compressed: a segment is to be full now and then.
RANDOM_BYTES = 600
# Servers cut rows into events of this size; a batch of 1 MiB then ends within one.
OPTIONS = {"binlog-row-event-max-size": "262144", "max-binlog-size": "32M"}
KINDS = ("bulk", "bulk", "bulk", "compressed", "prepared", "definition")
WAITING_MAX = 2
# Where in a source's log a start goes on; of a place inside an event all of the middle three are true.
PLACES = ("between", "in_transaction", "behind_event", "in_event", "with_prepared")


class Storm:
    """Counters under concurrent updates, and beside them one writer that does what it is told.

    `done` has that writer's transactions in order, each as what a log should show of it: `(table, operation,
    number)` of each row, or what was done to which table's definition.
    """

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.ledger = load.Ledger(server, name)
        self.done = []
        self.first = self.last = 0
        self.count = 0
        self.prepared = None
        self.orders = queue.Queue()
        self.thread = threading.Thread(target=self._run)
        self.failures = []

    def create(self):
        """Makes the empty tables."""
        self.ledger.create()
        self.server.sql(
            f"CREATE TABLE {self.name}.bulk (number BIGINT PRIMARY KEY, note VARCHAR(8000))",
            f"CREATE TABLE {self.name}.prepared (number BIGINT PRIMARY KEY)",
        )
        return self

    def start(self, seed):
        """Starts the writers."""
        self.dice = random.Random(seed)
        self.ledger.fill().start(writers=2, seed=seed, pause_s=0.03)
        self.thread.start()
        return self

    def order(self, kind):
        """Has the writer make a transaction of this kind, unless it is behind."""
        if self.orders.qsize() < WAITING_MAX:
            self.orders.put(kind)

    def stop(self):
        """Ends the writers; answers the final counters."""
        self.orders.put(None)
        self.thread.join(120)
        final = self.ledger.stop()
        assert not self.failures, self.failures
        return final

    def abandon(self):
        """Ends the writers of a test that has failed."""
        self.orders.put(None)
        self.ledger.stopping.set()
        for thread in (self.thread, *self.ledger.threads):
            if thread.is_alive():
                thread.join(60)

    def _run(self):
        try:
            with self.server.connect(self.name) as one, self.server.connect(self.name) as other:
                # Who has prepared a transaction can do nothing else until its end.
                self.two_phases = other.cursor()
                for kind in iter(self.orders.get, None):
                    getattr(self, f"_{kind}")(one.cursor())
                if self.prepared:
                    self._prepared(None)
        except Exception as failure:
            self.failures.append(failure)

    def _bulk(self, cursor):
        """Some hundred rows by several statements, of which some are deleted again, now or later."""
        rows = []
        cursor.execute("BEGIN")
        for _ in range(self.dice.randrange(1, 4)):
            count = self.dice.choice((1, 20, 100, 250))
            note = self.dice.randbytes(RANDOM_BYTES // 2).hex() + "x" * (NOTE_BYTES - RANDOM_BYTES)
            numbers = range(self.last, self.last + count)
            values = ",".join(f"({number}, CONCAT({number}, %(note)s))" for number in numbers)
            cursor.execute(f"INSERT INTO bulk VALUES {values}", {"note": note})
            rows += [("bulk", "INSERT", number) for number in numbers]
            self.last += count
        if self.last - self.first > 500:
            until = self.dice.randrange(self.first, self.last)
            cursor.execute("DELETE FROM bulk WHERE number < %s ORDER BY number", (until,))
            rows += [("bulk", "DELETE", number) for number in range(self.first, until)]
            self.first = until
        cursor.execute("COMMIT")
        self.done.append(rows)

    def _compressed(self, cursor):
        """The same, compressed as this kind of server does."""
        variable = "binlog_transaction_compression" if self.server.kind == "mysql" else "log_bin_compress"
        scope = "SESSION" if self.server.kind == "mysql" else "GLOBAL"
        cursor.execute(f"SET {scope} {variable} = ON")
        self._bulk(cursor)
        cursor.execute(f"SET {scope} {variable} = OFF")

    def _prepared(self, _):
        """The first half of a transaction in two phases, or the second one of what was prepared before."""
        if self.prepared:
            name, numbers = self.prepared
            self.two_phases.execute(f"XA COMMIT {name}")
            self.done.append([("prepared", "INSERT", number) for number in numbers])
            self.prepared = None
            return
        self.count += 1
        first = self.count * 100
        name = f"'storm{self.count}'"
        numbers = range(first, first + self.dice.choice((1, 3, 90)))
        values = ",".join(f"({number})" for number in numbers)
        for statement in (f"XA START {name}", f"INSERT INTO prepared VALUES {values}", f"XA END {name}"):
            self.two_phases.execute(statement)
        self.two_phases.execute(f"XA PREPARE {name}")
        self.prepared = name, numbers

    def _definition(self, cursor):
        """A table with a column of its own name comes, gets a row, and goes."""
        self.count += 1
        table = f"shape{self.count}"
        cursor.execute(f"CREATE TABLE {table} (number INT PRIMARY KEY, c{self.count} INT)")
        self.done.append(f"CREATE {table}")
        cursor.execute(f"INSERT INTO {table} VALUES ({self.count}, -{self.count})")
        self.done.append([(table, "INSERT", self.count)])
        cursor.execute(f"DROP TABLE {table}")
        self.done.append(f"DROP {table}")


class Reading:
    """A log from its beginning, reduced to what a storm can be compared with."""

    def __init__(self, storm):
        self.storm = storm
        self.counters = {}
        self.done = []
        self.open = None
        self.resumes = dict.fromkeys(PLACES, 0)
        self.epochs = set()
        self.next = 0
        self._before = (None, None)

    def take(self, message):
        """Takes one message of a Kafka client."""
        assert message.offset() == self.next, f"offset {message.offset()} instead of {self.next}"
        self.next += 1
        self._see_resume(message)
        entry = record.decode(message.value())
        match entry["operation"]:
            case "BEGIN":
                assert self.open is None, f"offset {message.offset()}: BEGIN inside a transaction"
                self.open = []
            case "COMMIT":
                assert self.open is not None, f"offset {message.offset()}: COMMIT without BEGIN"
                if self.open:
                    self.done.append(self.open)
                self.open = None
            case "INSERT" | "UPDATE" | "DELETE":
                assert self.open is not None, f"offset {message.offset()}: a row outside of a transaction"
                self._row(entry, message.offset())
            case "DDL":
                # A server adds quotes and remarks of its own.
                verb, table = re.match(r"(CREATE|DROP) TABLE `?(\w+)", entry["afterImages"]).groups()
                self.done.append(f"{verb} {table}")

    def _row(self, entry, offset):
        table = entry["objectName"].split(".")[1]
        old, new = record.before(entry), record.after(entry)
        if table == "counters":
            following = self.counters.get(new["id"], -1) + 1
            assert new["counter"] == following, f"offset {offset}: counter {new}, after {following - 1}"
            assert old is None or old["counter"] == following - 1, f"offset {offset}: {old} became {new}"
            self.counters[new["id"]] = following
            return
        row = new or old
        if table == "bulk":
            number = str(row["number"])
            assert row["note"].startswith(number) and len(row["note"]) == len(number) + NOTE_BYTES, offset
        elif table != "prepared":
            assert row == {"number": row["number"], f"c{row['number']}": -row["number"]}, f"offset {offset}: {row}"
        self.open.append((table, entry["operation"], row["number"]))

    def _see_resume(self, message):
        """Where one writer of the log ends and the next one begins stands from where that one went on."""
        epoch = message.leader_epoch()
        last, position = self._before
        if last not in (None, epoch) and position is not None:
            for place in places_of(position):
                self.resumes[place] += 1
        self.epochs.add(epoch)
        headers = dict(message.headers() or ())
        self._before = (epoch, headers.get("wellhead.position", b"").decode() or None)

    def assert_equals(self, final):
        """The log has what the writers did, and what the tables of the server have now, each once and in order."""
        assert self.open is None, "the last transaction has no COMMIT"
        assert self.counters == final
        for number, (found, made) in enumerate(zip(self.done, self.storm.done)):
            assert found == made, f"transaction {number} of {self.storm.name}: {differing(found, made)}"
        assert len(self.done) == len(self.storm.done)
        kept = [number for (number,) in self.storm.server.sql(f"SELECT number FROM {self.storm.name}.bulk ORDER BY 1")]
        assert kept == list(range(self.storm.first, self.storm.last))


def places_of(position):
    """What is true of the place in the source's log where a position of ours stands."""
    words = dict(word.split("=", 1) for word in position.split(" gtid=")[0].split(" ") if "=" in word)
    truths = {
        "between": words.get("begun") != "1",
        "in_transaction": words.get("begun") == "1",
        "behind_event": int(words.get("rows_event", 0)) > 0,
        "in_event": int(words.get("row", 0)) > 0,
        "with_prepared": "xa" in words,
    }
    return [place for place in PLACES if truths[place]]


def differing(found, made):
    """The first few differences of two lists, for a message."""
    if isinstance(found, str) or isinstance(made, str):
        return f"found {str(found)[:200]}, made {str(made)[:200]}"
    at = next((i for i, pair in enumerate(zip(found, made)) if pair[0] != pair[1]), min(len(found), len(made)))
    return f"{len(found)} rows of {len(made)}; from row {at} on found {found[at : at + 3]}, made {made[at : at + 3]}"


def read(broker, storm, login, final, deadline_s=120):
    """Reads a whole log until it has all of a storm, and holds it against it."""
    reading = Reading(storm)
    with_checks = clients.Follower(broker, storm.name, login)

    def complete():
        for message in with_checks.consumer.consume(5000, 0.2):
            assert not message.error(), message.error()
            reading.take(message)
        return reading.counters == final and len(reading.done) >= len(storm.done) and reading.open is None

    def seen():
        return f"all of {storm.name}; {reading.next} records, {len(reading.done)} of {len(storm.done)} transactions"

    try:
        wait.until(complete, seen, deadline_s, 0)
    finally:
        with_checks.close()
    reading.assert_equals(final)
    return reading
