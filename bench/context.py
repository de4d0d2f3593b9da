"""What every row of the table is measured with: the sources, the scratch folder, how often, how much."""

import contextlib
import dataclasses
import os
import shutil
from pathlib import Path

import binlog
import workload

TINY_ROWS = 4_000
# Shares of a figure that tiny input is cut to, so that all paths are walked in a few seconds.
TINY_SHARE = 100


@dataclasses.dataclass(frozen=True)
class Context:
    """One run of the benchmark."""

    # Emptied before each measurement.
    scratch: Path
    # Servers whose data is not kept.
    sources: Path
    rounds: int
    # In how many of them, the first ones, the peers that capture take part.
    peer_rounds: int
    # Whether the peers take part.
    peers: bool
    # Everything once and small: nothing is to be learned from the figures.
    tiny: bool
    fresh: bool
    rows: int | None
    per_statement: int | None
    say: object

    @contextlib.contextmanager
    def source(self, what, per_statement, kind="mysql"):
        """A running server whose binlog is that workload, and what it holds."""
        rows, within = self.rows or what.rows, binlog.FOLDER
        if self.tiny:
            rows, within = TINY_ROWS, self.sources
            what = dataclasses.replace(what, inserts=min(what.inserts, TINY_ROWS))
        per_statement = self.per_statement or per_statement
        server, contents = binlog.obtain(kind, what, rows, per_statement, self.fresh, self.say, within)
        try:
            yield server, contents
        finally:
            server.stop()

    @contextlib.contextmanager
    def live_source(self):
        """A running MySQL server with an empty binlog and an empty database `shop`, to be written to."""
        folder = self.sources / "live"
        server = binlog.MySql(folder)
        try:
            server.start()
            server.sql(f"CREATE DATABASE {workload.DATABASE}")
            server.begin_anew()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def empty_scratch(self):
        """Removes what was measured before, and waits until the disk is at rest."""
        for entry in self.scratch.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        os.sync()

    def few(self, number):
        """A number of the full run, or what is left of it on tiny input."""
        return max(1, number // TINY_SHARE) if self.tiny else number
