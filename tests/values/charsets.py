"""Every character set that the server has, for text of every length and for labels."""

from harness.oracle import Watched, column, script

# Bytes of the sets with more than one byte a character: letters, and the characters that decoders differ on.
MULTI_BYTE = {
    "big5": "A4A4 A55C A145 A1C2 A1E3 A241 A242 A244 C6E7 C7FC",
    "gb2312": "D6D0 A1A4 A1AA B0A1",
    "gbk": "D6D0 815C A1A4 A1AA FE4F",
    "gb18030": "D6D0 9439DA33 8130AE38 A6D9 A3A0 FE59",
    "euckr": "B0A1 A1A1 C8FE",
    "sjis": "82A0 835C 815F 8160 8161 817C 8191 B1",
    "cp932": "82A0 835C 815F 8160 8740 FA40 B1",
    "ujis": "A4A2 A1C0 A1C1 A1DD 8EB1 8FB0A1 F5A1",
    "eucjpms": "A4A2 A1C0 A1C1 ADA1 8FF3F3 8FF4FE 8FF5A1",
    "ucs2": "4E2D 00E9 20AC 0061",
    "utf16": "4E2D 00E9 D83DDE00 0061",
    "utf16le": "2D4E E900 3DD800DE 6100",
    "utf32": "00004E2D 000000E9 0001F600 00000061",
    "utf8mb3": "C3A9 E4B8AD 61",
    "utf8mb4": "C3A9 E4B8AD F09F9880 61",
}


def characters(session, charset):
    """The characters to try, as hexadecimal digits: all bytes that mean something, or those above."""
    every = MULTI_BYTE[charset].split() if charset in MULTI_BYTE else [f"{byte:02X}" for byte in range(256)]
    texts = ", ".join(f"HEX(CONVERT(_{charset} X'{one}' USING utf8mb4))" for one in every)
    [answer] = session.observe(f"SELECT {texts}")
    return [one for one, text in zip(every, answer, strict=True) if text not in (None, "", "3F") or one == "3F"]


@script("b13")
def _character_sets(session, database):
    """Raw bytes with the name of the set, and labels in UTF-8."""
    tables = []
    answer = session.observe("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS ORDER BY 1")
    for charset in (name for (name,) in answer if name != "binary"):
        tried = characters(session, charset)
        # A space at the end, a NUL and a comma are no parts of labels; neither is one letter in two forms.
        plain = [one for one in tried if not (len(one) == 2 and int(one, 16) <= 0x40)]
        binary = f"{charset}_bin"
        labels = ", ".join(f"X'{one}'" for one in plain)
        members = ", ".join(f"X'{one}'" for one in plain[-60:])
        name = f"b13_{charset}"
        columns = [column("INT", name="id"), column("CHAR(10)", name="c"), column("VARCHAR(300)", name="v"),
                   column("TEXT", name="t"), column("MEDIUMTEXT", name="m"), column("ENUM('')", name="e"),
                   column("SET('')", name="s")]
        watched = Watched(session, database, name, columns)
        session.execute(
            f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, c CHAR(10), v VARCHAR(300), t TEXT, m MEDIUMTEXT, "
            f"e ENUM({labels}), s SET({members})) CHARACTER SET {charset} COLLATE {binary}"
        )
        text = f"_{charset} X'{''.join(tried)}'"
        count = len(plain)
        rows = [f"(0, _{charset} X'{plain[-1]}', {text}, {text}, {text}, 1, 1)", "(1, '', '', '', '', NULL, 0)"]
        rows += [f"({at + 1}, _{charset} X'{plain[at - 1]}', 'a', 'b', 'c', {at}, 1 << {at % min(count, 60)})"
                 for at in range(1, count + 1)]
        watched.run(f"INSERT INTO {{t}} VALUES {', '.join(rows)}")
        tables.append(watched.run("UPDATE {t} SET t = v, v = 'x' WHERE id = 0", "DELETE FROM {t} WHERE id < 2"))
    return tables


@script("b13_convert")
def _converted(session, database):
    """CONVERT TO switches at its position: rows before it in the old set, rows behind it in the new one."""
    columns = [column("INT", name="id"), column("VARCHAR(20)", name="v"), column("LONGTEXT", name="t"),
               column("ENUM('')", name="e")]
    watched = Watched(session, database, "b13_convert", columns)
    session.execute(
        f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, v VARCHAR(20), t LONGTEXT, e ENUM('é','ü')) CHARACTER SET latin1"
    )
    watched.run("INSERT INTO {t} VALUES (1, 'é', 'ü', 'é')")
    for number, charset in enumerate(("utf8mb4", "utf16", "latin1", "gbk"), 2):
        watched.alter(f"ALTER TABLE {{t}} CONVERT TO CHARACTER SET {charset}", columns)
        watched.run(f"INSERT INTO {{t}} VALUES ({number}, 'é', 'ü', 'ü')", "UPDATE {t} SET v = CONCAT(v, 'à')")
    return [watched]


@script("b13_broken")
def _broken_text(session, database):
    """Bytes that are no text arrive as they are stored."""
    columns = [column("INT", name="id"), column("VARCHAR(20) CHARACTER SET latin1", name="v")]
    watched = Watched(session, database, "b13_broken", columns)
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET cp1250)")
    return [watched.run("INSERT INTO {t} VALUES (1, _cp1250 X'81618390'), (2, 'whole')")]


# What a client may speak, and words in it.
STATEMENTS = {
    "latin1": "café œuvre €", "latin2": "żółw", "cp1250": "žluťoučký", "cp1251": "Привет", "koi8r": "привет", "greek": "αβγ",
    "hebrew": "שלום", "cp850": "ça", "gbk": "中文乗", "big5": "中文功", "sjis": "日本ソ", "cp932": "日本①", "ujis": "日本", "euckr": "한국",
    "utf8mb3": "é中", "utf8mb4": "é中😀",
}
PYTHON_NAMES = {"latin1": "cp1252", "latin2": "iso8859_2", "koi8r": "koi8_r", "greek": "iso8859_7", "hebrew": "iso8859_8",
                "sjis": "shift_jis", "ujis": "euc_jp", "euckr": "euc_kr", "utf8mb3": "utf-8", "utf8mb4": "utf-8"}


@script("b13_statements")
def _statements(session, database):
    """A statement is delivered in UTF-8, whatever its client spoke; its column has the labels it meant."""
    tables = []
    for charset, text in STATEMENTS.items():
        name = f"b13_ddl_{charset}"
        watched = Watched(session, database, name, [column("INT", name="id"), column("ENUM('')", name="e")])
        word = text.split()[0]
        if charset == "utf8mb4":
            word = word.replace("😀", "")  # the catalogs show it as a question mark
        watched.statement = (
            f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, e ENUM('{word}')) CHARACTER SET utf8mb4 COMMENT '{text}'"
        )
        session.execute(f"SET NAMES {charset}")
        session.writer.query(watched.statement.encode(PYTHON_NAMES.get(charset, charset)))
        session.execute("SET NAMES utf8mb4")
        tables.append(watched.run("INSERT INTO {t} VALUES (1, 1)"))
    return tables


CASES = [_character_sets, _converted, _broken_text, _statements]
