"""Wellhead's own side of a catch-up: from the start of its process until every row change is durable in its log."""

import contextlib
import time

from harness import wait
from harness.wellhead import Wellhead

import process
import workload
from watch import Watch
from wrong import Wrong

# Heartbeats come every five seconds; a few may fall into a run.
HEARTBEATS_AT_START = 3
# So slow is no machine that is worth measuring on.
ROWS_PER_S_MIN = 5_000


@contextlib.contextmanager
def tap(server, folder, *arguments, tables=None):
    """A `wellhead tap` that reads the server's binlog from its start, spawned but not awaited; ends with the block."""
    which = ("--tables", tables, "--name", workload.DATABASE) if tables else ()
    url = server.url("" if tables else workload.DATABASE)
    wellhead = Wellhead.tap(folder, url, "--start", "start", "--tls", "disable", *which, *arguments)
    wellhead.spawn()
    try:
        yield wellhead
    finally:
        wellhead.stop(60)


def catch_up(server, folder, rows, meanwhile=None, tables=None):
    """The figures of one catch-up with the database `shop`, or with other `tables`.

    `meanwhile(wellhead)` is entered as soon as it serves and left at the end.
    """
    server_cpu = process.cpu_s(server.process.pid)
    began = time.monotonic()
    with tap(server, folder, tables=tables) as wellhead, contextlib.ExitStack() as ends:
        watch = Watch(wellhead)
        if meanwhile:
            wait.until(wellhead.ready, watch.last, 60)
            ends.enter_context(meanwhile(wellhead))
        until_durable(watch, rows)
        return figures(wellhead, watch, rows, began) | {
            "server_cpu_seconds": process.cpu_s(server.process.pid) - server_cpu
        }


def until_durable(watch, rows):
    """Waits until so many row changes are durable and the log has stopped growing."""
    deadline_s = 120 + rows / ROWS_PER_S_MIN
    wait.until(lambda: watch.look().rows >= rows * 0.9, watch.last, deadline_s, 0.05)
    wait.until(lambda: watch.settled(rows), watch.last, deadline_s, 0.01)


def figures(wellhead, watch, rows, began):
    """What the watch saw when the log grew last.

    The counter of rows says what was handed to the thread that writes, so it does not suffice: the log's end offset
    moves only after fdatasync. It must hold exactly the rows, two records a transaction, the DDL statements, and a
    few heartbeats.
    """
    seen, seconds = watch.seen, watch.grown_at - began
    heartbeats = seen.end_offset - seen.expected
    if seen.rows != rows or not 0 <= heartbeats <= HEARTBEATS_AT_START + seconds:
        raise Wrong(f"the binlog has {rows} row changes, Wellhead's log {seen}")
    return {
        "seconds": seconds,
        "rows": rows,
        "cpu_seconds": watch.cpu_at_growth,
        "memory_peak_mib": process.memory_peak_mib(wellhead.process.pid),
        "log_bytes": seen.log_bytes,
        "records": seen.end_offset,
        "heartbeats": heartbeats,
    }
