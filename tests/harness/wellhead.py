"""Wellhead as a process: started, asked, ended in order or by `kill -9`."""

import json
import signal
import subprocess
import urllib.error
import urllib.request

from . import clients, paths, ports, wait

GROUP_PASSWORD = "Secret_123"


class Exited(AssertionError):
    """Wellhead ended where it should have served."""


class Wellhead:
    """`wellhead tap` or `wellhead serve` on a data folder; can be started again on the same one."""

    def __init__(self, folder, arguments, kafka_port=None, http_port=None, data=None):
        self.folder = folder
        self.data = data or folder / "data"
        self.kafka_port = kafka_port or ports.free_port()
        self.http_port = http_port or ports.free_port()
        self.arguments = arguments
        self.process = None
        self.log = folder / "wellhead.log"
        self.log_begin = 0
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def tap(cls, folder, url, *arguments, **options):
        """The newcomer's server."""
        server = cls(folder, None, **options)
        server.arguments = [
            "tap", url,
            "--data-dir", str(server.data),
            "--kafka", server.kafka,
            "--http", server.http,
            *arguments,
        ]
        return server

    @classmethod
    def serve(cls, folder, extra="", **options):
        """The operator's server; tasks and groups come by API."""
        server = cls(folder, None, **options)
        server.reconfigure(extra)
        return server

    def reconfigure(self, extra=""):
        """Writes the file that the next start of `serve` reads."""
        config = self.folder / "wellhead.toml"
        config.write_text(
            f'[server]\ndata_dir = "{self.data}"\n'
            f'[kafka]\nlisten = "{self.kafka}"\n'
            f'[http]\nlisten = "{self.http}"\n{extra}'
        )
        self.arguments = ["serve", "-c", str(config)]

    @property
    def kafka(self):
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def http(self):
        return f"127.0.0.1:{self.http_port}"

    def spawn(self):
        """Starts the process and does not wait for anything."""
        self.log_begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(paths.wellhead_binary()), *self.arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
            )
        return self

    def start(self, deadline_s=30):
        """Starts the process and waits until it serves."""
        self.spawn()
        wait.until(self.ready, lambda: f"/readyz; its log ends:\n{self.log_tail()}", deadline_s)
        return self

    def ready(self):
        """Whether it serves, and `tap` has said where it starts; an early end is an error with its log."""
        if self.process.poll() is not None:
            raise Exited(f"wellhead ended with {self.process.returncode}:\n{self.log_tail()}")
        try:
            with urllib.request.urlopen(f"http://{self.http}/readyz", timeout=2) as answer:
                said = self.arguments[0] != "tap" or b"ready in" in self.log.read_bytes()[self.log_begin :]
                return answer.status == 200 and said
        except (urllib.error.URLError, OSError):
            return False

    def alive(self):
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self, deadline_s=10):
        """Ends it as Ctrl-C does and answers the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGINT)
            self.process.wait(deadline_s)
        return self.process.returncode if self.process else None

    def kill(self):
        """Ends it as a power cut would."""
        if self.alive():
            self.process.kill()
        if self.process:
            self.process.wait(10)

    def api(self, method, path, body=None, expect=None):
        """Calls the API with the admin token; answers (status, parsed body)."""
        request = urllib.request.Request(
            f"http://{self.http}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {(self.data / 'admin.token').read_text().strip()}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        parsed = json.loads(text) if text else None
        if expect is not None:
            assert status == expect, f"{method} {path} answered {status}: {parsed}"
        return status, parsed

    def track(self, task, source, database, **more):
        """Puts a task that tracks a whole database."""
        body = {"source": {"url": source.url()}, "objects": {database: {"all": True}}, **more}
        status, answer = self.api("PUT", f"/tasks/{task}", body)
        assert status in (200, 201, 202), answer

    def track_now(self, task, source, database):
        """Puts a task and waits until it follows its source."""
        self.track(task, source, database, auto_start=True)
        self.wait_for_state(task, "normal")

    def new_login(self, task, account="reader"):
        """A consumer group of the task, with an account of its own."""
        status, group = self.api(
            "PUT", f"/tasks/{task}/groups/{account}", {"account": account, "password": GROUP_PASSWORD}
        )
        assert status in (200, 201), group
        return clients.Login(group["group_id"], group["user"], GROUP_PASSWORD)

    def task(self, name):
        """The task as the API shows it."""
        return self.api("GET", f"/tasks/{name}", expect=200)[1]

    def wait_for_state(self, name, *states, deadline_s=60):
        """Waits until the task is in one of these states, and answers it."""
        seen = {}

        def reached():
            seen.update(self.task(name))
            return seen["state"] in states and seen

        return wait.until(reached, lambda: f"task {name} to become {states}; seen: {seen}", deadline_s, 0.1)

    def skipped(self):
        """{reason: count} of the events that were not delivered."""
        token = (self.data / "admin.token").read_text().strip()
        ask = urllib.request.Request(f"http://{self.http}/metrics", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(ask, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = (line for line in lines if line.startswith("wellhead_capture_skipped_events"))
        return {line.split('reason="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in found}

    def memory_peak_mib(self):
        """The largest resident size of the process so far."""
        status = (paths.Path("/proc") / str(self.process.pid) / "status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def log_tail(self):
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else "(nothing)"


def run(*arguments, deadline_s=60, environment=None):
    """Runs a command of the binary to its end; answers the finished process with its texts."""
    return subprocess.run(
        [str(paths.wellhead_binary()), *map(str, arguments)],
        capture_output=True, text=True, timeout=deadline_s, stdin=subprocess.DEVNULL, env=environment,
    )
