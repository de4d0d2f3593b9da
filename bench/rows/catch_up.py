"""A whole binlog into the durable log, against the source's own raw dump and the peers, in turn, round by round."""

import dataclasses
import importlib
import os

import capture
import dump
import machine
import workload
from line import Line
from statistic import median_of

MEGA = 1_000_000
TITLES = {
    "raw": "raw dump",
    "debezium": "Debezium embedded",
    "connect": "Debezium, Connect, Kafka",
    "canal": "Canal",
}


@dataclasses.dataclass(frozen=True)
class CatchUp:
    """One workload, on one kind of server, against some of the others."""

    name: str
    about: str
    what: workload.Workload
    per_statement: int
    kind: str = "mysql"
    # {other side: (must, aim)}, as ratios; none of either where nothing is promised.
    bounds: dict = dataclasses.field(default_factory=dict)
    # Bounds of the CPU-seconds a million row changes.
    cpu_bounds: tuple = (None, None)

    def measure(self, context):
        """All rounds; the peers, which take minutes, take part in the first ones."""
        peers = self._prepare(context) if context.peers else {}
        with context.source(self.what, self.per_statement, self.kind) as (server, contents):
            size = server.binlog_bytes()
            measured = {
                "rows": contents.rows,
                "transactions": contents.transactions,
                "rows_per_statement": context.per_statement or self.per_statement,
                "binlog_bytes": size,
                "server": f"{self.kind} {server.version()}",
                "copy_seconds": dump.file_copy(server, context.scratch / "copy"),
                "versions": {name: peer.versions for name, peer in peers.items()},
                "failed": {},
                "rounds": [],
            }
            for number in range(context.rounds):
                context.say(f"{self.name}: round {number + 1} of {context.rounds}")
                taking_part = peers if number < context.peer_rounds else {}
                measured["rounds"].append(self._round(context, server, contents.rows, taking_part, measured["failed"]))
        return measured

    def _prepare(self, context):
        prepared = {}
        for name in self.bounds:
            if name != "raw":
                context.say(f"{self.name}: preparing {TITLES[name]}")
                module = importlib.import_module(f"peers.{name}")
                prepared[name] = Prepared(module, module.prepare())
        return prepared

    def _round(self, context, server, rows, peers, failed):
        """The dump, the catch-up, then the peers; what one left in the kernel's hands is flushed before the next."""
        context.empty_scratch()
        one = {"load": machine.load(), "raw": dump.raw(server, context.scratch / "raw")}
        os.sync()
        one["wellhead"] = capture.catch_up(server, context.scratch / "wellhead", rows)
        for name, peer in peers.items():
            if name in failed:
                continue
            context.empty_scratch()
            try:
                one[name] = dataclasses.asdict(peer.module.run(server, rows, context.scratch))
            except Exception as failure:
                # A peer that fails must not take the other figures with it; it is told at the end of the run.
                context.say(f"{self.name}: {TITLES[name]} failed: {failure}")
                failed[name] = str(failure)
        return one

    def lines(self, measured):
        """A line for each other side, then the CPU where something is promised of it."""
        rounds, rows = measured["rounds"], measured["rows"]
        ours = f"{rows / median_of(rounds, lambda one: one['wellhead']['seconds']):,.0f} rows/s"
        for name, (must, aim) in self.bounds.items():
            complete = [one for one in rounds if name in one]
            if not complete or name in measured["failed"]:
                continue
            theirs = rows / median_of(complete, lambda one: _seconds(one, name))
            ratio = median_of(complete, lambda one: _seconds(one, name) / one["wellhead"]["seconds"])
            about = f"{self.about}, against {TITLES[name]}"
            yield Line(about, ours, f"{theirs:,.0f} rows/s", ratio, "times", must, aim)
        if self.cpu_bounds[0] is not None:
            cpu = median_of(rounds, lambda one: one["wellhead"]["cpu_seconds"]) / rows * MEGA
            others = ", ".join(_cpu_of(rounds, name, rows) for name in self.bounds if name in rounds[0])
            yield Line(f"{self.about}: CPU a million row changes", f"{cpu:.2f} s", others, cpu, "s",
                       *self.cpu_bounds, more_is_better=False)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A peer that has what it needs."""

    module: object
    versions: dict


def _seconds(one, name):
    """What the other side took. A Java machine's start is not counted where it captures alone: that is in favour of
    the peer. It is where several processes have to come up, as its users wait for them."""
    took = one[name]
    return took["seconds"] - (took.get("first_row_seconds", 0) if name in ("debezium", "canal") else 0)


def _cpu_of(rounds, name, rows):
    measured = [one for one in rounds if name in one]
    return f"{TITLES[name]} {median_of(measured, lambda one: one[name]['cpu_seconds']) / rows * MEGA:.2f} s"


ORDERS = CatchUp(
    "catch-up", "catch-up, narrow rows, 2 a statement", workload.ORDERS, 2,
    bounds={"raw": (0.5, 0.8), "debezium": (5, 9), "connect": (7, 12), "canal": (2, 3)}, cpu_bounds=(3, 1.5),
)
BULK = CatchUp(
    "bulk", "catch-up, narrow rows, 500 a statement", workload.ORDERS, 500, bounds={"raw": (None, None)},
)
WIDE = CatchUp(
    "wide", "catch-up, 60 columns, 1 KB a row", workload.WIDE, 2,
    bounds={"raw": (None, None), "debezium": (8, 12), "canal": (8, 12)},
)
MILLION = CatchUp(
    "one-transaction", "one transaction of a million rows", workload.MILLION, 1_000_000,
    bounds={"raw": (None, None), "debezium": (None, None), "canal": (2, 3)},
)
MARIADB = CatchUp(
    "mariadb", "the same catch-up from MariaDB", workload.ORDERS, 2, kind="mariadb", bounds={"raw": (0.5, 0.8)},
)
