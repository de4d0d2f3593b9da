#!/usr/bin/env python3
"""Fuzzes every API of the Kafka port for so many seconds each, beginning with the golden bytes of all its versions.

    fuzz/run_apis.py [SECONDS] [API ...]
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "crates/kafka/src/messages/golden"


def seeds(api: str) -> pathlib.Path:
    """A corpus out of the golden bytes: the first byte says version and direction, as `kafka::fuzz_api` reads it."""
    corpus = ROOT / "fuzz/corpus" / f"kafka_api_{api}"
    corpus.mkdir(parents=True, exist_ok=True)
    for line in (GOLDEN / f"{api}.txt").read_text().splitlines():
        direction, version, variant, text = line.split(" ")
        choice = int(version) * 2 + (direction == "response")
        body = b"" if text == "-" else bytes.fromhex(text)
        (corpus / f"{direction}-{version}-{variant}").write_bytes(bytes([choice]) + body)
    return corpus


def main() -> int:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    apis = sys.argv[2:] or sorted(path.stem for path in GOLDEN.glob("*.txt"))
    failed = []
    for api in apis:
        command = ["cargo", "+nightly", "fuzz", "run", "kafka_api", str(seeds(api)), "--"]
        command += [f"-max_total_time={seconds}", "-rss_limit_mb=512", "-print_final_stats=1"]
        environment = {**os.environ, "KAFKA_API": api}
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        runs = [line for line in ended.stderr.splitlines() if "number_of_executed_units" in line]
        print(api, "failed" if ended.returncode else "passed", *runs, flush=True)
        if ended.returncode:
            failed.append(api)
            print(ended.stderr[-4000:], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
