"""From the moment a commit is answered to the moment a librdkafka consumer has its rows in hand.

Writer and consumer are processes of their own on the same machine and read the same clock. What a peer of this row
would be is a whole of Connect and Kafka; its figures stand in docs/performance.md as they were measured once.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import capture
import machine
import process
import workload
import writer
from harness import wait
from line import Line
from statistic import median_of, percentile
from wrong import Wrong

HERE = Path(__file__).resolve().parents[1]
RATES = (1_000, 5_000)
SECONDS = 10
TINY_SECONDS = 1
PER_COMMIT = 10
# The first commits meet cold caches and a consumer that has just begun.
WARM_UP_SHARE = 0.1
NS_PER_MS = 1e6


class Latency:
    """One Wellhead for all rounds; each rate is measured in each round."""

    name = "latency"
    about = "commit to librdkafka consumer"

    def measure(self, context):
        """All rounds; Wellhead's CPU is that of the measured seconds."""
        seconds = TINY_SECONDS if context.tiny else SECONDS
        measured = {"rows_per_commit": PER_COMMIT, "seconds": seconds, "rounds": []}
        with context.live_source() as server:
            server.sql(writer.DEFINITION)
            with capture.tap(server, context.scratch / "wellhead") as wellhead:
                wait.until(wellhead.ready, wellhead.log_tail, 60)
                for number in range(context.rounds):
                    context.say(f"{self.name}: round {number + 1} of {context.rounds}")
                    one = {"load": machine.load()}
                    for rate in RATES:
                        one[str(rate)] = at_rate(server, wellhead, rate, seconds, context.scratch)
                    measured["rounds"].append(one)
        return measured

    def lines(self, measured):
        """The median and the 99th percentile at each rate: the medians over the rounds."""
        rounds = measured["rounds"]
        for rate in RATES:
            def middle(name, rate=rate):
                return median_of(rounds, lambda one: one[str(rate)][name])

            about = f"{self.about}, {rate:,} row changes/s"
            beside = f"p90 {middle('p90_ms'):.2f} ms, max {middle('max_ms'):.1f} ms"
            for name, must, aim in (("p50", 10, 3), ("p99", 30, 10)):
                figure = middle(f"{name}_ms")
                yield Line(f"{about}: {name}", f"{figure:.2f} ms", beside, figure, "ms", must, aim,
                           more_is_better=False)
                beside = ""


def at_rate(server, wellhead, rate, seconds, scratch):
    """Writes for some seconds and answers how long the rows took."""
    rows = max(1, int(rate * seconds) // PER_COMMIT) * PER_COMMIT
    committed, arrived = scratch / "committed.json", scratch / "arrived.json"
    consumer = subprocess.Popen(
        [sys.executable, "-B", HERE / "arrival.py", wellhead.kafka, workload.DATABASE, str(rows), arrived],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        if consumer.stdout.readline() != "reading\n":
            raise Wrong("the consumer did not begin to read")
        cpu, began = process.cpu_s(wellhead.process.pid), time.monotonic()
        written = [server.socket, str(rate), str(seconds), str(PER_COMMIT), committed]
        subprocess.run([sys.executable, "-B", HERE / "writer.py", *written], check=True, timeout=60 + 10 * seconds)
        wrote = time.monotonic() - began
        cpu = process.cpu_s(wellhead.process.pid) - cpu
        consumer.wait(60)
    finally:
        consumer.kill()
        consumer.wait()
    return figures(json.loads(committed.read_text()), json.loads(arrived.read_text()), rows) | {
        "wellhead_cpu_seconds": cpu, "writer_seconds": wrote,
    }


def figures(committed, arrived, rows):
    """Percentiles over the rows; every row must have come, each transaction in its turn."""
    numbers = [number for number, _ in arrived]
    if len(arrived) != rows or numbers != sorted(numbers):
        raise Wrong(f"{len(arrived)} of {rows} rows came, in order: {numbers == sorted(numbers)}")
    warm = int(len(committed) * WARM_UP_SHARE)
    took_ms = [(at - committed[number]) / NS_PER_MS for number, at in arrived if number >= warm]
    span_s = (committed[-1] - committed[0]) / 1e9 or 1
    return {
        "rows_per_second": rows / span_s,
        **{f"p{share}_ms": percentile(took_ms, share / 100) for share in (50, 90, 99)},
        "max_ms": max(took_ms),
        "min_ms": min(took_ms),
    }


LATENCY = Latency()
