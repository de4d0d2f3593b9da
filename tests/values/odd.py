"""Defaults, names, widths and hidden columns that decoders trip over."""

from harness.oracle import Table, Watched, column, script

DEFAULTS = [
    "INT DEFAULT 0x1F", "INT DEFAULT b'101'", "INT DEFAULT -1", "INT DEFAULT '7'", "DECIMAL(10,4) DEFAULT 1.5e3",
    "DOUBLE DEFAULT 1e-300", "FLOAT DEFAULT .5", "BIT(8) DEFAULT b'0'", "BIT(64) DEFAULT 0xFFFFFFFFFFFFFFFF",
    "VARCHAR(20) DEFAULT _latin1'caf\\'e'", "VARCHAR(20) DEFAULT N'n'", "VARCHAR(20) DEFAULT 'a''b\\\\c'",
    "VARCHAR(20) DEFAULT 0x4142", "CHAR(3) DEFAULT ''", "BINARY(4) DEFAULT 0x00", "ENUM('a','b') DEFAULT 'b'",
    "SET('a','b') DEFAULT 'a,b'", "DATE DEFAULT 0", "DATE DEFAULT '2024-02-29'", "DATETIME DEFAULT CURRENT_TIMESTAMP",
    "DATETIME(6) DEFAULT NOW(6) ON UPDATE CURRENT_TIMESTAMP(6)", "TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3)",
    "TIMESTAMP NOT NULL DEFAULT 0", "YEAR DEFAULT 1999", "TIME DEFAULT '-01:00:00'", "VARCHAR(36) DEFAULT (UUID())",
    "INT DEFAULT (1 + 2 * (3))", "TEXT DEFAULT ('text')", "JSON DEFAULT (JSON_ARRAY())", "DOUBLE DEFAULT (PI())",
    "BOOLEAN DEFAULT TRUE", "INT NOT NULL COMMENT 'DEFAULT 5, ''quoted''' DEFAULT 6", "VARCHAR(10) DEFAULT NULL",
    "INT UNSIGNED ZEROFILL DEFAULT 3",
]
NAMES = ["Case", "case_", "with space", "dot.ted", "sl/ash", "dol$lar", "tick`s", 'quo"te', "it's", "emoji_é中文", "select", "NULL",
         "0digit", "percent%", "back\\slash", "@at", "#hash", "-- dash", "a" * 64, "новый", "comma,", "(paren)", "{t}", ";semi"]
TABLES = ["Name", "with space", "dot.ted", "tick`s", 'quo"te', "it's", "測試表格", "select", "dol$lar", "back\\slash", "sl/ash",
          "per%cent", "{t}x"]


def alias(type_):
    """The plain type behind BOOLEAN."""
    return "TINYINT" if type_.startswith("BOOLEAN") else ""


@script("b26")
def _tables(session, database):
    """Tables whose names need quotes."""
    watched = []
    for name in TABLES:
        table = Watched(session, database, name, [column("INT", name="id"), column("VARCHAR(9)", name="v")])
        session.execute(f"CREATE TABLE {table.full_name} (id INT PRIMARY KEY, v VARCHAR(9))")
        for statement in ("INSERT INTO {} VALUES (1, 'a')", "UPDATE {} SET v = 'b'", "DELETE FROM {}"):
            session.execute(statement.format(table.full_name))
            table.look()
        watched.append(table)
    return watched


@script("b26_case")
def _names_by_case(session, database):
    """Names that differ by case alone are tables of their own where the server says so."""
    watched = []
    for name, column_name in (("b26_case", "lower"), ("B26_CASE", "UPPER")):
        table = Watched(session, database, name, [column("INT", name="id"), column("INT", name=column_name)])
        session.execute(f"CREATE TABLE {table.full_name} (id INT PRIMARY KEY, `{column_name}` INT)")
        watched.append(table)
    watched[0].run("INSERT INTO {t} VALUES (1, 1)")
    watched[1].run("INSERT INTO {t} VALUES (1, 2)")
    watched[0].run("UPDATE {t} SET `lower` = 3")
    return watched


