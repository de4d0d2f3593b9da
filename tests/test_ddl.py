"""Definitions followed through the log against what each server says of its tables, statement by statement."""

import json
import re
import subprocess

import pytest
from harness import database, paths

CORPUS = paths.REPOSITORY / "crates/mysql/src/ddl/corpus"


@pytest.fixture(scope="session")
def oracle():
    """The example program that runs a corpus and compares; `./check` has built it, so this is quick."""
    built = subprocess.run(
        ["cargo", "build", "--quiet", "--locked", "-p", "wellhead-mysql", "--example", "ddl_oracle",
         "--message-format=json"],
        cwd=paths.REPOSITORY, check=True, capture_output=True, text=True,
    )
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    programs = [message.get("executable") for message in messages]
    return next(program for program in programs if program)


def run(oracle, source, *files):
    """Runs corpus files on a server; answers what the oracle printed, and whether all was equal."""
    url = f"mysql://oracle:oracle@127.0.0.1:{source.port}/"
    done = subprocess.run([oracle, url, *map(str, files)], capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr, done.returncode == 0


@pytest.fixture
def new_server(new_source):
    """Makes servers of the test's own: the corpus moves defaults and logs about."""

    def make(options=None):
        server = new_source(options)
        server.create_user("oracle", "oracle", "ALL")
        server.sql("GRANT GRANT OPTION ON *.* TO oracle@'%'")
        return server

    return make


@pytest.mark.parametrize("new_source", list(database.EVERY_KIND), indirect=True)
def test_d01_each_statement_of_the_corpus_leaves_the_definitions_of_the_catalog(oracle, new_server, tmp_path):
    server = new_server()
    report, equal = run(oracle, server, CORPUS / "both.sql", CORPUS / f"{server.kind}.sql")
    assert equal, report
    run_count, stale = map(int, re.search(r"(\d+) statements run.* (\d+) stale", report).groups())
    assert run_count > 350 and stale < 8, report

    # The oracle can fail: a table made behind the log's back, and one that the log does not fit any more.
    for text, complaint in [
        ("SET sql_log_bin = 0;\nCREATE TABLE ddl.t (a INT);\n", "the model does not have it"),
        ("CREATE TABLE ddl.t (a INT);\nSET sql_log_bin = 0;\nALTER TABLE ddl.t ADD b INT;\n", "ddl.t differs"),
        ("--: stale ddl.t\nCREATE TABLE ddl.t (a INT);\n", "should be stale"),
    ]:
        wrong = tmp_path / "wrong.sql"
        wrong.write_text("CREATE DATABASE ddl;\n" + text)
        report, equal = run(oracle, server, wrong)
        assert not equal and complaint in report, report


@pytest.mark.parametrize("new_source", ["mariadb"], indirect=True)
def test_d15_names_in_any_case_are_one_table_where_the_server_says_so(oracle, new_server):
    server = new_server({"lower-case-table-names": "1"})
    report, equal = run(oracle, server, CORPUS / "lower_case.sql")
    assert equal, report
