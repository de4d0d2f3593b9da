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
        count, window = (20, 1) if context.tiny else (IDLE_TASKS, IDLE_S)
        with context.live_source() as server:
            server.sql(f"CREATE TABLE {workload.DATABASE}.t (id INT PRIMARY KEY)")
            wellhead = Wellhead.serve(context.scratch / "wellhead", KEEP).start()
            try:
                measured = {"load": machine.load(), "tasks": count, "empty": held(wellhead)}
                measured["made_seconds"] = self._make(wellhead, server, count)
                cpu = process.cpu_s(wellhead.process.pid)
                time.sleep(window)
                measured["cpu_share"] = (process.cpu_s(wellhead.process.pid) - cpu) / window
                measured["filled"] = held(wellhead)
                [(_, connections)] = server.sql("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
                measured["source_connections"] = int(connections) - 1
                measured["one_row_to_all_seconds"] = self._reach_all(wellhead, server, count)
                return measured
            finally:
                wellhead.stop(120)

    @staticmethod
    def _make(wellhead, server, count):
        watch, began = Watch(wellhead), time.monotonic()
        for number in range(count):
            wellhead.track(f"t{number}", server, workload.DATABASE, auto_start=True)
        wait.until(lambda: watch.look().normal == count, lambda: f"{count} tasks: {watch.last()}", 600, 0.2)
        return time.monotonic() - began

    @staticmethod
    def _reach_all(wellhead, server, count):
        watch, began = Watch(wellhead), time.monotonic()
        server.sql(f"INSERT INTO {workload.DATABASE}.t VALUES (1)")
        wait.until(lambda: watch.look().rows == count, watch.last, 120, 0.05)
        return time.monotonic() - began

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
                return {"load": machine.load(), "tasks": BUSY_TASKS, **self._window(wellhead, contents.rows)}
            finally:
                wellhead.kill()

    @staticmethod
    def _window(wellhead, rows_each):
        watch, pid = Watch(wellhead), wellhead.process.pid

        def all_run():
            rows = watch.look().rows_of
            return len(rows) == BUSY_TASKS and all(rows.values())

        wait.until(all_run, watch.last, 120, 0.05)
        before, began, cpu = watch.seen, time.monotonic(), process.cpu_s(pid)
        while time.monotonic() - began < BUSY_S and watch.look().rows < BUSY_TASKS * rows_each:
            time.sleep(0.1)
        return {
            "seconds": time.monotonic() - began,
            "cpu_seconds": process.cpu_s(pid) - cpu,
            "rows_of": {task: rows - before.rows_of[task] for task, rows in watch.seen.rows_of.items()},
            "memory_peak_mib": process.memory_peak_mib(pid),
        }

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
