"""Looks at a running Wellhead through its metrics, over one connection, which costs it next to nothing."""

import http.client
import re
import time

from harness.wellhead import Exited

import process
from wrong import Wrong

METRIC = re.compile(r"^(wellhead_\w+)(?:\{([^}]*)\})? (\S+)", re.MULTILINE)
# Without a new record for so long, the log has stopped growing. Far below the five seconds between heartbeats.
SETTLED_S = 0.2


class Seen:
    """The few metrics that matter here, of one scrape, over all tasks."""

    def __init__(self, text=""):
        self.rows = self.expected = self.end_offset = self.log_bytes = 0
        self.rows_of = {}
        self.normal = 0
        self.failed = False
        for name, labels, value in METRIC.findall(text):
            match name:
                case "wellhead_capture_rows_total":
                    self.rows += int(value)
                    self.expected += int(value)
                    task = labels.split('task="')[1].split('"')[0]
                    self.rows_of[task] = self.rows_of.get(task, 0) + int(value)
                case "wellhead_capture_transactions_total":
                    self.expected += 2 * int(value)
                case "wellhead_capture_ddl_total":
                    self.expected += int(value)
                case "wellhead_log_end_offset":
                    self.end_offset += int(value)
                case "wellhead_log_bytes":
                    self.log_bytes += int(value)
                case "wellhead_task_state" if value == "1":
                    self.normal += '"normal"' in labels
                    self.failed |= '"failed"' in labels

    def __repr__(self):
        return f"{self.rows} rows counted, {self.expected} records expected, {self.end_offset} records durable"


class Watch:
    """The metrics of one Wellhead, and when its log grew last."""

    def __init__(self, wellhead):
        self.wellhead = wellhead
        self.connection = None
        self.headers = {}
        self.seen = Seen()
        self.grown_at = time.monotonic()
        self.cpu_at_growth = 0.0

    def look(self):
        """The metrics now; those of an empty log as long as it does not answer."""
        if not self.wellhead.alive():
            raise Exited(f"wellhead ended with {self.wellhead.process.returncode}:\n{self.wellhead.log_tail()}")
        text = self._scrape()
        if text is None:
            return self.seen
        before, self.seen = self.seen, Seen(text)
        if self.seen.failed:
            raise Wrong(f"a task failed:\n{self.wellhead.log_tail()}")
        if self.seen.end_offset != before.end_offset:
            self.grown_at = time.monotonic()
            self.cpu_at_growth = process.cpu_s(self.wellhead.process.pid)
        return self.seen

    def settled(self, rows):
        """Whether every row was counted, is durable, and the log has stopped growing."""
        seen = self.look()
        durable = seen.rows >= rows and seen.end_offset >= seen.expected
        return durable and time.monotonic() - self.grown_at >= SETTLED_S

    def last(self):
        """What was seen last, for a deadline's message."""
        return f"Wellhead to catch up: {self.seen}\n{self.wellhead.log_tail()}"

    def _scrape(self):
        try:
            if self.connection is None:
                token = (self.wellhead.data / "admin.token").read_text().strip()
                self.headers = {"Authorization": f"Bearer {token}"}
                self.connection = http.client.HTTPConnection("127.0.0.1", self.wellhead.http_port, timeout=30)
            self.connection.request("GET", "/metrics", headers=self.headers)
            answer = self.connection.getresponse()
            text = answer.read().decode()
        except (FileNotFoundError, ConnectionError):
            self.connection = None
            return None
        if answer.status != 200:
            raise Wrong(f"/metrics answered {answer.status}: {text}")
        return text
