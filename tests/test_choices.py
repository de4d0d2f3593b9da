"""When a task cannot go on by itself: the choices are shown, what is chosen is done, once, and on record."""

import json
import random
import sqlite3
import urllib.request

import pytest

from harness import database, record, wait, wellhead

WRONG_USAGE, BAD_ANSWER = 2, 4
# An event that stays bad is tried eight times; pauses of a second make that seconds.
IMPATIENT = '[capture]\nheartbeat = "1s"\nretry_max_interval = "1s"\n'


@pytest.fixture(scope="module", params=list(database.KINDS))
def server(request, templates, session_folder):
    """A server of each kind whose log these tests may purge and damage; it describes no columns."""
    options = {"binlog-row-metadata": "MINIMAL"} if request.param == "mysql" else {}
    folder = session_folder / f"{request.param}-choices"
    server = database.KINDS[request.param](folder, options, templates[request.param]).start()
    server.create_user()
    yield server
    server.stop()


@pytest.fixture
def shop(server):
    """A database of the test's own with one table."""
    name = f"c{random.getrandbits(40):x}"
    server.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY, note VARCHAR(100))")
    yield name
    server.sql(f"DROP DATABASE {name}")


class Tracked:
    """A Wellhead with one task `shop` on a database, and a consumer that stays."""

    def __init__(self, server, database_name, wellhead_server, follow, port=None):
        self.server, self.database, self.wellhead = server, database_name, wellhead_server
        wellhead_server.start()
        url = server.url(port=port)
        body = {"source": {"url": url}, "objects": {database_name: {"all": True}}, "auto_start": True}
        wellhead_server.api("PUT", "/tasks/shop", body, expect=200)
        wellhead_server.wait_for_state("shop", "normal")
        self.topic = follow(wellhead_server.kafka, "shop", wellhead_server.new_login("shop"))

    def insert(self, *ids, note="x"):
        rows = ", ".join(f"({number}, '{note}')" for number in ids)
        self.server.sql(f"INSERT INTO {self.database}.t (id, note) VALUES {rows}")

    def wait_for_ids(self, *ids):
        """Waits until the consumer has these rows of the table, and no others."""

        def seen(records):
            return [record.after(row)["id"] for row in records if record.is_row(row)]

        self.topic.wait_for(lambda records: len(seen(records)) >= len(ids), f"rows {ids}")
        assert seen(self.topic.records) == list(ids)

    def pause(self):
        self.wellhead.api("POST", "/tasks/shop/pause", expect=202)

    def start(self):
        self.wellhead.api("POST", "/tasks/shop/start", expect=202)

    def task(self):
        return self.wellhead.task("shop")

    def fails(self):
        """Waits until the task has failed, and answers why."""
        return self.wellhead.wait_for_state("shop", "failed")["reason"]

    def cli(self, *arguments, code=0):
        """Runs `wellhead task …` without a terminal; answers what it printed."""
        done = wellhead.run("task", *arguments, "--data-dir", self.wellhead.data)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"exit {done.returncode}: {said}"
        return said

    def metrics(self):
        token = (self.wellhead.data / "admin.token").read_text().strip()
        request = urllib.request.Request(
            f"http://{self.wellhead.http}/metrics", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def audit(self):
        """What the audit trail holds, as (action, target, detail)."""
        with sqlite3.connect(f"file:{self.wellhead.data / 'catalog.db'}?mode=ro", uri=True) as trail:
            return trail.execute("SELECT action, target, detail FROM audit ORDER BY id").fetchall()


def test_a_log_that_cannot_be_opened_fails_its_own_task_and_no_other(server, shop, new_wellhead, follow):
    source = f'[[source]]\nname = "db"\nkind = "{server.kind}"\nurl = "{server.url()}"\n'
    tasks = "".join(
        f'[[task]]\nname = "{name}"\nsource = "db"\ntables = ["{shop}.*"]\ntitle = "Task {name}"\n'
        for name in ("broken", "sound")
    )
    wh = new_wellhead.serve(IMPATIENT + source + tasks).start()
    for name in ("broken", "sound"):
        wait.until(lambda name=name: wh.api("GET", f"/tasks/{name}")[0] == 200, f"task {name} to be defined")
        assert wh.wait_for_state(name, "normal")["title"] == f"Task {name}"
        # Without a place in its log it would start at another now.
        wait.until(lambda name=name: wh.task(name)["position"], f"a place in the log of {name}")
    wh.kill()
    meta = wh.data / "log" / "broken" / "0" / "partition.meta"
    whole = meta.read_bytes()
    meta.write_bytes(b"rubbish")
    wh.start()
    assert wh.wait_for_state("sound", "normal")
    reason = wh.wait_for_state("broken", "failed")["reason"]
    assert reason["code"] == "log_unusable" and "partition.meta" in reason["message"], reason
    topic = follow(wh.kafka, "sound", wh.new_login("sound"))
    server.sql(f"INSERT INTO {shop}.t VALUES (1, 'x')")
    topic.wait_for_rows(1)
    meta.write_bytes(whole)
    wh.api("POST", "/tasks/broken/start", expect=202)
    wh.wait_for_state("broken", "normal")
    follow(wh.kafka, "broken", wh.new_login("broken")).wait_for_rows(1)


def purge(server):
    """Forgets the log before the present file."""
    server.sql("FLUSH BINARY LOGS")
    newest = server.sql("SHOW BINARY LOGS")[-1][0]

    def is_gone():
        # What a reader that has just gone still holds is not purged yet.
        server.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return server.sql("SHOW BINARY LOGS")[0][0] == newest

    wait.until(is_gone, "the older files to be purged")


def damage(server, marker):
    """Spoils the row that holds `marker` in a closed file of the server's log, for good."""
    server.sql("FLUSH BINARY LOGS")
    for file in sorted(server.data.glob("binlog.0*"), reverse=True):
        # The statement's own text, which MariaDB logs before the row, holds it too.
        if (at := file.read_bytes().rfind(marker)) > 0:
            with open(file, "r+b") as log:
                log.seek(at)
                log.write(b"#")
            return
    raise AssertionError(f"no file of the log holds {marker}")


def test_e12_a_task_starts_at_what_people_write(server, shop, new_wellhead, follow):
    wh = new_wellhead.serve(IMPATIENT).start()

    def create(name, start, code=0):
        done = wellhead.run(
            "task", "create", name, "--source", server.url(), "--tables", f"{shop}.*", "--topic", name,
            "--start", start, "--auto-start", "--data-dir", wh.data,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    server.sql("FLUSH BINARY LOGS")
    server.sql(f"INSERT INTO {shop}.t VALUES (1, 'a')")
    file, offset = server.sql("SHOW BINARY LOGS")[-1][:2]
    server.sql(f"INSERT INTO {shop}.t VALUES (2, 'b')")
    for start, ids in {f"{file}:{offset}": [2], f"{file}:4": [1, 2], "earliest": [1, 2]}.items():
        name = f"t{random.getrandbits(30):x}"
        create(name, start)
        topic = follow(wh.kafka, name, wh.new_login(name))
        rows = topic.wait_for_rows(len(ids))
        assert [record.after(row)["id"] for row in rows] == ids, start
    create("t", "now")
    wh.wait_for_state("t", "normal")
    for start in ("yesterday", "@soon", "binlog", "gtid=nonsense", "@2096-01-01T00:00:00Z"):
        assert "earliest" in (said := create("u", start, code=WRONG_USAGE)) or "future" in said
    # Fixed when the task is created, and echoed both ways.
    timed = {"source": {"url": server.url()}, "tables": [f"{shop}.*"], "start": "@-10m"}
    first, again = (wh.api("PUT", "/tasks/timed", timed, expect=200)[1] for _ in range(2))
    assert again["start"] == first["start"]
    assert first["start_time"][:19] == first["start"][1:20]
    shown = wellhead.run("task", "show", "timed", "--data-dir", wh.data).stdout
    assert f"(@{first['start_time_unix']})" in shown, shown


def test_e04_purged_logs_leave_choices_and_a_kill_keeps_what_was_chosen(
    server, shop, new_wellhead, new_proxy, follow
):
    proxy = new_proxy(server.port)
    run = Tracked(server, shop, new_wellhead.serve(IMPATIENT), follow, proxy.port)
    run.insert(1)
    run.wait_for_ids(1)
    run.pause()
    run.insert(2)
    purge(server)
    run.insert(3)
    run.start()
    reason = run.fails()
    choice = "wellhead task start shop --start earliest --accept-gap"
    assert reason["code"] == "binlog_purged"
    assert any(told.startswith(choice) for told in reason["remedy"]), reason
    assert f"choose: {choice}" in run.cli("show", "shop")
    assert "NAME" not in json.dumps(reason)

    status, refused = run.wellhead.api("POST", "/tasks/shop/start", {"start": "earliest"})
    assert (status, refused["code"]) == (409, "gap_not_accepted"), refused
    assert "--accept-gap" in run.cli("start", "shop", "--start", "earliest", code=BAD_ANSWER)
    accepted = ("start", "shop", "--start", "earliest", "--accept-gap")
    assert "--yes" in run.cli(*accepted, code=WRONG_USAGE), "without a terminal nobody is asked"
    assert "never come into topic shop" in run.cli(*accepted, "--dry-run")
    assert (run.task()["state"], run.task()["gaps"]) == ("failed", [])

    proxy.cut_after(1)
    proxy.drop()
    run.cli(*accepted, "--yes")
    run.wellhead.kill()
    proxy.cut_after(None)
    run.wellhead.start()
    run.wait_for_ids(1, 3)
    run.insert(4)
    run.wait_for_ids(1, 3, 4)
    gap = wait.until(lambda: (run.task()["gaps"] or [None])[0], "the gap")
    assert (gap["cause"], gap["table"], gap["event"]) == ("binlog_purged", None, None)
    assert gap["from_position"] and gap["to_position"] and gap["from_time"] and gap["to_time"]
    assert "admin.sock" in gap["who"]
    assert "gap       binlog_purged: from" in run.cli("show", "shop")
    assert 'wellhead_capture_gaps_total{task="shop",cause="binlog_purged"} 1\n' in run.metrics()
    assert ("task.start", "task shop", "answered 202: start earliest, accept_gap true") in run.audit()

    # It is used up: after a restart the log alone says where to go on.
    run.wellhead.kill()
    run.wellhead.start()
    run.insert(5)
    run.wait_for_ids(1, 3, 4, 5)
    assert len(run.wellhead.api("GET", "/tasks/shop/gaps", expect=200)[1]["items"]) == 1
    within_budget(run.metrics())


def within_budget(metrics):
    """At most 60 series of the server, 45 of a task, 8 of a group; there is one of each."""
    series = [line for line in metrics.splitlines() if not line.startswith("#")]
    of_group = [line for line in series if 'group="' in line]
    of_task = [line for line in series if 'task="' in line and line not in of_group]
    sizes = len(series) - len(of_group) - len(of_task), len(of_task), len(of_group)
    print("series of the server, the task, the group:", sizes)
    assert sizes[0] <= 60 and sizes[1] <= 45 and sizes[2] <= 8, f"{sizes}:\n{metrics}"


def test_one_bad_event_is_tried_shown_and_skipped_and_nothing_else(server, shop, new_wellhead, follow):
    run = Tracked(server, shop, new_wellhead.serve(IMPATIENT), follow)
    run.insert(1)
    run.wait_for_ids(1)
    run.pause()
    marker = f"marker-{random.getrandbits(40):x}"
    run.insert(2, note=marker)
    run.insert(3)
    damage(server, marker.encode())
    run.start()
    trying = run.wellhead.wait_for_state("shop", "error", "failed")
    cause = trying["reason"]["code"]
    assert cause == "checksum_mismatch", trying
    reason = run.fails()
    assert "wellhead task event shop --skip" in reason["remedy"], reason

    event = run.wellhead.api("GET", "/tasks/shop/event", expect=200)[1]
    assert "WRITE_ROWS" in event["kind"] and event["code"] == cause, event
    assert marker[1:] in bytes.fromhex(event["hex"]).decode("latin-1")
    shown = run.cli("event", "shop")
    assert event["place"] in shown and "#ark" in shown, shown
    status, refused = run.wellhead.api("POST", "/tasks/shop/event/skip", {"place": event["place"] + "0"})
    assert status == 409, refused
    assert "--yes" in run.cli("event", "shop", "--skip", code=WRONG_USAGE)
    assert event["place"] in run.cli("event", "shop", "--skip", "--dry-run")
    assert run.task()["gaps"] == []
    run.cli("event", "shop", "--skip", "--yes")
    run.wait_for_ids(1, 3)
    gap = wait.until(lambda: (run.task()["gaps"] or [None])[0], "the gap")
    assert (gap["event"]["place"], gap["cause"]) == (event["place"], cause)
    assert bytes.fromhex(gap["event"]["hex"]) == bytes.fromhex(event["hex"])
    assert f'wellhead_capture_gaps_total{{task="shop",cause="{cause}"}} 1\n' in run.metrics()
    acts = [detail for action, _, detail in run.audit() if action == "event.skip"]
    assert any(event["place"] in detail for detail in acts), acts
    assert run.wellhead.api("GET", "/tasks/shop/event")[0] == 404
    within_budget(run.metrics())

    # The decision was for that one event: coming by again changes nothing.
    run.wellhead.kill()
    run.wellhead.start()
    run.insert(4)
    run.wait_for_ids(1, 3, 4)
    assert len(run.task()["gaps"]) == 1


def redefine_unseen(run, *statements):
    """Changes definitions so that the log does not show it."""
    run.server.sql("SET SESSION sql_log_bin = 0", *statements)


@pytest.mark.parametrize("decision", ["skip", "retry"])
def test_a_held_table_is_shown_and_decided_about(server, shop, new_wellhead, follow, decision):
    run = Tracked(server, shop, new_wellhead.serve(IMPATIENT), follow)
    server.sql(f"CREATE TABLE {shop}.u (id INT PRIMARY KEY)")
    run.insert(1)
    run.wait_for_ids(1)
    run.pause()
    table = f"{shop}.t"
    # A row under a definition that was neither before nor after: nobody can know what it was.
    redefine_unseen(run, f"ALTER TABLE {table} ADD COLUMN lost DATETIME(3) FIRST")
    server.sql(f"INSERT INTO {table} (id, note) VALUES (2, 'held')")
    redefine_unseen(run, f"ALTER TABLE {table} DROP COLUMN lost")
    server.sql(f"INSERT INTO {shop}.u VALUES (100)")
    run.start()
    run.wait_for_ids(1, 100)

    def held():
        tables = run.wellhead.api("GET", "/tasks/shop/tables", expect=200)[1]["items"]
        return {one["name"]: one for one in tables if one["state"] == "quarantined"}.get(table)

    why = wait.until(held, "the table to be held back")["held"]
    assert (why["decision"], bool(why["from_position"])) == ("pending", True), why
    assert f"wellhead task table shop {table} retry" in run.cli("show", "shop")
    assert why["code"] in run.cli("table", "shop")
    assert 'wellhead_capture_tables{task="shop",state="quarantined"} 1\n' in run.metrics()
    run.cli("table", "shop", f"{shop}.nothing", "retry", code=WRONG_USAGE)
    if decision == "retry":
        text = run.wellhead.folder / "t.sql"
        columns = "id INT PRIMARY KEY, note VARCHAR(100)) DEFAULT CHARSET=utf8mb4"
        text.write_text(f"CREATE TABLE t (lost DATETIME(3), {columns}")
        run.cli("table", "shop", table, "retry", "--definition", text)
        run.wait_for_ids(1, 100, 2)
        assert run.task()["gaps"] == []
    else:
        assert "--yes" in run.cli("table", "shop", table, "skip", code=WRONG_USAGE)
        run.cli("table", "shop", table, "skip", "--yes")
        gap = wait.until(lambda: (run.task()["gaps"] or [None])[0], "the gap")
        assert (gap["table"], gap["cause"]) == (table, why["code"])
        assert any(action == "table.skip" for action, _, _ in run.audit())
    wait.until(lambda: not held(), "the table to be delivered again")
    run.insert(3)
    if decision == "retry":
        # That definition held until the second change that the log does not show.
        wait.until(held, "the table to be held back again")
        text.write_text(f"CREATE TABLE t ({columns}")
        run.cli("table", "shop", table, "retry", "--definition", text)
    run.wait_for_ids(*((1, 100, 2, 3) if decision == "retry" else (1, 100, 3)))
