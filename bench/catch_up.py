"""Catch-up against raw dump, in turn, in one run. Started by `bench/run`, which brings in what this needs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from harness import paths, wellhead

import arguments
import binlog
import measure
import report
import workload


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked = arguments.parse()
    what = workload.WIDE if asked.wide else workload.ORDERS
    server, contents = binlog.obtain(what, asked.rows or what.rows, asked.per_statement, asked.fresh, say)
    # Beside the binlog, not in a temporary folder: that may be memory, where nothing is ever durable.
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=binlog.FOLDER))
    try:
        described = {"workload": what.name, "rows_per_statement": asked.per_statement}
        figures = described | run(server, contents, scratch, asked.rounds)
    finally:
        server.stop()
        if asked.keep:
            say(f"kept {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    path = report.write(figures)
    print(report.table(figures))
    say(f"all figures: {path.relative_to(paths.REPOSITORY)}")


def run(server, contents, scratch, rounds):
    """Measures, and answers everything that is to be reported."""
    size = sum(size for _, size in server.binlogs())
    began = int(time.time())
    copy = report.derive(measure.file_copy(server, scratch / "copy"), contents.rows, size)
    measured = []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        measured.append(one_round(server, contents.rows, size, scratch))
    return {
        "began_unix": began,
        "machine": report.machine(),
        "mysql": server.version(),
        "wellhead": wellhead.run("--version").stdout.strip(),
        "commit": commit(),
        "rows": contents.rows,
        "transactions": contents.transactions,
        "binlog_bytes": size,
        "copy": copy,
        "rounds": measured,
        "median": report.medians(measured),
    }


def one_round(server, rows, size, scratch):
    """The dump, then the catch-up; what the one left in the kernel's hands is flushed before the other."""
    load = report.load()
    empty(scratch)
    raw = report.derive(measure.raw_dump(server, scratch / "raw"), rows, size)
    os.sync()
    caught_up = report.derive(measure.catch_up(server, scratch / "wellhead", rows), rows, size)
    return {"load": load, "raw": raw, "wellhead": caught_up, "ratio": raw["seconds"] / caught_up["seconds"]}


def empty(folder):
    """Removes what the round before left, and waits until the disk is at rest."""
    for entry in folder.iterdir():
        shutil.rmtree(entry)
    os.sync()


def commit():
    """The commit that was measured, marked if the working tree differs from it."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=paths.REPOSITORY, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def say(text):
    """Tells the person at the terminal; the table alone goes to standard output."""
    print(f"    {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
