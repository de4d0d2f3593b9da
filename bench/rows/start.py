"""From the start of the process until a Fetch is answered, with 10 GB of log, after an orderly end and a `kill -9`.

The log is made once, by capturing a source that writes compressible noise; while it grows, its rate and its memory are
noted, and at some sizes the start is measured: that is the plot of cost against the size of the log.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

import bulk
import capture
import kafka_fetch
import machine
import process
import workload
from harness import wait
from line import Line
from watch import Watch

SIZES_GB = (0.1, 1, 2, 5, 10)
ROWS_PER_GB = 1_000_000_000 // bulk.ROW_BYTES
PER_TRANSACTION = 10_000
DROP_CACHES = Path("/proc/sys/vm/drop_caches")


class Start:
    """One log that grows, stopped and killed at each size."""

    name = "start"
    about = "start until a Fetch is answered"

    def measure(self, context):
        """The log is removed with the scratch folder at the end."""
        sizes = (0.001, 0.002) if context.tiny else SIZES_GB
        measured = {"load": machine.load(), "sizes": []}
        with context.live_source() as server, contextlib.ExitStack() as ends:
            bulk.prepare(server)
            wellhead = ends.enter_context(capture.tap(server, context.scratch / "wellhead"))
            wait.until(wellhead.ready, wellhead.log_tail, 60)
            rows = 0
            for size in sizes:
                context.say(f"{self.name}: growing the log to {size} GB")
                more = int(size * ROWS_PER_GB) - rows
                grown = grow(server, wellhead, rows, more)
                rows += more
                starts = self._starts(server, wellhead, rows, context)
                measured["sizes"].append({"gb": size, "growing": grown, "starts": starts})
        context.empty_scratch()
        return measured

    @staticmethod
    def _starts(server, wellhead, rows, context):
        """Seconds of each kind of start, each as often as there are rounds."""
        found = {"log_bytes": Watch(wellhead).look().log_bytes, "clean": [], "killed": [], "killed_cold": []}
        for number in range(context.rounds):
            wellhead.stop(60)
            found["clean"].append(start(wellhead))
            kill_while_writing(server, wellhead, rows + number * 2 * PER_TRANSACTION)
            found["killed"].append(start(wellhead))
            kill_while_writing(server, wellhead, rows + (number * 2 + 1) * PER_TRANSACTION)
            if forget_files():
                found["killed_cold"].append(start(wellhead))
            else:
                wellhead.start()
        found["memory_mib"] = process.memory_mib(wellhead.process.pid)
        return found

    def lines(self, measured):
        """The slowest start of each kind at the largest size."""
        last = measured["sizes"][-1]
        gigabytes = last["starts"]["log_bytes"] / 1e9
        for kind, title in (
            ("clean", "after an orderly end"), ("killed", "after kill -9"),
            ("killed_cold", "after kill -9, nothing of it in memory"),
        ):
            if last["starts"][kind]:
                slowest = max(last["starts"][kind])
                about = f"{self.about}, {gigabytes:.1f} GB of log, {title}"
                yield Line(about, f"{slowest:.2f} s", "", slowest, "s", 2, 0.3, more_is_better=False)


def grow(server, wellhead, first, rows):
    """Writes so many rows and waits until the log has them; answers the rate, and the memory meanwhile."""
    watch = Watch(wellhead)
    before = watch.look()
    process.forget_peak(wellhead.process.pid)
    began, cpu = time.monotonic(), process.cpu_s(wellhead.process.pid)
    for at in range(0, rows, bulk.ROWS_PER_NUMBERS):
        bulk.write(server, first + at, min(bulk.ROWS_PER_NUMBERS, rows - at), PER_TRANSACTION, compressed=True)
    wrote = time.monotonic() - began
    # Counters begin at nought with each start of the process, so the difference is what counts.
    wait.until(lambda: watch.settled(before.rows + rows), watch.last, 600, 0.02)
    return {
        "rows": rows,
        "seconds": watch.grown_at - began,
        "source_seconds": wrote,
        "cpu_seconds": watch.cpu_at_growth - cpu,
        "log_bytes": watch.seen.log_bytes - before.log_bytes,
        "memory_peak_mib": process.memory_peak_mib(wellhead.process.pid),
    }


def start(wellhead):
    """Seconds until a Fetch of the first record is answered."""
    began = time.monotonic()
    wellhead.spawn()
    answered = kafka_fetch.until_answered(wellhead.kafka_port, workload.DATABASE, 0, wellhead.alive)
    wait.until(wellhead.ready, wellhead.log_tail, 60)
    return answered - began


def kill_while_writing(server, wellhead, first):
    """`kill -9` in the middle of a capture."""
    watch = Watch(wellhead)
    before = watch.look().end_offset
    writing = threading.Thread(target=bulk.write, args=(server, first, PER_TRANSACTION, PER_TRANSACTION // 10))
    writing.start()
    wait.until(lambda: watch.look().end_offset > before, watch.last, 60, 0.005)
    wellhead.kill()
    writing.join()


def forget_files():
    """Empties the page cache, where that is allowed."""
    os.sync()
    try:
        DROP_CACHES.write_text("1")
    except OSError:
        return False
    return True
