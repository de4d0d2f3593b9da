"""The benchmark: measures the rows that were asked for and prints the table. Started by `bench/run`."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))

import arguments
import binlog
import machine
import results
import table
from context import Context
from rows import registry


def main():
    """Answers the exit code: 1 if a row failed, 0 else."""
    asked = arguments.parse([*registry.ALL, *registry.GROUPS])
    if asked.list:
        width = max(map(len, registry.ALL))
        print("\n".join(f"{name:{width}}  {row.about}" for name, row in registry.ALL.items()))
        print("\n".join(f"{name:{width}}  {', '.join(rows)}" for name, rows in registry.GROUPS.items()))
        return 0
    if not asked.tiny:
        alone()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with scratch(asked.keep) as folder:
        (folder / "measured").mkdir()
        (folder / "sources").mkdir()
        context = Context(
            scratch=folder / "measured", sources=folder / "sources", rounds=1 if asked.tiny else asked.rounds,
            peer_rounds=asked.peer_rounds, peers=not asked.no_peers, tiny=asked.tiny, fresh=asked.fresh,
            rows=asked.rows, per_statement=asked.per_statement, say=say,
        )
        names = registry.names(asked.row)
        path = asked.output or results.place(names, time.time())
        report = measure(context, names, path)
    lines = [line for name, measured in report["rows"].items() for line in registry.ALL[name].lines(measured)]
    print(heading(report))
    print(table.plain(lines))
    say(f"all figures: {path}")
    for name, why in report["failed"].items():
        say(f"FAILED: {name}: {why}")
    return 1 if report["failed"] else 0


def measure(context, names, path):
    """Every row of these names; one that fails is told and the others go on. What there is by then is in the file."""
    report = {
        "began_unix": int(time.time()), "machine": machine.describe(), "versions": machine.versions(),
        "tiny": context.tiny, "load_before": machine.load(), "rows": {}, "failed": {},
    }
    if report["load_before"] > 0.5:
        say(f"the machine was busy before (load {report['load_before']:.1f}): take the figures with care")
    for name in names:
        began = time.monotonic()
        context.say(f"{name}: {registry.ALL[name].about}")
        try:
            context.empty_scratch()
            measured = registry.ALL[name].measure(context)
            measured["took_seconds"] = round(time.monotonic() - began, 1)
            report["rows"][name] = measured
            report["failed"] |= {f"{name}: {peer}": why for peer, why in measured.get("failed", {}).items()}
            print(table.plain(list(registry.ALL[name].lines(measured))), file=sys.stderr, flush=True)
        except Exception as failure:
            traceback.print_exc()
            report["failed"][name] = f"{type(failure).__name__}: {failure}"
        results.write(report, path)
        context.say(f"{name}: took {time.monotonic() - began:.0f} s")
    return report


@contextlib.contextmanager
def scratch(keep):
    """A folder beside the binlogs, not a temporary one: that may be memory, where nothing is ever durable."""
    binlog.FOLDER.mkdir(parents=True, exist_ok=True)
    for left in binlog.FOLDER.glob("scratch-*"):
        if not Path("/proc", left.name.split("-")[1]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"scratch-{os.getpid()}-", dir=binlog.FOLDER))
    try:
        yield folder
    finally:
        if keep:
            say(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def alone():
    """Two runs at once would share the binlogs, and measure each other."""
    lock = os.open(binlog.FOLDER.parent / "bench.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another bench/run is running")


def heading(report):
    """What was measured, where."""
    at = report["machine"]
    return (f"{report['versions']['wellhead']} ({report['versions']['commit']}); {at['cores']} cores of {at['cpu']}, "
            f"{at['memory_gib']} GiB; load before {report['load_before']:.1f}\n")


def say(text):
    """Tells the person at the terminal; the table alone goes to standard output."""
    print(f"    {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
