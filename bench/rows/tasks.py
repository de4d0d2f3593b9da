"""Many tasks in one Wellhead: a thousand that have nothing to do, and twenty that have all."""

import statistics
import time

import machine
import process
import workload
from harness import wait
from harness.wellhead import Wellhead
from line import Line
from watch import Watch

IDLE_TASKS = 1_000
IDLE_S = 10
BUSY_TASKS = 20
BUSY_S = 10
KEEP = '[defaults.keep]\nretention = "30d"\n'


class Idle:
    """Every task has a source connection, a log and a topic of its own."""

    name = "idle-tasks"
    about = f"{IDLE_TASKS:,} idle tasks"

    def measure(self, context):
        """Made over the API, then left alone; one row at the end has to reach all of them."""
        count = 20 if context.tiny else IDLE_TASKS
        with context.live_source() as server:
            server.sql(f"CREATE TABLE {workload.DATABASE}.t (id INT PRIMARY KEY)")
            wellhead = Wellhead.serve(context.scratch / "wellhead", KEEP).start()
            try:
                empty = held(wellhead)
                began = time.monotonic()
                for number in range(count):
                    wellhead.track(f"t{number}", server, workload.DATABASE, auto_start=True)
                watch = Watch(wellhead)
                wait.until(lambda: watch.look().normal == count, lambda: f"{count} tasks: {watch.last()}", 600, 0.2)
                made = time.monotonic() - began
                pid, window = wellhead.process.pid, 1 if context.tiny else IDLE_S
                cpu = process.cpu_s(pid)
                time.sleep(window)
                cpu = process.cpu_s(pid) - cpu
                filled = held(wellhead)
                connections = int(server.sql("SHOW GLOBAL STATUS LIKE 'Threads_connected'")[0][1]) - 1
                began = time.monotonic()
                server.sql(f"INSERT INTO {workload.DATABASE}.t VALUES (1)")
                wait.until(lambda: watch.look().rows == count, watch.last, 120, 0.05)
                return {
                    "load": machine.load(), "tasks": count, "made_seconds": made, "cpu_share": cpu / window,
                    "empty": empty, "filled": filled, "source_connections": connections,
                    "one_row_to_all_seconds": time.monotonic() - began,
                }
            finally:
                wellhead.stop(120)

    def lines(self, measured):
        """What they hold; nothing is promised of it but that it works."""
        filled, empty, count = measured["filled"], measured["empty"], measured["tasks"]
        about = f"{count:,} idle tasks"
        each = f"{(filled['memory_mib'] - empty['memory_mib']) * 1024 / count:.0f} KiB a task"
        yield Line(f"{about}: resident memory", f"{filled['memory_mib']:.0f} MiB", each, filled["memory_mib"], "MiB")
        cpu = measured["cpu_share"]
        yield Line(f"{about}: CPU", f"{cpu * 100:.1f} % of a core", "", cpu * 100, "%")
        yield Line(f"{about}: threads", str(filled["threads"]),
                   f"{filled['open_files']} open files, {measured['source_connections']} connections to the source",
                   filled["threads"], "")
        took = measured["one_row_to_all_seconds"]
        made = f"made in {measured['made_seconds']:.0f} s"
        yield Line(f"{about}: one row to all of them", f"{took:.2f} s", made, took, "s")


class Busy:
    """All of them catch up with the same binlog at once."""

    name = "busy-tasks"
    about = f"{BUSY_TASKS} busy tasks"

    def measure(self, context):
        """Counts each task's rows over some seconds in the middle, or to the end if that comes first."""
        with context.source(workload.ORDERS, 2) as (server, contents):
            wellhead = Wellhead.serve(context.scratch / "wellhead", KEEP).start()
            try:
                for number in range(BUSY_TASKS):
                    wellhead.track(f"t{number}", server, workload.DATABASE, start="start")
                for number in range(BUSY_TASKS):
                    wellhead.api("POST", f"/tasks/t{number}/start", expect=202)
                watch = Watch(wellhead)
                all_rows = BUSY_TASKS * contents.rows

                def all_run():
                    rows = watch.look().rows_of
                    return len(rows) == BUSY_TASKS and all(rows.values())

                wait.until(all_run, watch.last, 120, 0.05)
                before, began, cpu = watch.seen, time.monotonic(), process.cpu_s(wellhead.process.pid)
                while time.monotonic() - began < BUSY_S and watch.look().rows < all_rows:
                    time.sleep(0.1)
                seconds = time.monotonic() - began
                cpu = process.cpu_s(wellhead.process.pid) - cpu
                rows = {task: count - before.rows_of[task] for task, count in watch.seen.rows_of.items()}
                return {
                    "load": machine.load(), "tasks": BUSY_TASKS, "seconds": seconds, "rows_of": rows,
                    "cpu_seconds": cpu, "memory_peak_mib": process.memory_peak_mib(wellhead.process.pid),
                }
            finally:
                wellhead.kill()

    def lines(self, measured):
        """The rate of all together, and how alike the shares are."""
        rows = measured["rows_of"].values()
        rate = sum(rows) / measured["seconds"]
        memory = measured["memory_peak_mib"]
        yield Line(f"{self.about}: all together", f"{rate:,.0f} rows/s", f"{memory:.0f} MiB at most", rate, "rows/s")
        mean = statistics.mean(rows) or 1
        least, most = min(rows) / mean, max(rows) / mean
        yield Line(f"{self.about}: smallest share, of the mean", f"{least:.2f}", f"largest {most:.2f}", least, "")


def held(wellhead):
    """What the process holds."""
    pid = wellhead.process.pid
    return {
        "memory_mib": process.memory_mib(pid), "threads": process.threads(pid), "open_files": process.open_files(pid),
    }
