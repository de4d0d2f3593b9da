"""JSON: every kind of value, and partial updates."""

from harness.oracle import Table, Watched, column, script

NUMBERS = ("0", "-1", "32767", "-32768", "32768", "65535", "65536", "2147483647", "-2147483648", "2147483648", "4294967295",
           "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615",
           "18446744073709551616", "-9223372036854775809", "1.0", "-0.0", "0.1", "1e-5", "1e15", "1e14", "123456789012345.0",
           "1234567890123456.0", "1e16", "1e-14", "1e-15", "1e-16", "1.5e300", "5e-324", "1.7976931348623157e308",
           "100.25", "-12.5e-20", "12345678901234567890.5", "1e100", "0.000001", "1E3", "9007199254740993.0", "2e-7")
TEXTS = (r'""', r'"a\"b\\c/d\b\f\n\r\t"', r'"\u0000\u0001\u001f\u007f\u0080"', '"ünïcödé 😀 中文"', r'"\ud83d\ude00"',
         r'"\u2028"', '"</script>"', "\"it's\"")
STRUCTURES = ("null", "true", "false", "[]", "{}", "[[], {}, null]", '[1, "a", null, true, {"b": [1.5, {}]}]',
              '{"b": 1, "a": [1, 2], "": {"": ""}, "aa": 70000, "dup": 1, "dup": 2}', r'{"k\u0000ey": 1, "k\"ey": 2}',
              '{"ü": 1, "z": 2, "aaa": 3, "Z": 4}')
DEEP = ("[" * 100 + "]" * 100, '{"a":' * 99 + "1" + "}" * 99)
OPAQUE = ("JSON_ARRAY(CAST('1.50' AS DECIMAL(10,2)), CAST('-0.001' AS DECIMAL(30,20)), CAST(1 AS DECIMAL(65,30)))",
          "JSON_ARRAY(DATE'2024-02-29', DATE'0001-01-01', TIME'12:34:56', TIME'-838:59:59', TIME'00:00:00.000001')",
          "JSON_ARRAY(TIMESTAMP'2024-02-29 12:34:56.000001', CAST('2024-02-29 12:34:56' AS DATETIME))",
          "JSON_ARRAY(b'101', x'DEADBEEF', CAST('abc' AS BINARY), CAST(REPEAT('x', 100) AS BINARY), CAST('' AS BINARY))",
          "JSON_ARRAY(CAST(2024 AS YEAR), 1 = 1, CAST('x' AS CHAR CHARACTER SET latin1), 1.5e0, 1.5)",
          "JSON_ARRAY(ST_GeomFromText('POINT(1 2)'))", "CAST(CAST(x'00ff' AS BINARY) AS JSON)",
          "CAST(CAST('-1.250' AS DECIMAL(10,3)) AS JSON)", "CAST(TIME'01:02:03' AS JSON)")
LARGE = ("JSON_OBJECT('big', REPEAT('k', 70000), 'n', 1, 'i', 70000, 'l', JSON_ARRAY(REPEAT('l', 200), 40000, 4000000000, -5))",
         "JSON_ARRAY(REPEAT('a', 66000), 1, 32768, 65536, TRUE, NULL, 1.5, JSON_OBJECT('x', REPEAT('b', 200)))",
         "JSON_OBJECT(REPEAT('key', 20000), 1)",
         "CONCAT('[', REPEAT('1,', 30000), '2]')")


def quoted(*documents):
    """JSON text as SQL literals."""
    return ["'" + text.replace("\\", "\\\\").replace("'", "''") + "'" for text in documents]


