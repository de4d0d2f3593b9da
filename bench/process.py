"""What a running process has used and holds, from /proc."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CLEAR_PEAK = "5"


def cpu_s(pid):
    """CPU-seconds, user and system, of all its threads."""
    after_name = _read(pid, "stat").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_S


def memory_mib(pid):
    """What is resident now."""
    return _status(pid, "VmRSS") / 1024


def memory_peak_mib(pid):
    """The most that was resident since its start, or since `forget_peak`."""
    return _status(pid, "VmHWM") / 1024


def forget_peak(pid):
    """From now on the peak is counted anew."""
    (Path("/proc") / str(pid) / "clear_refs").write_text(CLEAR_PEAK)


def threads(pid):
    """How many threads it has."""
    return _status(pid, "Threads")


def open_files(pid):
    """How many file descriptors it holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def _status(pid, name):
    line = next(line for line in _read(pid, "status").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def _read(pid, name):
    return (Path("/proc") / str(pid) / name).read_text()
