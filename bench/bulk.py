"""Rows in bulk, made by the server itself: those of one huge transaction, and those of a huge log.

The table is a BLACKHOLE: the server writes its binlog and nothing else.
"""

import random

import workload

TABLE = f"{workload.DATABASE}.bulk"
ROW_BYTES = 2_000
# A stretch of noise that rows are cut from. It is longer than lz4 looks back, so that the log stays as large as its
# rows, and shorter than zstd does, so that the binlog of a huge log fits on the disk.
NOISE_BYTES = 200_000
ROWS_PER_NUMBERS = 1_000_000


def prepare(server):
    """Makes the table, and the numbers that rows are made from."""
    server.sql(
        "SET sql_log_bin = 0", "CREATE DATABASE workshop", *workload.count_to(ROWS_PER_NUMBERS), "SET sql_log_bin = 1",
        f"CREATE TABLE {TABLE} (id BIGINT PRIMARY KEY, payload BLOB NOT NULL) ENGINE=BLACKHOLE",
    )


def write(server, first, rows, per_transaction, compressed=False):
    """Writes rows numbered from `first` on."""
    noise = random.Random(first).randbytes(NOISE_BYTES).hex()
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SET SESSION binlog_transaction_compression = {int(compressed)}")
        cursor.execute(f"SET @noise = X'{noise}'")
        for at in range(0, rows, per_transaction):
            end = min(at + per_transaction, rows)
            cut = f"SUBSTR(@noise, 1 + n * {ROW_BYTES} % {NOISE_BYTES}, {ROW_BYTES})"
            cursor.execute(
                f"INSERT INTO {TABLE} SELECT {first} + n, {cut} FROM {workload.NUMBERS} WHERE n >= {at} AND n < {end}"
            )
