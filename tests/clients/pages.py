"""Runs the examples of `docs/clients/` as they stand, and waits for the rows that they print."""

import json
import os
import re
import shutil
import signal
import subprocess

from harness import paths, wait

import tour

DEADLINE_S = 120
PAGES = paths.REPOSITORY / "docs" / "clients"


def does_what_it_says(folder, served, scratch, more=()):
    """Runs the first shell block of a page in a copy of `docs/clients/`, and waits for each row of the topic."""
    shutil.copytree(PAGES, scratch / "clients", ignore=shutil.ignore_patterns("jars", "classes", "node_modules", "target"))
    page = scratch / "clients" / folder
    prints_every_row(["bash", "-euc", first_block(page)], served, page, more)


def first_block(page):
    """The first shell commands of a page."""
    return re.search(r"```sh\n(.*?)```", (page / "README.md").read_text(), re.DOTALL)[1]


def prints_every_row(command, served, folder, more=()):
    """Starts an example in its folder of `docs/clients/` and waits until it has printed each row of the topic once."""
    with served.new_login() as login:
        environment = tour.environment(served, login, more)
        prints_the_rows(command, served.folder / f"page-{login.group}", PAGES / folder, environment, served.rows)


def prints_the_rows(command, log, folder, environment, rows):
    """Starts a program and waits until it has printed these rows: offset, operation, table."""
    log.mkdir(parents=True)
    errors = log / "errors"
    # Appended to, since the program and this test share one place in the file.
    with open(log / "said", "a+b") as said:
        with open(errors, "wb") as beside:
            program = subprocess.Popen(
                list(map(str, command)), env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=said,
                stderr=beside, start_new_session=True)
        try:
            wait.until(
                lambda: program.poll() is not None or len(changes(said)) >= len(rows),
                lambda: f"the rows of the topic; {folder} printed {len(changes(said))}\n{end_of(errors)}",
                DEADLINE_S, 0.1)
        finally:
            ended = program.poll()
            # A shell and what it runs, together.
            os.killpg(program.pid, signal.SIGKILL)
            program.wait(30)
        assert ended is None, f"{folder} ended with {ended}\n{end_of(errors)}"
        seen = changes(said)
    printed = [(change["offset"], change["operation"], change["table"]) for change in seen]
    assert printed == rows, f"printed {printed}, the topic has {rows}\n{end_of(errors)}"
    ids = [str(change["after"]["id"]) for change in seen]
    assert ids == [str(number) for number in range(len(ids))]


def changes(said):
    """The whole lines of a program's output, parsed; lines that are not JSON objects are a library's own chatter.

    Maven ends in colours, without a line of its own.
    """
    said.seek(0)
    lines = [re.sub(rb"^(\x1b\[\d*m)+", b"", line) for line in said.read().split(b"\n")[:-1]]
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def end_of(log):
    """The end of what a program logged."""
    return log.read_text(errors="replace")[-3000:]
