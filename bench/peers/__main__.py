"""One peer alone: python -m peers NAME [--rows N]. `bench/peers/run` brings in what it needs."""

import argparse
import dataclasses
import importlib
import json
import signal
import sys
import tempfile
from pathlib import Path

import binlog
import workload

from . import CAPTURE

WORKLOADS = {what.name: what for what in (workload.ORDERS, workload.WIDE, workload.MILLION)}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=CAPTURE)
    parser.add_argument("--workload", choices=WORKLOADS, default="orders")
    parser.add_argument("--rows", type=int, help="row changes in the binlog, at least")
    parser.add_argument("--per-statement", type=int, default=2)
    asked = parser.parse_args()
    what = WORKLOADS[asked.workload]
    peer = importlib.import_module(f"peers.{asked.peer}")
    versions = peer.prepare()
    server, contents = binlog.obtain(
        "mysql", what, asked.rows or what.rows, asked.per_statement, False, lambda text: print(text, file=sys.stderr))
    try:
        with tempfile.TemporaryDirectory(prefix="peer-", dir=binlog.FOLDER) as scratch:
            result = peer.run(server, contents.rows, Path(scratch))
    finally:
        server.stop()
    derived = {"rows_per_second": round(result.rows / result.seconds),
               "cpu_seconds_per_million_rows": round(result.cpu_seconds / result.rows * 1e6, 2)}
    print(json.dumps({"peer": asked.peer, "versions": versions, **dataclasses.asdict(result), **derived}, indent=2))


if __name__ == "__main__":
    main()
