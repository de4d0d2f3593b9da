"""Memory is bounded by settings, not by what the source does."""

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
        f"INSERT INTO {schema}.big VALUES (2, 'small')",
    )
    rows = topic.wait_for_rows(2, 120)
    first = record.after(rows[0])["v"]
    assert len(first) == size and first == b"0123456789abcdef" * (size // 16)
    assert record.after(rows[1])["v"] == b"small"
