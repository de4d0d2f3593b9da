"""A MySQL server with a binlog of a known number of row changes, made once and kept in the tests' cache."""

import dataclasses
import hashlib
import json
import shutil
import time

from harness import database, paths, ports

FOLDER = paths.CACHE / "bench"
# `wellhead tap` keeps 24 hours of source time; an older binlog would be deleted while it is written.
AGE_S_MAX = 20 * 3600
FLAVOUR = {
    "server-id": "1",
    "gtid-mode": "ON",
    "enforce-gtid-consistency": "ON",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    "binlog-checksum": "CRC32",
    "binlog-cache-size": "4M",
    "binlog-expire-logs-seconds": "0",
    "max-binlog-size": "1G",
    "sync-binlog": "0",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "innodb-buffer-pool-size": "256M",
    "innodb-redo-log-capacity": "512M",
}


class Server(database.MySql):
    """A MySQL server whose folder outlives it."""

    def __init__(self, folder):
        self.folder = folder
        self.port = ports.free_port()
        self.options = {**database.COMMON, **self.own_options(), **FLAVOUR}
        self.process = None
        if not self.data.exists():
            self.data.mkdir(parents=True)
            self.lay_out()

    def binlogs(self):
        """(name, bytes) of each file."""
        return [(name, size) for name, size, *_ in self.sql("SHOW BINARY LOGS")]

    def version(self):
        """As the server says it."""
        return self.sql("SELECT VERSION()")[0][0]


@dataclasses.dataclass(frozen=True)
class Contents:
    """What the binlog holds, as the server counted it while it was written."""

    recipe: str
    rows: int
    transactions: int
    made_unix: int


def obtain(what, rows, per_statement, fresh, say):
    """The server, running, and the contents of its binlog."""
    folder = FOLDER / f"{what.name}-{rows}-by-{per_statement}"
    recipe = _recipe(what, per_statement)
    contents = None if fresh else _kept(folder, recipe)
    if contents:
        say(f"reusing the binlog in {folder}")
        return Server(folder).start(), contents
    say(f"making a binlog of {rows} row changes in {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    server = Server(folder).start()
    try:
        contents = _make(server, what, rows, per_statement)
    except BaseException:
        server.stop()
        raise
    (folder / "contents.json").write_text(json.dumps(dataclasses.asdict(contents)))
    return server, contents


def _recipe(what, per_statement):
    """Changes with whatever decides what is in the binlog."""
    parts = (what.setup(), list(what.transaction(7, per_statement)), FLAVOUR)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _kept(folder, recipe):
    try:
        contents = Contents(**json.loads((folder / "contents.json").read_text()))
    except FileNotFoundError:
        return None
    young = time.time() - contents.made_unix < AGE_S_MAX
    return contents if young and contents.recipe == recipe else None


def _make(server, what, rows, per_statement):
    made_unix = int(time.time())
    server.create_user()
    changed = number = 0
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("RESET BINARY LOGS AND GTIDS")
        for statement in what.setup():
            cursor.execute(statement)
        while changed < rows:
            cursor.execute("BEGIN")
            for statement in what.transaction(number, per_statement):
                changed += cursor.execute(statement)
            cursor.execute("COMMIT")
            number += 1
    return Contents(_recipe(what, per_statement), changed, number, made_unix)
