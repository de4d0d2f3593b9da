"""Canal 1.1.7 embedded: its store in memory, its entries fetched in batches, counted and dropped."""

import os

import process
import workload

from . import Failed, Result, jvm

MEMORY = ("-Xms1g", "-Xmx2g", "-XX:+UseParallelGC")
# Below this rate something is wrong.
ROWS_PER_SECOND_MIN = 2_000
# So much of the binlog shows which number of parsing threads suits it. Its threads wake each other for every event:
# with small statements on few cores the single thread is three times as fast, with large ones it is slower.
TRIAL_ROWS = 200_000


def prepare():
    """Brings in Canal and Java; answers their versions."""
    jvm.install("java", "canal")
    return {"canal": jvm.version("canal", "canal.server"), "java": jvm.java_version()}


def run(server, rows, scratch):
    """Reads the binlog once, in the way that was fastest for its beginning."""
    choices = (0, 1, os.cpu_count() or 2)
    trials = {threads: _run(server, min(rows, TRIAL_ROWS), scratch, threads).seconds for threads in choices}
    threads = min(trials, key=trials.get)
    result = _run(server, rows, scratch, threads)
    if result.rows != rows:
        raise Failed(f"Canal handed out {result.rows} row changes of {rows}")
    result.note["trial_seconds_by_parsing_threads"] = trials
    return result


def _run(server, rows, scratch, threads):
    class_path = jvm.compiled("canal", "Counter.java", "CanalPeer.java")
    arguments = (server.port, "cdc", "cdc", workload.DATABASE, server.binlogs()[0][0], threads, rows)
    server_cpu = process.cpu_s(server.process.pid)
    with jvm.Jvm(scratch / "canal.log", (*MEMORY, *jvm.logging()), class_path, "CanalPeer", *arguments) as program:
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
