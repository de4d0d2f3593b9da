"""One reader of a topic over loopback, against Apache Kafka's broker with the same records."""

import contextlib
import dataclasses
import importlib

import capture
import machine
import readers
import workload
from line import Line
from statistic import median_of
from watch import Watch

PASSES = 20


@dataclasses.dataclass(frozen=True)
class Fetch:
    """One kind of reader: `read(address, pid, topic, records)` answers its figures."""

    name: str
    about: str
    read: object
    # What the rate is counted in: the key of the figures, its unit and scale.
    counted: str
    unit: str
    scale: float
    rate_bounds: tuple
    cpu_bounds: tuple

    def measure(self, context):
        """Fills a log by a catch-up and a Kafka with its records, then reads both in turn."""
        with contextlib.ExitStack() as ends:
            server, contents = ends.enter_context(context.source(workload.ORDERS, 2))
            wellhead = ends.enter_context(capture.tap(server, context.scratch / "wellhead"))
            watch = Watch(wellhead)
            capture.until_durable(watch, contents.rows)
            records = watch.seen.end_offset
            measured = {"records": records, "log_bytes": watch.seen.log_bytes, "failed": {}, "rounds": []}
            server.stop()
            brokers = {"wellhead": (wellhead.kafka, wellhead.process.pid, workload.DATABASE)}
            if context.peers:
                brokers |= self._kafka(context, ends, wellhead, records, measured)
            for number in range(context.rounds):
                context.say(f"{self.name}: round {number + 1} of {context.rounds}")
                one = {"load": machine.load()}
                for side, (address, pid, topic) in brokers.items():
                    one[side] = self.read(address, pid, topic, records)
                measured["rounds"].append(one)
        return measured

    def _kafka(self, context, ends, wellhead, records, measured):
        try:
            module = importlib.import_module("peers.kafka")
            measured["versions"] = module.prepare()
            broker = ends.enter_context(module.Broker(context.scratch / "kafka"))
            broker.copy(wellhead.kafka, workload.DATABASE, records)
            return {"kafka": (broker.address, broker.pid, workload.DATABASE)}
        except Exception as failure:
            # Without the peer Wellhead's own figures still stand; the failure is told at the end of the run.
            measured["failed"]["kafka"] = str(failure)
            return {}

    def lines(self, measured):
        """The rate and the broker's CPU, as ratios where there is a peer."""
        rounds = measured["rounds"]
        ours = median_of(rounds, lambda one: self._rate(one["wellhead"]))
        our_cpu = median_of(rounds, lambda one: self._cpu(one["wellhead"]))
        if "kafka" not in rounds[0]:
            yield Line(self.about, f"{ours:,.2f} {self.unit}", "", ours, self.unit)
            yield Line(f"{self.about}: CPU of the broker for a million records", f"{our_cpu:.3f} s", "", our_cpu, "s")
            return
        theirs = median_of(rounds, lambda one: self._rate(one["kafka"]))
        their_cpu = median_of(rounds, lambda one: self._cpu(one["kafka"]))
        ratio = median_of(rounds, lambda one: self._rate(one["wellhead"]) / self._rate(one["kafka"]))
        yield Line(f"{self.about}, against Kafka", f"{ours:,.2f} {self.unit}", f"{theirs:,.2f} {self.unit}", ratio,
                   "times", *self.rate_bounds)
        yield Line(f"{self.about}: CPU of the broker for a million records", f"{our_cpu:.3f} s", f"{their_cpu:.3f} s",
                   our_cpu / their_cpu, "times", *self.cpu_bounds, more_is_better=False)

    def _rate(self, one):
        return one[self.counted] / one["seconds"] / self.scale

    @staticmethod
    def _cpu(one):
        return one["broker_cpu_seconds"] / one["records"] * 1e6


def _discard(address, pid, topic, _records):
    return readers.discard(address, pid, topic, PASSES)


LIBRDKAFKA = Fetch(
    "fetch", "one librdkafka consumer", readers.kcat, "records", "M records/s", 1e6, (1.0, 1.05), (1.0, 0.5),
)
DISCARDING = Fetch(
    "fetch-discard", "a client that discards", _discard, "records", "M records/s", 1e6, (1.0, 1.5), (None, None),
)