def wide(session, database, name, count, definition, value):
    """A table of so many columns, all NULL but the last, then only the last NULL, then all."""
    columns = [column("INT", name="id"), *(column(definition, name=f"c{number}") for number in range(1, count))]
    watched = Watched(session, database, name, columns)
    definitions = ", ".join(f"c{number} {definition}" for number in range(1, count))
    engine = "" if count <= 1017 else "ENGINE=MyISAM"
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, {definitions}) {engine}")
    last = f"c{count - 1}"
    others = "".join(f"{value}, " for _ in range(count - 2))
    return watched.run(
        f"INSERT INTO {{t}} (id, {last}) VALUES (1, {value})",
        f"INSERT INTO {{t}} VALUES (2, {others}NULL)",
        "INSERT INTO {t} (id) VALUES (3)",
        f"UPDATE {{t}} SET c1 = {value}, {last} = NULL",
        "DELETE FROM {t}",
    )


@script("b27")
def _wide_tables(session, database):
    """Null bitmaps of every length around a byte, and as many columns as a table can have."""
    most = 4096 if session.server.kind == "mysql" else 2600  # what MariaDB's own files of definitions hold
    counts = (2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000, most)
    return [wide(session, database, f"b27_{count}", count, "TINYINT", "-1") for count in counts]


@script("b23")
def _generated_columns(session, database):
    """Generated columns are logged, stored or not; those that hide behind an index over an expression are not shown."""
    columns = [column("INT", name="id"), column("INT", name="made"), column("VARCHAR(20)", name="text"),
               column("INT", name="kept"), column("INT", name="behind")]
    watched = Watched(session, database, "b23", columns)
    session.execute(
        f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, made INT GENERATED ALWAYS AS (id * 2) VIRTUAL, text VARCHAR(20), "
        "kept INT GENERATED ALWAYS AS (id + LENGTH(text)) STORED, behind INT, KEY (made))"
    )
    watched.run("INSERT INTO {t} (id, text, behind) VALUES (1, 'a', -1), (2, NULL, NULL)",
                "UPDATE {t} SET text = 'longer', behind = 5", "DELETE FROM {t} WHERE id = 1")
    if session.server.kind == "mariadb":
        return [watched]
    hidden = Watched(session, database, "b23_hidden", [
        column("INT", name="id"), column("VARCHAR(20)", name="text"), column("JSON", name="list"), column("INT", name="behind"),
    ])
    session.execute(
        f"CREATE TABLE {hidden.full_name} (id INT PRIMARY KEY, text VARCHAR(20), list JSON, behind INT, KEY ((LOWER(text))), "
        "KEY ((CAST(list->'$.a' AS UNSIGNED ARRAY))))"
    )
    return [watched, hidden.run(
        """INSERT INTO {t} VALUES (1, 'A', '{"a": [1, 2]}', -1), (2, NULL, NULL, NULL)""",
        """UPDATE {t} SET list = '{"a": [3]}', behind = 5""", "DELETE FROM {t} WHERE id = 1",
    )]


@script("b24")
def _invisible_columns(session, database):
    """Invisible columns are shown like any other, and so is the key that the server made."""
    columns = [column("INT", name="id"), column("INT", name="unseen"), column("VARCHAR(9)", name="text")]
    watched = Watched(session, database, "b24", columns)
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, unseen INT INVISIBLE, text VARCHAR(9))")
    watched.run("INSERT INTO {t} VALUES (1, 'a')", "INSERT INTO {t} (id, unseen, text) VALUES (2, 7, 'b')",
                "UPDATE {t} SET unseen = -1", "DELETE FROM {t} WHERE id = 1")
    if session.server.kind == "mariadb":
        return [watched]
    keyed = Watched(session, database, "b24_key", [column("BIGINT", name="my_row_id"), column("INT", name="a")], ("my_row_id",))
    session.execute("SET SESSION sql_generate_invisible_primary_key = ON")
    session.execute(f"CREATE TABLE {keyed.full_name} (a INT)")
    session.execute("SET SESSION sql_generate_invisible_primary_key = OFF")
    return [watched, keyed.run("INSERT INTO {t} VALUES (1), (1)", "UPDATE {t} SET a = 2", "DELETE FROM {t} LIMIT 1")]


CASES = [
    _generated_columns,
    _invisible_columns,
    Table("b25", [column(type_, "DEFAULT", as_type=alias(type_)) for type_ in DEFAULTS]),
    Table("b26_columns", [column("INT", 1, 2, name=name) for name in NAMES]),
    _tables,
    _names_by_case,
    _wide_tables,
]
