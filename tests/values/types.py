"""Columns of every type, at the edges of what they hold."""

from harness.oracle import Table, Watched, column, is_at_least, script

MARIADB, MYSQL = "mariadb", "mysql"

TIME = ("'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:00.000001'", "'-00:00:00.999999'", "'838:59:58.999999'",
        "'-838:59:58.999999'", "'12:34:56.789012'", "'-12:34:56.7'", "'-00:00:59.5'", "'00:00:00.1'")
DATETIME = ("'0000-00-00 00:00:00'", "'0001-01-01 00:00:00'", "'1000-01-01 00:00:00.000001'", "'1582-10-10 12:00:00'",
            "'9999-12-31 23:59:59.999999'", "'2023-10-11 08:33:28.123456'", "'2024-02-29 23:59:59.9'",
            "'2023-00-00 00:00:00'", "'2023-02-31 01:02:03.45'", "'1969-12-31 23:59:59.5'")
TIMESTAMP = ("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2023-10-11 08:33:28.123456'", "'2023-03-26 02:30:00'",
             "'2023-10-29 02:30:00.5'", "'2023-10-29 01:00:00.999999'", "'0000-00-00 00:00:00'", "'2000-01-01 00:00:00.1'")
SINGLES = ("0.1", "-0.0", "3.40282347e38", "-3.40282347e38", "1e-45", "1.17549435e-38", "16777216", "16777217", "8388609",
           "123456.789", "1e10", "3.14159265", "0.30000001", "1e-5", "33554431", "9.999999e9", "-1.5", "0", "1e38")
DOUBLES = ("0.1", "-0.0", "1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "2.2250738585072014e-308",
           "9007199254740993", "0.30000000000000004", "1e15", "1e-15", "123456789.123456789", "3.5", "0", "1e22")
DECIMAL65 = ("99999999999999999999999999999999999.999999999999999999999999999999",
             "-99999999999999999999999999999999999.999999999999999999999999999999",
             "0.000000000000000000000000000001", "-0.000000000000000000000000000001", "0", "-0.0", "1", "123456789.123456789",
             "100000000.000000001", "-1000000000000000000.5")
LABELS_300 = ", ".join(f"'label {number}'" for number in range(1, 301))
LABELS_64 = ", ".join(f"'m{number:02d}'" for number in range(64))
TRICKY = r"""'', 'a', 'b,c', 'it''s', 'back\\slash', '"quoted"', 'ü', 'ß', '中文', '`tick`', 'new
line', ' padded', '%_', 'NULL', '0', '(x)'"""
TRICKY_SET = r"""'a', 'it''s', 'back\\slash', '"quoted"', 'ü', 'ß', '中文', '`tick`', ' padded', '%_', 'NULL', '0'"""


