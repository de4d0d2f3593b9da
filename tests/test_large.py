"""Memory is bounded by settings, not by what the source does. `bench/huge` measures far larger things."""

import pytest

from harness import record

LIMIT_MIB = 256
ROWS = 200_000

NUMBERS = {
    "mariadb": "SELECT seq AS n FROM seq_1_to_{rows}",
    "mysql": "SELECT n FROM JSON_TABLE(CONCAT('[', REPEAT('1,', {rows} - 1), '1]'), '$[*]' "
             "COLUMNS (n FOR ORDINALITY)) AS numbers",
}


def test_a_transaction_of_200_mb_streams_through(source, schema, new_wellhead, follow):
    source.sql(f"CREATE TABLE {schema}.big (id INT PRIMARY KEY, v VARCHAR(1100) CHARACTER SET latin1)")
    server = new_wellhead.tap(source.url(schema)).start()
    numbers = NUMBERS[source.kind].format(rows=ROWS)
    source.sql(f"INSERT INTO big SELECT n, REPEAT(SHA2(n, 256), 17) FROM ({numbers}) AS numbers", database=schema)
    size = 0
    for number, entry in enumerate(follow(server.kafka, schema).wait_for_rows(ROWS, 240), start=1):
        row = record.after(entry)
        assert row["id"] == number
        size += len(row["v"])
    assert number == ROWS and size == ROWS * 17 * 64 > 200_000_000
    assert server.memory_peak_mib() < LIMIT_MIB


def test_a04_a_row_of_64_mb_arrives_whole(source, schema, new_wellhead, follow):
    source.sql(f"CREATE TABLE {schema}.big (id INT PRIMARY KEY, v LONGBLOB)")
    server = new_wellhead.tap(source.url(schema)).start()
    topic = follow(server.kafka, schema)
    size = 64 << 20
    source.sql(
        f"INSERT INTO {schema}.big VALUES (1, REPEAT('0123456789abcdef', {size} / 16))",
        f"INSERT INTO {schema}.big VALUES (2, REPEAT('x', {size}))",
        f"INSERT INTO {schema}.big VALUES (3, 'small')",
    )
    rows = topic.wait_for_rows(3, 120)
    first = record.after(rows[0])["v"]
    assert len(first) == size and first == b"0123456789abcdef" * (size // 16)
    assert record.after(rows[1])["v"] == b"x" * size
    assert record.after(rows[2])["v"] == b"small"
    assert server.memory_peak_mib() < LIMIT_MIB


@pytest.mark.parametrize("source", ["mysql"], indirect=True)
def test_a07_a_compressed_transaction_of_300_mb_streams_through(source, schema, new_wellhead, follow):
    source.sql(f"CREATE TABLE {schema}.big (id INT PRIMARY KEY, v LONGBLOB) ENGINE=BLACKHOLE")
    server = new_wellhead.tap(source.url(schema)).start()
    numbers = NUMBERS["mysql"].format(rows=100)
    source.sql(
        "SET SESSION binlog_transaction_compression = ON",
        f"INSERT INTO big SELECT n, REPEAT('x', 3145728) FROM ({numbers}) AS numbers",
        database=schema,
    )
    rows = follow(server.kafka, schema).wait_for_rows(100, 120)
    assert [record.after(entry)["id"] for entry in rows] == list(range(1, 101))
    assert {len(record.after(entry)["v"]) for entry in rows} == {3145728}
    assert server.memory_peak_mib() < LIMIT_MIB


def test_b27_a_table_of_as_many_columns_as_there_can_be(source, schema, new_wellhead, follow):
    # MariaDB's own limit is the 64 KB of a definition's file.
    last = {"mariadb": 2000, "mysql": 4096}[source.kind] - 1
    columns = ",".join(f"c{number} TINYINT" for number in range(last + 1))
    source.sql(f"CREATE TABLE {schema}.wide ({columns}) ENGINE=MyISAM")
    server = new_wellhead.tap(source.url(schema)).start()
    values = ",".join(str(number % 100) for number in range(last))
    source.sql(
        f"INSERT INTO {schema}.wide VALUES ({values}, NULL)",
        f"UPDATE {schema}.wide SET c0 = NULL, c{last} = -1",
        f"DELETE FROM {schema}.wide",
    )
    rows = follow(server.kafka, schema).wait_for_rows(3)
    first = {f"c{number}": number % 100 for number in range(last)} | {f"c{last}": None}
    second = first | {"c0": None, f"c{last}": -1}
    assert [(record.before(entry), record.after(entry)) for entry in rows] == [
        (None, first), (first, second), (second, None),
    ]
