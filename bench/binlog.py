"""Servers with a binlog of a known number of row changes, each made once and kept in the tests' cache."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import time

import pymysql
from harness import database, paths, ports

FOLDER = paths.CACHE / "bench"
# `wellhead tap` keeps 24 hours of source time; an older binlog would be deleted while it is written.
AGE_S_MAX = 20 * 3600
STATEMENT_S_MAX = 1800
FLAVOUR = {
    "server-id": "1",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    "binlog-checksum": "CRC32",
    "binlog-cache-size": "4M",
    "max-binlog-size": "1G",
    "max-connections": "4000",
    "sync-binlog": "0",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "innodb-buffer-pool-size": "256M",
}
OF_KIND = {
    "mysql": {
        "gtid-mode": "ON",
        "enforce-gtid-consistency": "ON",
        "binlog-expire-logs-seconds": "0",
        "innodb-redo-log-capacity": "512M",
    },
    "mariadb": {"innodb-log-file-size": "512M", "gtid-strict-mode": "ON"},
}


class Kept:
    """What both kinds of server have in common here: the folder may outlive the process, and has an account `cdc`."""

    def __init__(self, folder, options=None):
        self.folder = folder
        self.port = ports.free_port()
        flavour = {**FLAVOUR, **OF_KIND[self.kind], **(options or {})}
        self.options = {**database.COMMON, **self.own_options(), **flavour}
        self.process = None
        if not folder.exists():
            shutil.copytree(self._empty(), folder)
            (self.data / "auto.cnf").unlink(missing_ok=True)  # a copy is a server of its own

    def _empty(self):
        """The folder of an empty server of this kind, made once and then copied."""
        ready = FOLDER / f"{self.kind}-empty"
        if not ready.exists():
            making = FOLDER / f"{self.kind}-making-{os.getpid()}"
            (making / "data").mkdir(parents=True)
            server = type(self)(making)
            try:
                server.lay_out()
                server.start().create_user()
            finally:
                server.stop()
            making.rename(ready)
        return ready

    def start(self):
        """Starts the server; what interrupts that does not leave it behind."""
        try:
            return super().start()
        except BaseException:
            self.stop()
            raise

    def connect(self, database=None):
        """A connection as root, in autocommit mode, that waits for statements which make a whole binlog."""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", password="", database=database, autocommit=True,
            charset="utf8mb4", read_timeout=STATEMENT_S_MAX, write_timeout=STATEMENT_S_MAX,
        )

    def binlogs(self):
        """(name, bytes) of each file."""
        return [(name, int(size)) for name, size, *_ in self.sql("SHOW BINARY LOGS")]

    def binlog_bytes(self):
        """All files together."""
        return sum(size for _, size in self.binlogs())

    def version(self):
        """As the server says it."""
        return self.sql("SELECT VERSION()")[0][0]

    def begin_anew(self):
        """Empties the binlog."""
        self.sql(self.reset)


class MySql(Kept, database.MySql):
    """MySQL 9."""

    reset = "RESET BINARY LOGS AND GTIDS"

    @staticmethod
    def dumper():
        """The server's own client that copies its binlog."""
        return [*database.root_program(paths.MYSQL_ROOT, "usr/bin/mysqlbinlog"), "--no-defaults",
                "--ssl-mode=DISABLED", "--get-server-public-key"]


class MariaDb(Kept, database.MariaDb):
    """The distribution's MariaDB."""

    reset = "RESET MASTER"

    @staticmethod
    def dumper():
        """The server's own client that copies its binlog."""
        return [shutil.which("mariadb-binlog") or "mariadb-binlog", "--no-defaults", "--skip-ssl"]

    def lay_out(self):
        """Fills the data folder with an empty installation."""
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", f"--tmpdir={self.folder}",
             "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"],
            check=True, stdout=subprocess.DEVNULL,
        )


KINDS = {"mysql": MySql, "mariadb": MariaDb}


@dataclasses.dataclass(frozen=True)
class Contents:
    """What the binlog holds, as the server counted it while it was written."""

    recipe: str
    rows: int
    transactions: int
    made_unix: int


def obtain(kind, what, rows, per_statement, fresh, say, within=FOLDER):
    """The server, running, and the contents of its binlog, kept in the folder `within`."""
    folder = within / f"{kind}-{what.name}-{rows}-by-{per_statement}"
    recipe = _recipe(what, per_statement)
    contents = None if fresh else _kept(folder, recipe)
    if contents:
        say(f"reusing the binlog in {folder}")
        return KINDS[kind](folder).start(), contents
    say(f"making a binlog of {rows:,} row changes in {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    server = KINDS[kind](folder).start()
    try:
        contents = _make(server, what, rows, per_statement)
    except BaseException:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / "contents.json").write_text(json.dumps(dataclasses.asdict(contents)))
    return server, contents


def _recipe(what, per_statement):
    """Changes with whatever decides what is in the binlog."""
    parts = (list(what.setup()), _digest(what.transaction(7, per_statement)), FLAVOUR, OF_KIND)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _digest(statements):
    digest = hashlib.sha256()
    for statement in statements:
        digest.update(statement.encode())
    return digest.hexdigest()


def _kept(folder, recipe):
    try:
        contents = Contents(**json.loads((folder / "contents.json").read_text()))
    except FileNotFoundError:
        return None
    young = time.time() - contents.made_unix < AGE_S_MAX
    return contents if young and contents.recipe == recipe else None


def _make(server, what, rows, per_statement):
    rows, transactions, began = write(server, what, rows, per_statement)
    return Contents(_recipe(what, per_statement), rows, transactions, began)


def write(server, what, rows, per_statement):
    """Empties the binlog and fills it anew; answers row changes, transactions and when it began."""
    began = int(time.time())
    server.begin_anew()
    changed = number = 0
    with server.connect() as connection, connection.cursor() as cursor:
        for statement in what.setup():
            cursor.execute(statement)
        while changed < rows:
            cursor.execute("BEGIN")
            for statement in what.transaction(number, per_statement):
                changed += cursor.execute(statement)
            cursor.execute("COMMIT")
            number += 1
    return changed, number, began