def integers(type_, low, high):
    """The edges of an integer type, its middle bits, and zero."""
    return column(type_, low, high, 0, 1, high // 2 + 1, low // 2)


CASES = [
    Table("b01", [
        integers("TINYINT", -128, 127),
        integers("TINYINT UNSIGNED", 0, 255),
        integers("SMALLINT", -32768, 32767),
        integers("SMALLINT UNSIGNED", 0, 65535),
        integers("MEDIUMINT", -8388608, 8388607),
        integers("MEDIUMINT UNSIGNED", 0, 16777215),
        integers("INT", -2147483648, 2147483647),
        integers("INT UNSIGNED", 0, 4294967295),
        integers("BIGINT", -9223372036854775808, 9223372036854775807),
        integers("BIGINT UNSIGNED", 0, 18446744073709551615),
        column("INTEGER UNSIGNED", 4294967295, as_type="INT"),
        column("INT ZEROFILL", 4294967295, 7),
        column("TINYINT(3) ZEROFILL", 255, 7),
        column("BIGINT(20) ZEROFILL", 18446744073709551615, 7),
        column("MEDIUMINT ZEROFILL", 16777215, 8388608),
        column("INT1", -128, as_type="TINYINT"),
        column("INT2", -32768, as_type="SMALLINT"),
        column("INT3", -8388608, as_type="MEDIUMINT"),
        column("MIDDLEINT UNSIGNED", 16777215, as_type="MEDIUMINT"),
        column("INT4", -2147483648, as_type="INT"),
        column("INT8 UNSIGNED", 18446744073709551615, as_type="BIGINT"),
    ]),
    Table("b01_serial", [
        column("SERIAL", 18446744073709551614, 9223372036854775808, 1, as_type="BIGINT", name="s"),
    ], key="s"),
    Table("b02", [
        column("TINYINT(1)", -128, -1, 0, 1, 2, 127),
        column("TINYINT(1) UNSIGNED", 255, 0, 1),
        column("BOOL", "TRUE", "FALSE", -1, 2, as_type="TINYINT"),
        column("BOOLEAN DEFAULT TRUE", "DEFAULT", "FALSE", as_type="TINYINT"),
    ]),
    Table("b03", [
        column("DECIMAL(65,30)", *DECIMAL65),
        column("DECIMAL(65,0)", "9" * 65, "-" + "9" * 65, 0),
        column("DECIMAL(30,30)", "0." + "9" * 30, "-0." + "0" * 29 + "1", 0),
        column("DECIMAL(7,2)", 12345.67, "-0.01", 0, "348.00"),
        column("DECIMAL", 9999999999, -9999999999),
        column("DECIMAL(5,5)", "0.99999", "-0.00001"),
        column("NUMERIC(18,9)", "-123456789.000000001", "123456789.123456789", as_type="DECIMAL"),
        column("DEC(3,1)", "99.9", "-0.1", as_type="DECIMAL"),
        column("FIXED(8,4)", "1234.5678", "-0.0", as_type="DECIMAL"),
        column("DECIMAL(10,2) UNSIGNED", "99999999.99", 0),
        column("DECIMAL(8,2) ZEROFILL", "7.5"),
        *(column(f"DECIMAL({digits},{digits // 2})", "9" * (digits - digits // 2) + ".5", "-1.25") for digits in range(2, 40)),
    ]),
    Table("b04", [
        column("FLOAT", *SINGLES),
        column("FLOAT(7,3)", "1234.567", "-0.001", "9999.999"),
        column("FLOAT(23)", *SINGLES),
        column("FLOAT(24)", *SINGLES, as_type="FLOAT"),
        column("FLOAT(53)", *DOUBLES, as_type="DOUBLE"),
        column("FLOAT UNSIGNED", "0.7", "1e-40"),
        column("DOUBLE", *DOUBLES),
        column("DOUBLE(10,3)", "1234567.891", "-0.001"),
        column("REAL", *DOUBLES, as_type="DOUBLE"),
        column("DOUBLE PRECISION", *DOUBLES),
    ]),
    Table("b05", [
        column(f"BIT({width})", "b'1'", "b'0'", f"b'{'1' * width}'", f"b'1{'0' * (width - 1)}'", f"b'{'01' * (width // 2)}'")
        for width in (1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 63, 64)
    ] + [column("BIT", "b'1'", "b'0'"), column("BIT(8) DEFAULT b'101'", "DEFAULT")]),
    Table("b06", [
        column("YEAR", 1901, 2155, 0, "'0000'", "'70'", "'69'", "'2024'"),
        column("YEAR(4)", 1970),
        column("YEAR NOT NULL DEFAULT 0", "DEFAULT", 2000),
    ]),
    Table("b07", [
        column("DATE", "'0000-00-00'", "'2001-00-00'", "'2001-12-00'", "'2023-02-31'", "'0000-01-01'", "'2024-02-29'"),
        column("DATE NOT NULL DEFAULT '0000-00-00'", "DEFAULT", "'2001-00-00'"),
        column("DATETIME(6)", "'0000-00-00 00:00:00.000000'", "'2001-00-00 12:00:00.5'", "'2023-02-31 00:00:00'"),
        column("DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00'", "DEFAULT"),
        column("TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00'", "DEFAULT", "'2024-01-01 00:00:00'"),
        column("TIMESTAMP(6) NOT NULL DEFAULT '0000-00-00 00:00:00'", "DEFAULT"),
    ]),
    Table("b07_key", [
        column("DATETIME(3)", "'0000-00-00 00:00:00'", "'2001-00-00 00:00:00.001'", "'2001-01-00 00:00:00'", name="moment"),
    ], key="moment"),
    Table("b08", [
        column("DATE", "'0001-01-01'", "'1000-01-01'", "'1582-10-04'", "'1582-10-10'", "'1582-10-15'", "'9999-12-31'"),
        column("DATETIME(6)", *DATETIME),
    ]),
    Table("b09", [column("TIME", *TIME), *(column(f"TIME({decimals})", *TIME) for decimals in range(7))]),
    Table("b10", [
        column("DATETIME", *DATETIME), *(column(f"DATETIME({decimals})", *DATETIME) for decimals in range(7)),
    ]),
    Table("b12", [
        column(f"ENUM({TRICKY})", *range(1, 17), "'not a label'", 0),
        column(f"ENUM({LABELS_300})", 1, 255, 256, 300),
        column(f"SET({LABELS_64})", "'m00'", "'m63'", "'m00,m31,m32,m63'", 18446744073709551615, 0, "''"),
        column(f"SET({TRICKY_SET})", 1, 2, 4095, 2048, 0b101010101010),
        *(column(f"SET({LABELS_64[: 7 * count - 2]})", 1, 2**count - 1, 0) for count in (1, 7, 8, 9, 16, 17, 24, 25, 32, 33)),
        column("ENUM('x', 'X') COLLATE utf8mb4_bin", 1, 2),
        column("ENUM('only') NOT NULL", 1, "'wrong'"),
    ]),
    # The catalogs of both servers show these labels as question marks; the log does not.
    Table("b12_emoji", [
        column("ENUM('😀', 'a😀', '𝄞')", 1, 2, 3),
        column("SET('😀', 'a', '𝄞')", 7, 5),
    ]),
    Table("b14", [
        column("VARCHAR(255) CHARACTER SET latin1", "REPEAT('x', 255)", "''", "'trail  '"),
        column("VARCHAR(256) CHARACTER SET latin1", "REPEAT('x', 256)", "'y'", "''"),
        column("VARCHAR(63) CHARACTER SET utf8mb4", "REPEAT('😀', 63)", "'a'"),
        column("VARCHAR(64) CHARACTER SET utf8mb4", "REPEAT('😀', 64)", "'a'"),
        column("VARCHAR(2000)", "REPEAT('é', 2000)", "'a '"),
        column("CHAR(10)", "'pad'", "'pad  '", "''", "'1234567890'", "' lead'"),
        column("CHAR(63) CHARACTER SET utf8mb4", "REPEAT('😀', 63)", "'a'", "''"),
        column("CHAR(64) CHARACTER SET utf8mb4", "REPEAT('😀', 64)", "'a'", "''"),
        column("CHAR(255) CHARACTER SET utf8mb4", "REPEAT('😀', 255)", "'a'", "''"),
        column("CHAR(255) CHARACTER SET utf8mb3", "REPEAT('é', 255)", "'a'"),
        column("CHAR(0)", "''"),
        column("NCHAR(10)", "'né'", as_type="CHAR"),
        column("NATIONAL VARCHAR(10)", "'né'", as_type="VARCHAR"),
        column("NVARCHAR(300)", "REPEAT('é', 300)", as_type="VARCHAR"),
        column("LONG VARCHAR", "'long'", as_type="MEDIUMTEXT"),
        column("LONG VARBINARY", "x'00FF'", as_type="MEDIUMBLOB"),
        column("TEXT(10)", "'ten'", as_type="TINYTEXT"),
        column("TEXT(1000)", "'thousand'", as_type="TEXT"),
        column("TINYTEXT", "REPEAT('t', 255)", "''"),
        column("TEXT", "REPEAT('t', 65535)", "''"),
        column("MEDIUMTEXT", "REPEAT('t', 70000)", "''"),
        column("LONGTEXT", "REPEAT('t', 70000)", "''"),
    ], options="ROW_FORMAT=DYNAMIC"),
    Table("b15", [
        column("BINARY(16)", "x'01020304050607080900000000000000'", "x'00'", "''", "REPEAT(x'20', 16)", "x'FFFFFFFF'"),
        column("BINARY(255)", "x'00FF00'", "REPEAT(x'00', 255)"),
        column("BINARY(1)", "x'00'", "x'01'"),
        column("VARBINARY(20)", "x'0000'", "''", "x'DEADBEEF00'"),
        column("VARBINARY(1000)", "REPEAT(x'00', 1000)", "x'20'"),
        column("CHAR(4) CHARACTER SET binary", "x'00010000'", "'a'", as_type="BINARY"),
        column("VARCHAR(4) CHARACTER SET binary", "x'00010000'", as_type="VARBINARY"),
        column("TEXT CHARACTER SET binary", "x'00'", "''", as_type="BLOB"),
        column("TINYBLOB", "x'00'", "''", "REPEAT(x'FF', 255)"),
        column("BLOB", "x'00'", "''", "REPEAT(x'01', 65535)"),
        column("MEDIUMBLOB", "x'00'", "''", "REPEAT(x'01', 70000)"),
        column("LONGBLOB", "x'00'", "''", "REPEAT(x'01', 70000)"),
    ]),
    Table("b15_key", [
        column("BINARY(16)", "x'00'", "x'0100'", "x'010000000000000000000000000000FF'", "x'FF'", name="k"),
    ], key="k"),
    Table("b16", [
        column("VARCHAR(20) COLLATE utf8mb4_bin", "'Binär'", "''"),
        column("CHAR(20) CHARACTER SET latin1 COLLATE latin1_bin", "'Binär'"),
        column("TEXT COLLATE utf8mb4_bin", "'Binär'"),
        column("VARCHAR(20) BINARY", "'Binär'"),
    ]),
    Table("b20", [
        column("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'01890a5d-ac96-774b-bcce-b302099a8057'",
               "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
               "'ffffffff-ffff-1fff-8fff-ffffffff0000'", "'00000000-0000-1000-8000-000000000000'",
               "'123e4567-e89b-42d3-0456-426655440000'", "'123e4567-e89b-62d3-c456-426655440000'"),
        column("INET4", "'192.168.1.0'", "'0.0.0.0'", "'255.255.255.255'", "'10.0.0.1'"),
        column("INET6", "'2001:db8::ff00:42:8329'", "'::ffff:1.2.3.4'", "'::'", "'::1.2.3.4'", "'::1'", "'fe80::'",
               "'1::'", "'1:0:0:2::3'", "'::2:3'", "'::1:2'", "'::ffff:0:0'", "'1:2:3:4:5:6:7:8'", "'0:1:0:1:0:1:0:1'",
               "'64:ff9b::1.2.3.4'", "'1:0:2:3:4:5:6:7'", "'::2:0:3'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'"),
    ], only=MARIADB),
    Table("b20_key", [
        column("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'01890a5d-ac96-774b-bcce-b302099a8057'",
               "'00000000-0000-0000-0000-000000000000'", name="u"),
        column("INET6", "'::1'", "'::'", name="a"),
    ], key="u", only=MARIADB),
    Table("b21", [
        column("VECTOR(3)", "STRING_TO_VECTOR('[1,-2.5,3e10]')", "STRING_TO_VECTOR('[0,0,0]')"),
        column("VECTOR(2000)", f"STRING_TO_VECTOR('[{','.join(['0.1'] * 2000)}]')"),
        column("VECTOR", "STRING_TO_VECTOR('[7]')"),
    ], only=MYSQL),
    Table("b22", [
        column("GEOMETRY", "ST_GeomFromText('POINT(1 -1)')", "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')",
               "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),POLYGON((0 0,1 0,1 1,0 0)))')",
               "ST_GeomFromText('LINESTRING(0 0,1 1,2 3)')", "ST_GeomFromText('POINT(10 20)', 4326)"),
        column("POINT", "ST_GeomFromText('POINT(1e300 -0.1)')", "ST_GeomFromText('POINT(50 100)', 4326)"),
        column("LINESTRING", "ST_GeomFromText('LINESTRING(0 0,1 1)')"),
        column("POLYGON", "ST_GeomFromText('POLYGON((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1))')"),
        column("MULTIPOINT", "ST_GeomFromText('MULTIPOINT(0 0,1 1)')"),
        column("MULTILINESTRING", "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')"),
        column("MULTIPOLYGON", "ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))')"),
        column("GEOMETRYCOLLECTION", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')"),
        column("GEOMETRY SRID 4326", "ST_GeomFromText('POINT(10 20)', 4326)", only=MYSQL),
        column("VARCHAR(10) CHARACTER SET gbk", "'behind'"),
    ]),
    Table("a09", [
        column("VARCHAR(1000) COMPRESSED", "REPEAT('compress ', 100)", "'short'", "''", "'é'"),
        column("VARCHAR(200) COMPRESSED CHARACTER SET latin1", "REPEAT('é', 200)", "'é'"),
        column("VARBINARY(1000) COMPRESSED", "REPEAT(x'00', 1000)", "x'00'", "''"),
        column("TINYTEXT COMPRESSED", "REPEAT('t', 250)", "''"),
        column("TEXT COMPRESSED", "REPEAT('text ', 1000)", "'t'", "''"),
        column("MEDIUMTEXT COMPRESSED CHARACTER SET ucs2", "REPEAT('medium ', 20000)", "''"),
        column("LONGTEXT COMPRESSED", "REPEAT('long ', 20000)", "''"),
        column("TINYBLOB COMPRESSED", "REPEAT(x'07', 250)", "x'00'"),
        column("BLOB COMPRESSED", "REPEAT(x'0102', 1000)", "''"),
        column("MEDIUMBLOB COMPRESSED", "REPEAT(x'0102', 40000)", "''"),
        column("LONGBLOB COMPRESSED", "REPEAT(x'0102', 40000)", "''"),
        column("INT", 7),
    ], only=MARIADB),
]


@script("b21_mariadb", only=MARIADB)
def _vectors_of_mariadb(session, database):
    """MariaDB has vectors since 11.7; its log shows them as bytes."""
    if not is_at_least(session, 11, 7):
        return []
    table = Table("b21_mariadb", [
        column("VECTOR(3)", "VEC_FromText('[1,-2.5,3e10]')", "VEC_FromText('[0,0,0]')"),
        column("VECTOR(2000)", f"VEC_FromText('[{','.join(['0.1'] * 2000)}]')"),
        column("VARCHAR(10)", "'behind'"),
    ])
    return table.play(session, database)


@script("b11")
def _time_zones(session, database):
    """The session's zone changes; so do the hours, and not the instants. The server's own zone has a gap."""
    columns = [column("INT", name="id"), column("VARCHAR(40)", name="zone"),
               *(column(f"TIMESTAMP({decimals})", name=f"ts{decimals}") for decimals in range(7)),
               column("DATETIME", name="dt")]
    watched = Watched(session, database, "b11", columns)
    stamps = ", ".join(f"ts{decimals} TIMESTAMP({decimals}) NULL" for decimals in range(7))
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, zone VARCHAR(40), {stamps}, dt DATETIME)")
    row = 0
    for zone in ("SYSTEM", "+00:00", "+05:45", "-11:00", "+13:00"):
        session.execute(f"SET SESSION time_zone = '{zone}'")
        for text in TIMESTAMP:
            row += 1
            values = ", ".join([text] * 8)
            watched.run(f"INSERT INTO {{t}} VALUES ({row}, '{zone}', {values})")
    watched.run("UPDATE {t} SET ts6 = ts6 + INTERVAL 1 HOUR WHERE ts6 > 0", "DELETE FROM {t} WHERE id % 2 = 0")
    session.execute("SET SESSION time_zone = DEFAULT")
    return [watched]


@script("b12_lists")
def _changed_lists(session, database):
    """Labels are appended, inserted and reordered: old rows are decoded with the old list."""
    columns = [column("INT", name="id"), column("ENUM('')", name="e"), column("SET('')", name="s")]
    watched = Watched(session, database, "b12_lists", columns)
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, e ENUM('a','b'), s SET('x','y'))")
    watched.run("INSERT INTO {t} VALUES (1, 'a', 'x'), (2, 'b', 'x,y')")
    for number, (labels, members) in enumerate([
        ("'a','b','c'", "'x','y','z'"), ("'a','new','b','c'", "'x','new','y','z'"), ("'c','b','a','new'", "'z','y','x','new'"),
    ]):
        watched.alter(f"ALTER TABLE {{t}} MODIFY e ENUM({labels}), MODIFY s SET({members})", columns)
        watched.run(f"INSERT INTO {{t}} VALUES ({number + 3}, 'c', 'x,z')", "UPDATE {t} SET e = 'b', s = 'y' WHERE id > 2",
                    "UPDATE {t} SET e = 3, s = 5 WHERE id = 1")
    return [watched.run("DELETE FROM {t}")]


@script("b14_padding")
def _padding(session, database):
    """PAD_CHAR_TO_FULL_LENGTH changes what SELECT answers, and not what is logged."""
    watched = Watched(session, database, "b14_padding", [column("INT", name="id"), column("CHAR(20)", name="c")])
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, c CHAR(20))")
    session.execute("SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'")
    watched.run("INSERT INTO {t} VALUES (1, 'a'), (2, '')", "UPDATE {t} SET c = CONCAT(c, 'b')")
    session.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
    return [watched]


@script("b10_old_forms", only=MARIADB)
def _old_forms(session, database):
    """MariaDB's own forms of times, from before it took over those of MySQL 5.6."""
    columns = [
        column("TIME", *TIME), *(column(f"TIME({decimals})", *TIME) for decimals in range(7)),
        column("DATETIME", *DATETIME), *(column(f"DATETIME({decimals})", *DATETIME) for decimals in range(7)),
        column("TIMESTAMP NULL", *TIMESTAMP), *(column(f"TIMESTAMP({d}) NULL", *TIMESTAMP) for d in range(7)),
        column("VARCHAR(10)", "'behind'"),
    ]
    session.observe("SET GLOBAL mysql56_temporal_format = OFF")
    try:
        return Table("b10_old_forms", columns).play(session, database)
    finally:
        session.observe("SET GLOBAL mysql56_temporal_format = ON")


@script("b19")
def _json_alias(session, database):
    """MariaDB's JSON is the same type however it came into the table."""
    columns = [column("INT", name="id"), column("JSON", name="made"), column("JSON", name="added")]
    watched = Watched(session, database, "b19", columns[:2])
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, made JSON)")
    watched.run("""INSERT INTO {t} VALUES (1, '{"a": [1, 2.50]}')""")
    watched.alter("ALTER TABLE {t} ADD added JSON", columns)
    return [watched.run("""INSERT INTO {t} VALUES (2, '[]', '{"ü": null}')""", "DELETE FROM {t} WHERE id = 2")]


CASES += [_vectors_of_mariadb, _time_zones, _changed_lists, _padding, _old_forms, _json_alias]
