"""Throw-away MariaDB and MySQL servers on loopback, each in a folder of its own."""

import os
import shutil
import signal
import subprocess

import pymysql
import pytest

from . import paths, ports, wait

# What every source has unless a test says otherwise. Small buffers: several servers run side by side.
COMMON = {
    "bind-address": "127.0.0.1",
    "server-id": "4711",
    "character-set-server": "utf8mb4",
    "log-bin": "binlog",
    "binlog-format": "ROW",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "96M",
    "innodb-flush-log-at-trx-commit": "2",
    "sync-binlog": "0",
    "max-allowed-packet": "512M",
    "max-connections": "500",
    "performance-schema": "OFF",
}


class Database:
    """One server. Subclasses know how their kind is laid out and started."""

    kind = ""

    def __init__(self, folder, options=None, template=None):
        self.folder = folder
        self.port = ports.free_port()
        self.options = {**COMMON, **self.own_options(), **(options or {})}
        self.process = None
        if template:
            shutil.copytree(template, folder)
            (folder / "data" / "auto.cnf").unlink(missing_ok=True)  # a copy is a server of its own
        else:
            (folder / "data").mkdir(parents=True)
            self.lay_out()

    @property
    def socket(self):
        return self.folder / "s"

    @property
    def data(self):
        return self.folder / "data"

    def own_options(self):
        """Options of this kind alone."""
        return {}

    def lay_out(self):
        """Fills the data folder with an empty installation."""
        raise NotImplementedError

    def program(self):
        """The command that starts the server, without options."""
        raise NotImplementedError

    def start(self):
        """Starts the server and waits until it answers."""
        command = [
            *self.program(),
            f"--datadir={self.data}",
            f"--tmpdir={self.folder}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            *(f"--{name}={value}" for name, value in self.options.items() if value is not None),
        ]
        self.socket.unlink(missing_ok=True)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait.until(self.answers, lambda: f"{self.kind} to answer; its log ends:\n{self.log_tail()}", 90)
        return self

    def answers(self):
        """Whether a statement can be run now."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.kind} ended with {self.process.returncode}:\n{self.log_tail()}")
        try:
            with self.connect() as connection:
                return connection.open
        except pymysql.err.OperationalError:
            return False

    def connect(self, database=None):
        """A connection as root, in autocommit mode."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            password="",
            database=database,
            autocommit=True,
            charset="utf8mb4",
            max_allowed_packet=512 << 20,
            read_timeout=120,
            write_timeout=120,
        )

    def sql(self, *statements, database=None):
        """Runs statements as root and answers the rows of the last one."""
        rows = ()
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall()
        return rows

    def create_user(self, name="cdc", password="cdc", grants="REPLICATION SLAVE, REPLICATION CLIENT, SELECT"):
        """An account for Wellhead, with the rights that its precheck asks for."""
        self.sql(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        if grants:
            self.sql(f"GRANT {grants} ON *.* TO '{name}'@'%'")

    def url(self, database="", user="cdc", password="cdc", port=None, options=""):
        """The address as `wellhead tap` takes it."""
        return f"mysql://{user}:{password}@127.0.0.1:{port or self.port}/{database}{options}"

    def stop(self):
        """Ends the server in order."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def kill(self):
        """Ends the server as a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def restart(self):
        """Ends and starts the server on the same port and data."""
        self.stop()
        return self.start()

    def log_tail(self):
        """The end of the server's own log."""
        log = self.folder / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"


class MariaDb(Database):
    """The distribution's MariaDB."""

    kind = "mariadb"

    def own_options(self):
        return {"plugin-dir": str(paths.MARIADB_PLUGINS), "aria-pagecache-buffer-size": "8M"}

    def lay_out(self):
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={self.data}",
                f"--tmpdir={self.folder}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *_as_root(),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def program(self):
        server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        return [server, "--no-defaults", *_as_root()]


class MariaDb11(MariaDb):
    """MariaDB 11 in a root of its own, run with the loader and libraries it came with."""

    def own_options(self):
        root = paths.MARIADB_11_ROOT
        return {
            **super().own_options(),
            "plugin-dir": str(root / "usr/lib/mysql/plugin"),
            "character-sets-dir": str(root / "usr/share/mariadb/charsets"),
            "lc-messages-dir": str(root / "usr/share/mariadb"),
        }

    def lay_out(self):
        share = paths.MARIADB_11_ROOT / "usr/share/mariadb"
        scripts = ("mariadb_system_tables", "mariadb_performance_tables", "mariadb_system_tables_data",
                   "maria_add_gis_sp_bootstrap", "mariadb_sys_schema")
        statements = ["CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"]
        statements += [(share / f"{script}.sql").read_text() for script in scripts]
        subprocess.run(
            [*self.program(), "--bootstrap", f"--datadir={self.data}", f"--tmpdir={self.folder}",
             f"--lc-messages-dir={share}"],
            input="".join(statements).encode(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def program(self):
        return [*root_program(paths.MARIADB_11_ROOT, "usr/sbin/mariadbd"), "--no-defaults", *_as_root()]


class MySql(Database):
    """MySQL 9 in a root of its own, run with the loader and libraries it came with."""

    kind = "mysql"

    def own_options(self):
        root = paths.MYSQL_ROOT
        return {
            # MariaDB keeps its default of NO_LOG, so both ways to know a column are walked.
            "binlog-row-metadata": "FULL",
            "innodb-log-file-size": None,
            "innodb-redo-log-capacity": "100M",
            "mysqlx": "OFF",
            "character-sets-dir": str(root / "usr/share/mysql/charsets"),
            "lc-messages-dir": str(root / "usr/share/mysql"),
            "plugin-dir": str(root / "usr/lib/mysql/plugin"),
            "secure-file-priv": "NULL",
        }

    def lay_out(self):
        subprocess.run(
            [*self.program(), "--initialize-insecure", f"--datadir={self.data}", "--mysqlx=OFF",
             f"--lc-messages-dir={paths.MYSQL_ROOT / 'usr/share/mysql'}", f"--basedir={paths.MYSQL_ROOT / 'usr'}"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def program(self):
        return [*root_program(paths.MYSQL_ROOT, "usr/sbin/mysqld"), "--no-defaults", *_as_root()]


# The kinds that most tests run on, and those with the tests of the central way (`every_server`) besides.
KINDS = {MariaDb.kind: MariaDb, MySql.kind: MySql}
EVERY_KIND = {**KINDS, "mariadb-11": MariaDb11}
every_server = pytest.mark.parametrize("source", list(EVERY_KIND), indirect=True)


class Templates:
    """An empty installation of each kind, made when it is first asked for and then copied."""

    def __init__(self, folder):
        self.folder = folder

    def __getitem__(self, name):
        template = self.folder / f"{name}-template"
        if not template.exists():
            EVERY_KIND[name](template)
        return template


def root_program(root, path):
    """The command that runs a program of another release's root outside of it."""
    libraries = ":".join(str(folder) for folder in sorted(root.glob("usr/lib/*-linux-gnu*")))
    loader = next(root.glob("usr/lib*/ld-linux-*.so.*"), None) or next(root.glob("usr/lib/*/ld-linux-*.so.*"))
    return [str(loader), "--library-path", f"{libraries}:{root / 'usr/lib/mysql/private'}", str(root / path)]


def _as_root():
    """The servers refuse to run as root unless told so."""
    return ["--user=root"] if os.geteuid() == 0 else []
