"""Makes the golden binlogs of this folder anew, on throw-away servers of the end-to-end tests.

    ~/.cache/wellhead-tests/python/bin/python crates/mysql/src/binlog/testdata/options/make.py

`./check` brings the servers in. Files differ from run to run in times, identifiers and positions alone.
"""

import itertools
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[5] / "tests"))

import pymysql  # noqa: E402

from harness import database  # noqa: E402

TABLE = """CREATE TABLE m (id INT UNSIGNED PRIMARY KEY, name VARCHAR(300), notes TEXT, document {json},
 price DECIMAL(12,3), raw VARBINARY(20), day DATE, kind ENUM('a','b'), n BIGINT) CHARACTER SET utf8mb4"""
# The same under every combination of options; the tests know these rows by heart.
ROWS = [
    "INSERT INTO m VALUES (1,'one',REPEAT('note ',20),'{\"a\": 1, \"b\": \"eight by\"}',-1.250,0xFF00,'2024-02-29','b',-7),"
    "(2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
    "UPDATE m SET name = 'uno' WHERE id = 1",
    "UPDATE m SET document = JSON_SET(document, '$.a', 2) WHERE id = 1",
    "UPDATE m SET n = 8, name = 'due' WHERE id = 2",
    "DELETE FROM m",
]
XA = [
    "XA START 'golden', 'x', 7",
    "INSERT INTO m (id, name) VALUES (3, 'xa')",
    "XA END 'golden', 'x', 7",
    "XA PREPARE 'golden', 'x', 7",
    "XA COMMIT 'golden', 'x', 7",
    "DELETE FROM m",
]
# What only the statement format writes; the decoder must pass it over.
STATEMENTS = [
    "SET SESSION binlog_format = 'STATEMENT'",
    "CREATE TABLE s (id INT AUTO_INCREMENT PRIMARY KEY, r DOUBLE, v VARCHAR(64)) ENGINE=MyISAM",
    "SET @word = 'user variable'",
    "INSERT INTO s (r, v) VALUES (RAND(), @word)",
    "LOAD DATA LOCAL INFILE '{file}' INTO TABLE s (v)",
    "SET SESSION binlog_format = 'ROW'",
]
# A statement that cannot be rolled back and does not fit its cache: the server writes an INCIDENT.
INCIDENT = [
    "CREATE TABLE i (v LONGTEXT) ENGINE=MyISAM",
    "SET GLOBAL max_binlog_stmt_cache_size = 4096",
    "SET GLOBAL binlog_stmt_cache_size = 4096",
]


class Maker:
    """One server; copies its current binlog file when that is full of what was asked for."""

    def __init__(self, kind, folder, options, schema_json):
        self.server = kind(folder, {"local-infile": "1", **options}).start()
        self.server.sql("CREATE DATABASE golden")
        self.connection = self.connect()
        self.run(TABLE.format(json=schema_json))

    def connect(self):
        return pymysql.connect(
            unix_socket=str(self.server.socket), user="root", database="golden", autocommit=True, local_infile=True,
        )

    def run(self, *statements):
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall()
        return rows

    def current(self):
        status = "SHOW MASTER STATUS" if self.server.kind == "mariadb" else "SHOW BINARY LOG STATUS"
        return self.run(status)[0][0]

    def new_file(self):
        self.run("FLUSH BINARY LOGS")
        return self.current()

    def keep(self, file, name):
        """Ends the file and keeps it."""
        if self.current() == file:
            self.run("FLUSH BINARY LOGS")
        shutil.copyfile(self.server.data / file, HERE / f"{name}.binlog")

    def statements(self, name, scratch):
        table = scratch / "load"
        table.write_text("".join(f"line {number}\n" for number in range(4)))
        file = self.new_file()
        self.run(*(statement.format(file=table) for statement in STATEMENTS))
        self.keep(file, name)

    def incident(self, name):
        self.run(*INCIDENT)
        self.connection.close()
        self.connection = self.connect()
        file = self.new_file()
        try:
            self.run("INSERT INTO i VALUES (REPEAT('x', 3000)), (REPEAT('y', 3000)), (REPEAT('z', 3000))")
        except pymysql.err.MySQLError as refused:
            print(f"{name}: {refused}")
        self.keep(file, name)
        self.run("SET GLOBAL max_binlog_stmt_cache_size = DEFAULT", "SET GLOBAL binlog_stmt_cache_size = DEFAULT")

    def stop(self, name=None):
        """Ends the server; the file it was writing then ends with STOP."""
        file = self.new_file()
        self.server.stop()
        if name:
            shutil.copyfile(self.server.data / file, HERE / f"{name}.binlog")


