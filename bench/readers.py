"""Clients that read a topic of any Kafka broker as fast as it lets them; beside each figure the broker's CPU."""

import contextlib
import json
import os
import subprocess
import time

from harness import paths

import process
from wrong import Wrong

TIMEOUT_S = 600
# What a client's own CPU takes from the server on the same cores says nothing about the server.
BEHIND_ALL_OTHERS = ["nice", "-n", "19"]


def kcat(broker, pid, topic, records):
    """kcat, which is librdkafka with its own settings and next to nothing behind it, from the first record on."""
    command = ["kcat", "-C", "-q", "-b", broker, "-t", topic, "-p", "0", "-o", "beginning", "-c", str(records),
               "-f", ""]
    timed = _timed(command, pid)
    return {"seconds": timed["seconds"], "broker_cpu_seconds": timed["broker_cpu_seconds"], "records": records}


def discard(broker, pid, topic, passes, connections=1):
    """Sends Fetch after Fetch and throws the answers away within the kernel."""
    options = ["--passes", str(passes), "--connections", str(connections)]
    # A first pass only looks; so the time and the CPU of the measured ones are the client's own figures, and the
    # broker's CPU is that of all passes, of which the share is taken.
    timed = _timed([example("fetch_discard"), broker, topic, *options], pid)
    said = json.loads(timed.pop("output"))
    share = passes * connections / (passes * connections + 1)
    return {
        "seconds": said["seconds"],
        "bytes": said["bytes"],
        "records": said["records"],
        "fetches": said["fetches"],
        "broker_cpu_seconds": timed["broker_cpu_seconds"] * share,
        "client_cpu_seconds": said["client_cpu_seconds"],
    }


@contextlib.contextmanager
def followers(broker, topic, connections, told):
    """Live readers of a growing topic, which discard what they read and yield to everything else on the machine.

    At the end of the block they read on to the end of the log; what they read goes into the list `told`.
    """
    command = [*BEHIND_ALL_OTHERS, example("fetch_follow"), broker, topic, "--connections", str(connections)]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield
        output, errors = client.communicate(timeout=TIMEOUT_S)
        if client.returncode != 0:
            raise Wrong(f"the followers ended with {client.returncode}: {errors}")
        told.append(json.loads(output))
    finally:
        client.kill()
        client.wait()


def example(name):
    """A client of ours, as `cargo build --release -p broker --examples` makes it; `WELLHEAD_EXAMPLES` names another
    folder."""
    target = paths.Path(os.environ.get("CARGO_TARGET_DIR") or paths.REPOSITORY / "target")
    folder = paths.Path(os.environ.get("WELLHEAD_EXAMPLES") or target / "release" / "examples")
    return str(folder / name)


def _timed(command, pid):
    before = process.cpu_s(pid)
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise Wrong(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return {"seconds": seconds, "broker_cpu_seconds": process.cpu_s(pid) - before, "output": done.stdout}
