"""Canal 1.1.7 embedded: its store in memory, its entries fetched in batches, counted and dropped."""

import os

import process
import workload

from . import Failed, Result, jvm, parts

MEMORY = ("-Xms1g", "-Xmx2g", "-XX:+UseParallelGC")
# Below this rate something is wrong.
ROWS_PER_SECOND_MIN = 2_000
# So much of the binlog shows which number of parsing threads suits it. Its threads wake each other for every event:
# with small statements on few cores the single thread is three times as fast, with large ones it is slower.
TRIAL_ROWS = 200_000
_TRIED = {}


def prepare():
    """Brings in Canal and Java; answers their versions."""
    parts.install("java", "canal")
    _class_path()
    return {"canal": parts.version("canal", "canal.server"), "java": parts.java_version()}


def run(server, rows, scratch):
    """Reads the binlog once, in the way that was fastest for its beginning."""
    trials = _trials(server, min(rows, TRIAL_ROWS), scratch)
    result = _run(server, rows, scratch, min(trials, key=trials.get))
    if result.rows != rows:
        raise Failed(f"Canal handed out {result.rows} row changes of {rows}")
    result.note["trial_seconds_by_parsing_threads"] = trials
    return result


def _trials(server, rows, scratch):
    """Seconds from the first row change on, by the number of parsing threads; measured once for each binlog."""
    if server.folder not in _TRIED:
        _TRIED[server.folder] = {}
        for threads in (0, 1, os.cpu_count() or 2):
            tried = _run(server, rows, scratch, threads)
            _TRIED[server.folder][threads] = tried.seconds - tried.first_row_seconds
    return _TRIED[server.folder]


def _run(server, rows, scratch, threads):
    arguments = (server.port, "cdc", "cdc", workload.DATABASE, server.binlogs()[0][0], threads, rows)
    server_cpu = process.cpu_s(server.process.pid)
    with jvm.Jvm(scratch / "canal.log", (*MEMORY, *jvm.logging()), _class_path(), "CanalPeer", *arguments) as program:
        first, _ = program.line("first", 120)
        done, (counted, length) = program.line("done", 120 + rows / ROWS_PER_SECOND_MIN)
        return Result(
            rows=int(counted),
            seconds=done - program.began,
            first_row_seconds=first - program.began,
            cpu_seconds=program.cpu_s(),
            peak_rss_bytes=program.peak_rss_bytes(),
            server_cpu_seconds=process.cpu_s(server.process.pid) - server_cpu,
            note={"java_options": MEMORY, "parsing_threads": threads, "bytes_handed_out": int(length)},
        )


def _class_path():
    return parts.compiled("canal", "Counter.java", "CanalPeer.java")
