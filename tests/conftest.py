"""Servers and Wellheads for the tests; everything started here is ended here."""

import contextlib
import functools
import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from harness import clients, database, load, paths, proxy, wellhead


def pytest_sessionstart(session):
    """Missing parts are an error before the first test, never a skipped one."""
    parts = (paths.wellhead_binary(), paths.MYSQL_ROOT, paths.MARIADB_11_ROOT, paths.JARS)
    missing = [part for part in parts if not part.exists()]
    if missing and not session.config.option.collectonly:
        pytest.exit(f"missing: {', '.join(map(str, missing))}. Run ./check, which brings them in", 3)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What each Wellhead of a failed test printed stands in its report."""
    report = (yield).get_result()
    if report.failed:
        for server in getattr(item, "wellheads", []):
            report.sections.append((f"wellhead in {server.folder.name}", server.log_tail()))


@pytest.fixture(scope="session")
def session_folder():
    """A short path: the sockets of the servers live below it."""
    folder = Path(tempfile.mkdtemp(prefix="wh-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def scratch():
    """A folder of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="wh-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def templates(session_folder):
    """An empty installation of each kind."""
    return database.Templates(session_folder)


@pytest.fixture(scope="session")
def sources(templates, session_folder):
    """A running server of each kind from the first test that asks for it to the end of all."""
    with contextlib.ExitStack() as ends:

        @functools.cache
        def running(name):
            server = database.EVERY_KIND[name](session_folder / name, template=templates[name])
            ends.callback(server.stop)
            server.start().create_user()
            return server

        yield running


@pytest.fixture(scope="session", params=list(database.KINDS))
def source(request, sources):
    """A running server of each kind, shared by the tests that neither stop nor reconfigure it.

    Each test uses a database of its own name; the account `cdc` may read all.
    """
    return sources(request.param)


@pytest.fixture(params=list(database.KINDS))
def new_source(request, templates, scratch):
    """Makes servers of each kind for one test, with options of its own."""
    with contextlib.ExitStack() as ends:

        def make(options=None, start=True):
            folder = scratch / f"{request.param}-{len(os.listdir(scratch))}"
            server = database.EVERY_KIND[request.param](folder, options, templates[request.param])
            ends.callback(server.stop)
            if start:
                server.start()
                server.create_user()
            return server

        yield make


@pytest.fixture
def new_wellhead(request, scratch):
    """Makes Wellheads that end with the test: `new_wellhead.tap(url)`, `new_wellhead.serve()`."""
    request.node.wellheads = []

    class Make:
        @staticmethod
        def tap(url, *arguments, name="wellhead", **options):
            return keep(wellhead.Wellhead.tap(scratch / name, url, *arguments, **options))

        @staticmethod
        def serve(extra="", name="wellhead", **options):
            return keep(wellhead.Wellhead.serve(scratch / name, extra, **options))

    def keep(server):
        request.node.wellheads.append(server)
        return server

    yield Make
    for server in request.node.wellheads:
        server.kill()


@pytest.fixture
def follow():
    """Follows topics for the length of the test."""
    with contextlib.ExitStack() as ends:

        def make(broker, topic, login=clients.Login()):
            follower = clients.Follower(broker, topic, login)
            ends.callback(follower.close)
            return follower

        yield make


@pytest.fixture
def schema(request, source):
    """A database name of the test's own on the shared server, dropped afterwards."""
    name = f"t{random.getrandbits(40):x}"
    source.sql(f"CREATE DATABASE {name}")
    yield name
    source.sql(f"DROP DATABASE {name}")


@pytest.fixture
def new_ledger():
    """Makes ledgers whose writers end with the test."""
    made = []

    def make(server, name=None):
        ledger = load.Ledger(server, name or f"l{random.getrandbits(40):x}")
        made.append(ledger)
        return ledger.create()

    yield make
    for ledger in made:
        ledger.stopping.set()
        for thread in ledger.threads:
            thread.join(60)


@pytest.fixture
def dice():
    """Randomness whose seed is printed; `WELLHEAD_TEST_SEED` repeats a run."""
    seed = int(os.environ.get("WELLHEAD_TEST_SEED") or random.getrandbits(32))
    print(f"WELLHEAD_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def new_proxy():
    """Makes proxies that end with the test."""
    made = []

    def make(port):
        made.append(proxy.Proxy(port))
        return made[-1]

    yield make
    for one in made:
        one.close()
