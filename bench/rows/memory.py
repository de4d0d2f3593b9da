"""What is resident: at the full rate of a catch-up, idle, and within a transaction of two gigabytes."""

import time

import bulk
import capture
import machine
import process
import workload
from harness import wait
from line import Line
from watch import Watch

TRANSACTION_ROWS = 1_000_000
IDLE_S = 10
EVERY_S = 0.5


class Memory:
    """Peaks are `VmHWM`, which the kernel keeps; idle is the most of several looks."""

    name = "memory"
    about = "resident memory"

    def measure(self, context):
        """Each of the three once a round at most: memory hardly varies, so one round is enough."""
        measured = {"load": machine.load()}
        with context.source(workload.ORDERS, 2) as (server, contents):
            context.say(f"{self.name}: at full rate")
            measured["full_rate"] = capture.catch_up(server, context.scratch / "full", contents.rows)
        context.empty_scratch()
        with context.live_source() as server:
            bulk.prepare(server)
            context.say(f"{self.name}: idle")
            measured["idle"] = self._idle(server, context)
            context.empty_scratch()
            context.say(f"{self.name}: one transaction of {context.few(2_000)} MB")
            rows = context.few(TRANSACTION_ROWS)
            server.begin_anew()
            bulk.write(server, 0, rows, rows)
            measured["transaction"] = capture.catch_up(server, context.scratch / "transaction", rows)
            measured["transaction"]["binlog_bytes"] = server.binlog_bytes()
            context.empty_scratch()
        return measured

    @staticmethod
    def _idle(server, context):
        with capture.tap(server, context.scratch / "idle") as wellhead:
            wait.until(wellhead.ready, wellhead.log_tail, 60)
            wait.until(lambda: Watch(wellhead).look().normal == 1, wellhead.log_tail, 60)
            pid = wellhead.process.pid
            cpu, began = process.cpu_s(pid), time.monotonic()
            seen = []
            while time.monotonic() - began < (1 if context.tiny else IDLE_S):
                seen.append(process.memory_mib(pid))
                time.sleep(EVERY_S)
            return {
                "memory_mib": max(seen),
                "cpu_share": (process.cpu_s(pid) - cpu) / (time.monotonic() - began),
                "threads": process.threads(pid),
                "open_files": process.open_files(pid),
            }

    def lines(self, measured):
        """Three figures."""
        huge = measured["transaction"]
        for title, figure, must, aim in (
            ("at full rate", measured["full_rate"]["memory_peak_mib"], 150, 100),
            ("idle, one task", measured["idle"]["memory_mib"], 60, 30),
            (f"in a transaction of {huge['binlog_bytes'] / 1e9:.2g} GB", huge["memory_peak_mib"], 256, 128),
        ):
            yield Line(f"{self.about} {title}", f"{figure:.0f} MiB", "", figure, "MiB", must, aim, more_is_better=False)
