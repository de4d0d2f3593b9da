"""Clients in great numbers: ten thousand that are only there, and five thousand that come at once."""

import asyncio
import statistics
import time

import machine
import process
import workload
from crowd import Crowd
from harness.wellhead import Wellhead
from line import Line

IDLE = 10_000
STORM = 5_000
# Side by side while the idle ones come: they come over the day.
IDLE_AT_ONCE = 100
MECHANISMS = ("PLAIN", "SCRAM-SHA-256")
# A connection that has been silent for ten seconds lets its buffers go.
QUIET_S = 15
LIMITS = "[kafka.limits]\nconnections = 20000\n"


class Connections:
    """All with one account, which is the dearest case for what they share."""

    name = "connections"
    about = f"{IDLE:,} idle connections, {STORM:,} logins at once"

    def measure(self, context):
        """The storms first, each into an empty server's queues; then the crowd that stays."""
        idle, storm, quiet = (200, 100, 1) if context.tiny else (IDLE, STORM, QUIET_S)
        with context.live_source() as server:
            server.sql(f"CREATE TABLE {workload.DATABASE}.t (id INT PRIMARY KEY)")
            wellhead = Wellhead.serve(context.scratch / "wellhead", LIMITS).start()
            try:
                wellhead.track_now("shop", server, workload.DATABASE)
                login = wellhead.new_login("shop")
                measured = {"load": machine.load(), "idle": idle, "storm": storm}
                measured["storms"] = {
                    mechanism: asyncio.run(self._storm(wellhead, login, mechanism, storm)) for mechanism in MECHANISMS
                }
                measured["crowd"] = asyncio.run(self._crowd(wellhead, login, idle, quiet))
                return measured
            finally:
                wellhead.stop(120)

    @staticmethod
    async def _storm(wellhead, login, mechanism, count):
        crowd = Crowd(wellhead.kafka_port, login, mechanism)
        cpu = process.cpu_s(wellhead.process.pid)
        seconds = await crowd.grow(count, count)
        took = sorted(crowd.took_s)
        await crowd.leave()
        return {
            "seconds": seconds,
            "cpu_seconds": process.cpu_s(wellhead.process.pid) - cpu,
            "p50_s": statistics.median(took),
            "max_s": took[-1],
        }

    @staticmethod
    async def _crowd(wellhead, login, count, quiet):
        pid = wellhead.process.pid
        crowd = Crowd(wellhead.kafka_port, login, "PLAIN")
        before = process.memory_mib(pid)
        seconds = await crowd.grow(count, IDLE_AT_ONCE)
        fresh, cpu, began = process.memory_mib(pid), process.cpu_s(pid), time.monotonic()
        await asyncio.sleep(quiet)
        share = (process.cpu_s(pid) - cpu) / (time.monotonic() - began)
        figures = {"before_mib": before, "fresh_mib": fresh, "quiet_mib": process.memory_mib(pid)}
        await crowd.leave()
        return figures | {"seconds": seconds, "cpu_share": share}

    def lines(self, measured):
        """Memory is promised; how fast the storms pass informs."""
        crowd, idle = measured["crowd"], measured["idle"]
        each = f"{(crowd['quiet_mib'] - crowd['before_mib']) * 1024 / idle:.1f} KiB each"
        yield Line(f"{idle:,} idle connections: resident memory", f"{crowd['quiet_mib']:.0f} MiB", each,
                   crowd["quiet_mib"], "MiB", 300, more_is_better=False)
        for mechanism, storm in measured["storms"].items():
            yield Line(f"{measured['storm']:,} logins at once, {mechanism}", f"{storm['seconds']:.2f} s",
                       f"p50 {storm['p50_s']:.2f} s, slowest {storm['max_s']:.2f} s, {storm['cpu_seconds']:.2f} CPU-s",
                       storm["seconds"], "s")
