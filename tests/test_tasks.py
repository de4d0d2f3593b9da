"""Tasks over the API and the command line."""

import re

from harness import clients, load, record, wait, wellhead

def test_two_tasks_side_by_side_do_not_mix(source, new_wellhead, new_ledger, follow):
    server = new_wellhead.serve().start()
    ledgers = [new_ledger(source), new_ledger(source)]
    for ledger in ledgers:
        server.track_now(ledger.name, source, ledger.name)
    for ledger in ledgers:
        ledger.fill().start()
    for ledger in ledgers:
        ledger.wait_for_commits(100)
    finals = [ledger.stop() for ledger in ledgers]
    for ledger, final in zip(ledgers, finals, strict=True):
        login = server.new_login(ledger.name)
        topic = follow(server.kafka, ledger.name, login)
        topic.wait_for_rows(sum(final.values()) + len(final))
        load.assert_each_change_once(topic.records, final)
        names = {entry["objectName"] for entry in topic.records if record.is_row(entry)}
        assert names == {f"{ledger.name}.counters"}


def test_a_task_waits_for_start_pauses_and_resumes_without_a_gap(source, new_wellhead, new_ledger, follow):
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    server.track("shop", source, ledger.name)
    server.wait_for_state("shop", "not_started")
    server.api("POST", "/tasks/shop/start", expect=202)
    server.wait_for_state("shop", "normal")
    ledger.fill().start()
    ledger.wait_for_commits(30)
    server.api("POST", "/tasks/shop/pause", expect=202)
    server.wait_for_state("shop", "stopped")
    ledger.wait_for_commits(30)
    server.api("POST", "/tasks/shop/resume", expect=202)
    final = ledger.stop()
    topic = follow(server.kafka, "shop", server.new_login("shop"))
    topic.wait_for_rows(sum(final.values()) + len(final))
    load.assert_each_change_once(topic.records, final)


def test_the_data_range_spans_what_the_topic_holds(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    server.track_now("shop", source, ledger.name)
    ledger.fill()
    login = server.new_login("shop")
    wait.until(lambda: clients.end_of(server.kafka, "shop", login) > load.ROWS, "the rows to arrive")
    _, span = server.api("GET", "/tasks/shop/data-range", expect=200)
    text = str(span)
    assert "offset" in text and "unix" in text, span


def test_a_group_has_an_id_of_dts_form_and_a_login_of_its_own(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    server.track("shop", source, new_ledger(source).name)
    login = server.new_login("shop", "billing")
    assert re.fullmatch("dts[a-z0-9]{15}", login.group) and login.user == f"billing-{login.group}"
    _, shown = server.api("GET", "/tasks/shop/groups/billing", expect=200)
    assert shown["group_id"] == login.group
    assert wellhead.GROUP_PASSWORD not in str(shown)


def test_a_deleted_task_is_gone_from_every_side(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    server.track_now("shop", source, ledger.name)
    assert server.api("DELETE", "/tasks/shop")[0] in (200, 202, 204)
    wait.until(lambda: server.api("GET", "/tasks/shop")[0] == 404, "the task to be gone")
    assert "shop" not in str(server.api("GET", "/tasks", expect=200)[1])


def test_tasks_and_groups_outlive_a_restart(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    server.track_now("shop", source, ledger.name)
    login = server.new_login("shop")
    ledger.fill()
    first = clients.Confluent().read(server.kafka, "shop", clients.COMMITTED, 10, login)
    assert server.stop(5) == 0
    server.start()
    second = clients.Confluent().read(server.kafka, "shop", clients.COMMITTED, 10, login)
    assert [offset for offset, _ in first + second] == list(range(20))


def test_a_broken_request_is_answered_as_a_problem(new_wellhead):
    server = new_wellhead.serve().start()
    status, problem = server.api("GET", "/tasks/nobody")
    assert status == 404 and problem["status"] == 404 and problem["code"] and problem["detail"]
    status, problem = server.api("PUT", "/tasks/shop", {"source": {"url": "gopher://x"}})
    assert status in (400, 422) and problem["errors"], problem


def test_without_the_token_nothing_is_answered(new_wellhead):
    server = new_wellhead.serve().start()
    (server.data / "admin.token").rename(server.folder / "kept")
    (server.data / "admin.token").write_text("wh_wrong")
    assert server.api("GET", "/tasks")[0] == 401
    assert (server.folder / "kept").stat().st_mode & 0o077 == 0, "the token is readable by its owner alone"


def test_the_command_line_asks_the_running_server(source, new_wellhead, new_ledger):
    server = new_wellhead.serve().start()
    ledger = new_ledger(source)
    server.track("shop", source, ledger.name, auto_start=True)
    where = ("--url", f"http://{server.http}", "--token-file", server.data / "admin.token")
    for command in (("task", "list"), ("task", "show", "shop"), ("health",)):
        done = wellhead.run(*command, *where)
        assert done.returncode in (0, 4), done.stderr
        assert command[0] == "health" or "shop" in done.stdout
    gone = wellhead.run("task", "show", "nobody", *where)
    assert gone.returncode != 0 and "nobody" in gone.stderr
    refused = wellhead.run("task", "delete", "shop", *where)
    assert refused.returncode == 2 and "--yes" in refused.stderr, "no terminal, no --yes: nothing is destroyed"
    assert server.task("shop")["state"]