PARTIAL = [
    "SET j = JSON_SET(j, '$.a', 2) WHERE id = 1",
    "SET j = JSON_SET(j, '$.new', 'n', '$.b[1]', 20, '$.b[9]', 4, '$.c.d.e', JSON_ARRAY(1, NULL)) WHERE id = 1",
    "SET j = JSON_REMOVE(j, '$.b[0]', '$.c.d') WHERE id = 1",
    "SET j = JSON_REPLACE(j, '$.a', JSON_OBJECT('o', 1), '$.missing', 3), v = 10 WHERE id = 1",
    "SET j = JSON_SET(j, '$.a[1]', 'wrapped') WHERE id = 1",
    "SET j = JSON_SET(JSON_REMOVE(JSON_REPLACE(j, '$.b', JSON_ARRAY()), '$.new'), '$.b[0]', 'first') WHERE id = 1",
    "SET j = JSON_ARRAY_APPEND(j, '$.b', 5), k = JSON_SET(k, '$[0]', 1) WHERE id = 1",
    "SET j = JSON_SET(j, '$[0]', -1, '$[last]', 'end', '$[1][last-1]', 11, '$[2].x', false, '$[2].y', 1.5) WHERE id = 2",
    "SET j = JSON_SET(j, '$[last][1]', 'wrap', '$[1][2]', 'append') WHERE id = 2",
    "SET j = JSON_REMOVE(j, '$[0]', '$[last]') WHERE id = 2",
    r"""SET j = JSON_SET(j, '$."a b"', 10, '$."c.d"[0]', 11, '$."\\""', 12, '$."ü"', 13, '$."$"', 14, '$.""', 15) WHERE id = 3""",
    r"""SET j = JSON_REMOVE(j, '$."a b"', '$."\\""', '$.""') WHERE id = 3""",
    """SET j = JSON_SET(j, '$."brackets[0]"', 1, '$."😀"', 2, '$."ü"', 'x') WHERE id = 3""",
    "SET j = JSON_SET(j, '$.n[0].m', 70000, '$.n[1]', REPEAT('t', 1000)) WHERE id = 4",
    "SET j = JSON_SET(j, '$.t', TIMESTAMP'2024-02-29 12:34:56.000001'), k = JSON_SET(k, '$.t', 1.50) WHERE id = 5",
    "SET j = JSON_SET(j, '$.t', 18446744073709551615), k = JSON_SET(k, '$.t', CAST(x'00ff' AS BINARY)) WHERE id = 5",
    """SET j = JSON_SET(j, '$.t', JSON_ARRAY(true, 1e-5)), k = '{"whole": "document"}' WHERE id = 5""",
    "SET note = 'untouched' WHERE id = 5",
    "SET j = JSON_SET(j, '$.t', 1) WHERE id = 5 OR id = 4",
    "SET j = JSON_SET(j, '$.same', 1), k = JSON_SET(k, '$.same', 1), v = v + 1",
    "SET j = NULL WHERE id = 5",
    "SET k = JSON_SET(k, '$.whole', 1) WHERE id IN (4, 5)",
]


@script("b18", only="mysql")
def _partial_updates(session, database):
    """Changes of documents are logged as such, and arrive as whole documents."""
    columns = [column("INT", name="id"), column("JSON", name="j"), column("VARCHAR(20)", name="note"),
               column("JSON", name="k"), column("INT", name="v")]
    watched = Watched(session, database, "b18", columns)
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, j JSON, note VARCHAR(20), k JSON, v INT)")
    documents = quoted(
        '{"a": 1, "b": [1, 2, 3], "c": {"d": {"e": "deep"}}, "pad": "' + "p" * 300 + '"}',
        '[0, [1, 2], {"x": true}, "' + "q" * 300 + '"]',
        r'{"a b": 1, "c.d": [1], "\"": 2, "ü": 3, "$": 4, "": 5, "pad": "' + "r" * 300 + '"}',
        '{"big": "' + "s" * 70000 + '", "n": [{"m": 1}]}',
        '{"t": 1, "pad": "' + "u" * 300 + '"}',
    )
    others = quoted("[]", '{"unchanged": 1}', "null", '{"z": null}', '{"t": 1, "pad": "' + "v" * 300 + '"}')
    rows = (f"({at}, {j}, 'row', {k}, {at})" for at, (j, k) in enumerate(zip(documents, others, strict=True), 1))
    watched.run(f"INSERT INTO {{t}} VALUES {', '.join(rows)}")
    session.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON")
    watched.run(*(f"UPDATE {{t}} {change}" for change in PARTIAL))
    session.execute("SET SESSION binlog_row_value_options = ''")
    return [watched.run("DELETE FROM {t}")]


@script("b18_partial", only="mysql")
def _partial_images(session, database):
    """Where the document before the change was not logged, the one after it is not captured; it is never NULL."""
    watched = Watched(session, database, "b18_partial", [column("INT", name="id"), column("JSON", name="j")])
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, j JSON)")
    watched.run("""INSERT INTO {t} VALUES (1, '{"a": 1, "pad": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}')""")
    session.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON, binlog_row_image = MINIMAL")
    watched.partial = {"j"}
    watched.run("UPDATE {t} SET j = JSON_SET(j, '$.a', 2)", whole=False)
    session.execute("SET SESSION binlog_row_value_options = '', binlog_row_image = FULL")
    watched.run("UPDATE {t} SET j = '[]'")
    return [watched]


CASES = [
    Table("b17", [column("JSON", *quoted(*NUMBERS, *TEXTS, *STRUCTURES), *LARGE)]),
    Table("b17_opaque", [column("JSON", *OPAQUE, *quoted(*DEEP))], only="mysql"),
    Table("b17_empty", [
        column("JSON", "NULL", "'null'"),
        column("JSON NOT NULL", "'\"\"'", "'{}'", only="mysql"),
    ]),
    _partial_updates,
    _partial_images,
]
