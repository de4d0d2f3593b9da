"""The figures, as a table for people and as JSON for programs."""

import json
import os
import statistics
import time
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
MEGA = 1_000_000


def derive(measured, rows, binlog_bytes):
    """Adds the rates to one measurement; MB are of the binlog, whoever reads it."""
    seconds = measured["seconds"]
    derived = {"rows_per_second": rows / seconds, "mb_per_second": binlog_bytes / MEGA / seconds}
    if "cpu_seconds" in measured:
        derived["cpu_seconds_per_million_rows"] = measured["cpu_seconds"] / rows * MEGA
    return {**measured, **derived}


def machine():
    """Where this ran."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    return {"cores": len(os.sched_getaffinity(0)), "cpu": model, "kernel": os.uname().release, "arch": os.uname().machine}


def load():
    """What else kept the machine busy in the last minute, roughly."""
    return os.getloadavg()[0]


def medians(rounds):
    """The median of each figure over the rounds; the ratio's is that of the ratios, not a ratio of medians."""
    return {
        "raw": _medians([one["raw"] for one in rounds]),
        "wellhead": _medians([one["wellhead"] for one in rounds]),
        "ratio": statistics.median(one["ratio"] for one in rounds),
    }


def _medians(measured):
    return {name: statistics.median(one[name] for one in measured) for name in measured[0]}


def write(report):
    """Writes the report beside the others and answers where."""
    RESULTS.mkdir(exist_ok=True)
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(report["began_unix"]))
    path = RESULTS / f"catch-up-{report['workload']}-{at}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    return path


ROWS = (
    ("raw dump: seconds", "raw", "seconds", "{:.2f}"),
    ("  MB/s", "raw", "mb_per_second", "{:.0f}"),
    ("  rows/s", "raw", "rows_per_second", "{:,.0f}"),
    ("  CPU-s per million rows", "raw", "cpu_seconds_per_million_rows", "{:.2f}"),
    ("  CPU-s of the server", "raw", "server_cpu_seconds", "{:.2f}"),
    ("Wellhead: seconds", "wellhead", "seconds", "{:.2f}"),
    ("  MB/s", "wellhead", "mb_per_second", "{:.0f}"),
    ("  rows/s", "wellhead", "rows_per_second", "{:,.0f}"),
    ("  CPU-s per million rows", "wellhead", "cpu_seconds_per_million_rows", "{:.2f}"),
    ("  CPU-s of the server", "wellhead", "server_cpu_seconds", "{:.2f}"),
    ("  peak memory, MiB", "wellhead", "memory_peak_mib", "{:.0f}"),
    ("  log on disk, MB", "wellhead", "log_bytes", "{:.0f}"),
)


def table(report):
    """The table, one column a round and the medians last."""
    columns = [*report["rounds"], report["median"]]
    lines = [["", *(f"round {number + 1}" for number in range(len(report["rounds"]))), "median"]]
    for title, part, name, form in ROWS:
        scale = MEGA if name == "log_bytes" else 1
        lines.append([title, *(form.format(column[part][name] / scale) for column in columns)])
    lines.append(["ratio, Wellhead to raw dump", *(f"{column['ratio']:.2f}" for column in columns)])
    lines.append(["load before the round", *(f"{column['load']:.1f}" for column in report["rounds"]), ""])
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    text = "\n".join(
        "  ".join(cell.rjust(width) if index else cell.ljust(width)
                  for index, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines
    )
    return f"{heading(report)}\n\n{text}\n"


def heading(report):
    """What was measured, where."""
    return (
        f"{report['rows']:,} row changes in {report['transactions']:,} transactions ({report['workload']}, "
        f"{report['rows_per_statement']} rows a statement), {report['binlog_bytes'] / MEGA:.0f} MB of binlog, "
        f"MySQL {report['mysql']}\n"
        f"{report['wellhead']}; {report['machine']['cores']} cores of {report['machine']['cpu']}; "
        f"plain copy of the binlog with fdatasync {report['copy']['mb_per_second']:.0f} MB/s"
    )


def _lines(path):
    return Path(path).read_text().splitlines()