def mysql(scratch):
    for gtid, checksum in itertools.product(("ON", "OFF"), ("CRC32", "NONE")):
        name = f"mysql-9.7-gtid-{gtid}-{checksum}".lower()
        options = {"gtid-mode": gtid, "enforce-gtid-consistency": "ON" if gtid == "ON" else "OFF",
                   "binlog-checksum": checksum}
        maker = Maker(database.MySql, scratch / name, options, "JSON")
        file = maker.new_file()
        for image, metadata, squeezed, queries in combinations(("FULL", "MINIMAL", "NOBLOB"), ("FULL", "MINIMAL")):
            maker.run(
                f"SET SESSION binlog_row_image = '{image}'",
                f"SET GLOBAL binlog_row_metadata = '{metadata}'",
                f"SET SESSION binlog_transaction_compression = {squeezed}",
                f"SET SESSION binlog_rows_query_log_events = {queries}",
                "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
                f"CREATE TABLE `{image}-{metadata}-{squeezed}` (i INT)",
                f"DROP TABLE `{image}-{metadata}-{squeezed}`",
                *ROWS,
            )
        maker.run("SET SESSION binlog_transaction_compression = 0", *XA)
        if gtid == "ON":
            maker.run("SET gtid_next = 'AUTOMATIC:tagged'", *ROWS[:1], ROWS[-1], "SET gtid_next = 'AUTOMATIC'")
        maker.keep(file, name)
        if gtid == "OFF" and checksum == "CRC32":
            maker.statements("mysql-9.7-statements", scratch)
            maker.incident("mysql-9.7-incident")
        maker.stop("mysql-9.7-stop" if (gtid, checksum) == ("ON", "CRC32") else None)


def mariadb(scratch, kind, version, images):
    for checksum in ("CRC32", "NONE"):
        name = f"mariadb-{version}-{checksum}".lower()
        maker = Maker(kind, scratch / name, {"binlog-checksum": checksum, "log-bin-compress-min-len": "10"}, "JSON")
        file = maker.new_file()
        for image, metadata, squeezed, queries in combinations(images, ("FULL", "MINIMAL", "NO_LOG")):
            maker.run(
                f"SET SESSION binlog_row_image = '{image}'",
                f"SET GLOBAL binlog_row_metadata = '{metadata}'",
                f"SET GLOBAL log_bin_compress = {squeezed}",
                f"SET SESSION binlog_annotate_row_events = {queries}",
                f"CREATE TABLE `{image}-{metadata}-{squeezed}` (i INT)",
                f"DROP TABLE `{image}-{metadata}-{squeezed}`",
                *ROWS,
            )
        maker.run("SET GLOBAL log_bin_compress = 0", *XA)
        maker.keep(file, name)
        if checksum == "CRC32":
            maker.statements(f"mariadb-{version}-statements", scratch)
            maker.incident(f"mariadb-{version}-incident")
        maker.stop(f"mariadb-{version}-stop" if checksum == "CRC32" else None)
    encrypted(scratch, kind, version)


def encrypted(scratch, kind, version):
    """A file whose events behind START_ENCRYPTION cannot be read without the key."""
    keys = scratch / "keys"
    keys.write_text("1;" + "0123456789abcdef" * 2 + "\n")
    options = {"plugin-load-add": "file_key_management", "file-key-management-filename": keys, "encrypt-binlog": "ON"}
    maker = Maker(kind, scratch / f"encrypted-{version}", options, "JSON")
    file = maker.new_file()
    maker.run(*ROWS[:1])
    maker.keep(file, f"mariadb-{version}-encrypted")
    maker.stop()


def combinations(images, metadata):
    """Every combination of image, metadata and compression; the statement's text beside every other one."""
    for number, combination in enumerate(itertools.product(images, metadata, (0, 1))):
        yield *combination, number // 2 % 2


def main():
    scratch = Path(tempfile.mkdtemp(prefix="golden-"))
    try:
        mysql(scratch)
        mariadb(scratch, database.MariaDb, "10.11", ("FULL", "MINIMAL", "NOBLOB"))
        mariadb(scratch, database.MariaDb11, "11.8", ("FULL", "MINIMAL", "NOBLOB", "FULL_NODUP"))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
