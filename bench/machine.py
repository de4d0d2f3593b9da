"""Where a run took place, and of what."""

import os
import subprocess
from pathlib import Path

from harness import paths, wellhead


def describe():
    """The machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _after("/proc/cpuinfo", "model name"),
        "memory_gib": round(int(_after("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "kernel": os.uname().release.partition("-")[0],
        "arch": os.uname().machine,
    }


def versions():
    """Wellhead and its commit, marked if the working tree differs from it."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=paths.REPOSITORY, capture_output=True, text=True)
    return {"wellhead": wellhead.run("--version").stdout.strip(), "commit": done.stdout.strip() or "unknown"}


def load():
    """What kept the machine busy in the last minute, roughly."""
    return os.getloadavg()[0]


def _after(path, name):
    lines = (line.partition(":") for line in Path(path).read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown")
