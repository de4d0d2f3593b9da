"""`wellhead code` prints the program of a page, filled in: it runs with nothing else but the password."""

import os
import sys

from harness import clients, record, wellhead

import pages

WITHOUT_SETTINGS = {name: value for name, value in os.environ.items() if not name.startswith("WELLHEAD_")}


def written(server, scratch, *arguments):
    """Lets a server's command line write a program; answers its folder."""
    done = wellhead.run("--data-dir", server.data, "code", *arguments, "--into", scratch / "code")
    assert done.returncode == 0, done.stderr
    assert "start it there with:" in done.stdout
    return scratch / "code" / "python"


def test_a_program_reads_its_task_as_its_group(served, scratch):
    with served.new_login() as login:
        account = login.user.removesuffix(f"-{login.group}")
        folder = written(served.server, scratch, served.topic, "--client", "python", "--group", account)
        assert "YOUR_PASSWORD" in (folder / "consume.py").read_text()
        environment = WITHOUT_SETTINGS | {"WELLHEAD_PASSWORD": login.password}
        pages.prints_the_rows([sys.executable, "consume.py"], scratch / "run", folder, environment, served.rows)

        shown = wellhead.run("--data-dir", served.server.data, "group", "show", account, "--task", served.topic,
                             "--client", "python")
        assert shown.stdout == (folder / "consume.py").read_text()
        assert f"put the password of group {account}" in shown.stderr


def test_a_program_for_tap_needs_no_login(served, client_source, new_wellhead, scratch):
    tapped = new_wellhead.tap(client_source.url(served.topic), "--start", "earliest").start()
    name = tapped.api("GET", "/tasks", expect=200)[1]["items"][0]["name"]
    folder = written(tapped, scratch, name, "--client", "python")
    follower = clients.Follower(tapped.kafka, name)
    follower.wait_for_rows(len(served.rows))
    follower.close()
    records = clients.read_all(tapped.kafka, name)
    rows = [(offset, entry["operation"], entry["objectName"]) for offset, entry in records if record.is_row(entry)]
    assert len(rows) == len(served.rows)
    pages.prints_the_rows([sys.executable, "consume.py"], scratch / "run", folder, WITHOUT_SETTINGS, rows)


def test_what_there_is_no_program_for_is_said(served):
    done = wellhead.run("--data-dir", served.server.data, "code", served.topic, "--client", "cobol")
    assert done.returncode == 2 and "there are: dts-sdk, flink, go, java, kcat, node, python, rust" in done.stderr
