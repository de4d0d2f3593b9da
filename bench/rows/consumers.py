"""The rate of a catch-up with live readers behind it, against one without any."""

import capture
import machine
import readers
import workload
from line import Line
from statistic import median_of

CONSUMERS = 20


class Consumers:
    """Readers that discard, so that the server's side is what costs; they yield to everything else."""

    name = "consumers"
    about = f"catch-up with {CONSUMERS} live consumers"

    def measure(self, context):
        """A catch-up without, and one with them, in each round."""
        with context.source(workload.ORDERS, 2) as (server, contents):
            measured = {"rows": contents.rows, "consumers": CONSUMERS, "rounds": []}
            for number in range(context.rounds):
                context.say(f"{self.name}: round {number + 1} of {context.rounds}")
                context.empty_scratch()
                one = {"load": machine.load()}
                one["without"] = with_consumers(server, context.scratch / "without", contents.rows, 0)
                context.empty_scratch()
                one["with"] = with_consumers(server, context.scratch / "with", contents.rows, CONSUMERS)
                measured["rounds"].append(one)
        return measured

    def lines(self, measured):
        """What is left of the rate; a tenth may go."""
        rounds, rows = measured["rounds"], measured["rows"]
        without = rows / median_of(rounds, lambda one: one["without"]["seconds"])
        loaded = rows / median_of(rounds, lambda one: one["with"]["seconds"])
        ratio = median_of(rounds, lambda one: one["without"]["seconds"] / one["with"]["seconds"])
        about = f"{self.about}, against none"
        yield Line(about, f"{loaded:,.0f} rows/s", f"{without:,.0f} rows/s", ratio, "times", 0.9)
        cpu = [median_of(rounds, lambda one, side=side: one[side]["cpu_seconds"]) for side in ("with", "without")]
        yield Line(f"{self.about}: CPU of the server", f"{cpu[0]:.2f} s", f"{cpu[1]:.2f} s", cpu[0] / cpu[1], "times")


def with_consumers(server, folder, rows, consumers):
    """A catch-up that so many live readers follow; they begin as soon as it serves."""
    told = []
    if consumers == 0:
        return capture.catch_up(server, folder, rows)
    figures = capture.catch_up(
        server, folder, rows, lambda wellhead: readers.followers(wellhead.kafka, workload.DATABASE, consumers, told)
    )
    return figures | {"readers": told[0]}
