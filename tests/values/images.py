"""What is in a row's images: partial ones, rows without keys, keys that change."""

from harness.oracle import Watched, column, is_at_least, script

COLUMNS = [column("INT", name="id"), column("VARCHAR(20)", name="name"), column("TEXT", name="note"),
           column("INT", name="nothing"), column("BLOB", name="bytes")]
DEFINITION = "(id INT PRIMARY KEY, name VARCHAR(20), note TEXT, nothing INT, bytes BLOB)"


@script("c01")
def _row_images(session, database):
    """A session switches between them: what was not logged is marked, and is not NULL; the key is always there."""
    watched = Watched(session, database, "c01", COLUMNS)
    session.execute(f"CREATE TABLE {watched.full_name} {DEFINITION}")
    # MariaDB 11 can leave out of the after image what is in the one before.
    more = ["FULL_NODUP"] if session.server.kind == "mariadb" and is_at_least(session, 11) else []
    for number, image in enumerate(["FULL", "NOBLOB", "MINIMAL", *more, "FULL"]):
        session.execute(f"SET SESSION binlog_row_image = {image}")
        whole = image == "FULL"
        first, second = 2 * number + 1, 2 * number + 2
        watched.run(
            f"INSERT INTO {{t}} VALUES ({first}, 'a', 'note', NULL, x'00'), ({second}, NULL, NULL, NULL, NULL)",
            f"INSERT INTO {{t}} (id, name) VALUES ({first + 100}, 'part')",
            f"UPDATE {{t}} SET name = 'b' WHERE id = {first}",
            f"UPDATE {{t}} SET note = 'changed', nothing = 5 WHERE id IN ({first}, {second})",
            f"UPDATE {{t}} SET note = NULL, bytes = x'FF' WHERE id = {first}",
            f"DELETE FROM {{t}} WHERE id = {second}",
            whole=whole,
        )
    return [watched]


@script("c02")
def _without_primary_key(session, database):
    """A unique key that may be NULL, one that may not, and none at all."""
    unique = Watched(session, database, "c02_unique", [column("INT", name="a"), column("INT", name="b")], ("a",))
    session.execute(f"CREATE TABLE {unique.full_name} (a INT NOT NULL, b INT, UNIQUE KEY only_a (a), UNIQUE KEY both_ (b, a))")
    unique.run("INSERT INTO {t} VALUES (1, 1), (2, NULL)", "UPDATE {t} SET b = 5", "DELETE FROM {t} WHERE a = 2")
    bare = Watched(session, database, "c02_bare", [column("INT", name="a"), column("VARCHAR(9)", name="b")], ("a", "b"))
    session.execute(f"CREATE TABLE {bare.full_name} (a INT, b VARCHAR(9))")
    bare.run("INSERT INTO {t} VALUES (1, 'x'), (NULL, NULL), (2, 'y')", "DELETE FROM {t} WHERE a = 2")
    same = Watched(session, database, "c02_same", [column("INT", name="a")], ("a",))
    session.execute(f"CREATE TABLE {same.full_name} (a INT)")
    session.execute(f"INSERT INTO {same.full_name} VALUES (1), (1), (1)")
    session.execute(f"UPDATE {same.full_name} SET a = 2")
    session.execute(f"DELETE FROM {same.full_name} LIMIT 2")
    one, two = {"a": "1"}, {"a": "2"}
    for pair in [(None, one)] * 3 + [(one, two)] * 3 + [(two, None)] * 2:
        same.expect(pair)
    return [unique, bare, same]


@script("c03")
def _changed_keys(session, database):
    """A key that changes: one update with the old key in one image and the new one in the other."""
    watched = Watched(session, database, "c03", [column("INT", name="id"), column("INT", name="v")])
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, v INT)")
    watched.run("INSERT INTO {t} VALUES (1, 10), (2, 20)")

    def row(id_, v):
        return {"id": str(id_), "v": str(v)}

    for image, whole in (("FULL", True), ("MINIMAL", False)):
        session.execute(f"SET SESSION binlog_row_image = {image}")
        for old, new in ((1, 3), (3, 1)):
            session.execute(f"UPDATE {watched.full_name} SET id = {new} WHERE id = {old}")
            watched.expect((row(old, 10), row(new, 10)), whole=whole)
    session.execute("SET SESSION binlog_row_image = FULL")
    return [watched]


@script("c06")
def _updates_without_change(session, database):
    """What the server does not log is not delivered: an update to the same values leaves no trace."""
    watched = Watched(session, database, "c06", [column("INT", name="id"), column("INT", name="v")])
    session.execute(f"CREATE TABLE {watched.full_name} (id INT PRIMARY KEY, v INT)")
    return [watched.run("INSERT INTO {t} VALUES (1, 10)", "UPDATE {t} SET v = 10", "UPDATE {t} SET v = v + 1")]


CASES = [_row_images, _without_primary_key, _changed_keys, _updates_without_change]
