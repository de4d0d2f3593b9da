"""What the source itself can give: a plain copy of its binlog's files, and its own client's raw dump of them."""

import os
import resource
import shutil
import subprocess
import time

from wrong import Wrong

import process


def file_copy(server, folder):
    """Copies the binlog beside itself and flushes it: what the disk and the kernel allow. Warms the page cache."""
    folder.mkdir(parents=True)
    began = time.monotonic()
    for name, _ in server.binlogs():
        shutil.copyfile(server.data / name, folder / name)
        with open(folder / name, "rb") as copy:
            os.fdatasync(copy.fileno())
    seconds = time.monotonic() - began
    shutil.rmtree(folder)
    return seconds


def raw(server, folder):
    """The server's own client copies every binlog into files, as its users do for backup; over TCP, without TLS."""
    folder.mkdir(parents=True)
    files = server.binlogs()
    command = [
        *server.dumper(), "--read-from-remote-server", "--raw", "--to-last-log",
        "--protocol=TCP", "--host=127.0.0.1", f"--port={server.port}", "--user=cdc", "--password=cdc",
        f"--result-file={folder}/", files[0][0],
    ]
    server_cpu, client_cpu = process.cpu_s(server.process.pid), _children_cpu_s()
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise Wrong(f"{server.kind}'s raw dump ended with {done.returncode}: {done.stderr}")
    copied = sum(file.stat().st_size for file in folder.iterdir())
    shutil.rmtree(folder)
    if copied != sum(size for _, size in files):
        raise Wrong(f"{server.kind}'s raw dump copied {copied} bytes of {files}")
    return {
        "seconds": seconds,
        "cpu_seconds": _children_cpu_s() - client_cpu,
        "server_cpu_seconds": process.cpu_s(server.process.pid) - server_cpu,
    }


def _children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
