"""One measurement of each kind. Both connect to the same server over TCP, without TLS, as the same account."""

import http.client
import os
import re
import resource
import shutil
import subprocess
import time

from harness import database, paths, wait
from harness.wellhead import Exited, Wellhead

import workload

METRIC = re.compile(r"^(wellhead_\w+)\{([^}]*)\} (\S+)", re.MULTILINE)
# Without a new record for so long, the log has stopped growing. Far below the five seconds between heartbeats.
SETTLED_S = 0.2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Wrong(RuntimeError):
    """What was measured is not what should have been: the figures would be worthless."""


def cpu_s(pid):
    """CPU-seconds of a running process, user and system."""
    after_name = (paths.Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_S


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
    return {"seconds": seconds}


def raw_dump(server, folder):
    """The server's own client copies every binlog into files, as its users do for backup."""
    folder.mkdir(parents=True)
    files = server.binlogs()
    command = [
        *database.root_program(paths.MYSQL_ROOT, "usr/bin/mysqlbinlog"), "--no-defaults",
        "--read-from-remote-server", "--raw", "--to-last-log",
        "--protocol=TCP", "--host=127.0.0.1", f"--port={server.port}", "--user=cdc", "--password=cdc",
        "--ssl-mode=DISABLED", "--get-server-public-key",
        f"--result-file={folder}/", files[0][0],
    ]
    server_cpu, client_cpu = cpu_s(server.process.pid), _children_cpu_s()
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise Wrong(f"mysqlbinlog ended with {done.returncode}: {done.stderr}")
    copied = sum(file.stat().st_size for file in folder.iterdir())
    if copied != sum(size for _, size in files):
        raise Wrong(f"mysqlbinlog copied {copied} bytes of {files}")
    return {
        "seconds": seconds,
        "cpu_seconds": _children_cpu_s() - client_cpu,
        "server_cpu_seconds": cpu_s(server.process.pid) - server_cpu,
    }


def catch_up(server, folder, rows):
    """Wellhead from its start until every row change of the binlog is durable in its log.

    The counter of rows says what was handed to the thread that writes, so it does not suffice: the log's end offset
    moves only after fdatasync. The time taken is that of the first look that saw the final end offset, and that
    one must hold exactly the rows, two records a transaction, the DDL statements, and a few heartbeats.
    """
    process = Wellhead.tap(folder, server.url(workload.DATABASE), "--start", "start", "--tls", "disable")
    server_cpu = cpu_s(server.process.pid)
    began = time.monotonic()
    process.spawn()
    try:
        watch = Watch(process)
        deadline_s = 120 + rows / 5_000
        wait.until(lambda: watch.look().rows >= rows * 0.9, watch.last, deadline_s, 0.1)
        wait.until(lambda: watch.settled(rows), watch.last, deadline_s, 0.01)
        seen, at = watch.seen, watch.grown_at
        result = {
            "seconds": at - began,
            "cpu_seconds": watch.cpu_at_growth,
            "server_cpu_seconds": cpu_s(server.process.pid) - server_cpu,
            "memory_peak_mib": process.memory_peak_mib(),
            "log_bytes": seen.log_bytes,
            "records": seen.end_offset,
            "heartbeats": seen.end_offset - seen.expected,
        }
        if seen.rows != rows or not 0 <= result["heartbeats"] <= 3 + result["seconds"]:
            raise Wrong(f"the binlog has {rows} row changes, Wellhead's log {seen}")
        return result
    finally:
        process.stop(30)


class Seen:
    """The few metrics that matter here, of one scrape."""

    def __init__(self, text):
        self.rows = self.expected = self.end_offset = self.log_bytes = 0
        self.failed = False
        for name, labels, value in METRIC.findall(text):
            match name:
                case "wellhead_capture_rows_total":
                    self.rows += int(value)
                    self.expected += int(value)
                case "wellhead_capture_transactions_total":
                    self.expected += 2 * int(value)
                case "wellhead_capture_ddl_total":
                    self.expected += int(value)
                case "wellhead_log_end_offset":
                    self.end_offset = int(value)
                case "wellhead_log_bytes":
                    self.log_bytes = int(value)
                case "wellhead_task_state":
                    self.failed |= value == "1" and '"failed"' in labels

    def __repr__(self):
        return f"{self.rows} rows counted, {self.expected} records expected, {self.end_offset} records durable"


class Watch:
    """Looks at a Wellhead's metrics over one connection, which costs it next to nothing."""

    def __init__(self, process):
        self.process = process
        self.connection = None
        self.headers = {}
        self.seen = Seen("")
        self.grown_at = time.monotonic()
        self.cpu_at_growth = 0.0

    def look(self):
        """The metrics now; those of an empty log as long as it does not answer."""
        if not self.process.alive():
            raise Exited(f"wellhead ended with {self.process.process.returncode}:\n{self.process.log_tail()}")
        text = self._scrape()
        if text is None:
            return self.seen
        before, self.seen = self.seen, Seen(text)
        if self.seen.failed:
            raise Wrong(f"the task failed:\n{self.process.log_tail()}")
        if self.seen.end_offset != before.end_offset:
            self.grown_at = time.monotonic()
            self.cpu_at_growth = cpu_s(self.process.process.pid)
        return self.seen

    def settled(self, rows):
        """Whether every row was counted, is durable, and the log has stopped growing."""
        seen = self.look()
        durable = seen.rows >= rows and seen.end_offset >= seen.expected
        return durable and time.monotonic() - self.grown_at >= SETTLED_S

    def last(self):
        """What was seen last, for a deadline's message."""
        return f"Wellhead to catch up: {self.seen}\n{self.process.log_tail()}"

    def _scrape(self):
        try:
            if self.connection is None:
                token = (self.process.data / "admin.token").read_text().strip()
                self.headers = {"Authorization": f"Bearer {token}"}
                self.connection = http.client.HTTPConnection("127.0.0.1", self.process.http_port, timeout=30)
            self.connection.request("GET", "/metrics", headers=self.headers)
            answer = self.connection.getresponse()
            text = answer.read().decode()
        except (FileNotFoundError, ConnectionError):
            self.connection = None
            return None
        if answer.status != 200:
            raise Wrong(f"/metrics answered {answer.status}: {text}")
        return text


def _children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
