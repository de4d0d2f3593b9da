"""One running Java program: its lines, what it used, its end."""

import queue
import signal
import subprocess
import threading
import time

import process
from harness import wait

from . import Failed, parts

# Java's own messages do not belong on standard output.
QUIET = ("-Xlog:disable", "-Xlog:all=warning:stderr")


def write(file, settings):
    """Settings as a Java properties file."""
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file


def logging():
    """Options that make Log4j and Logback tell warnings and errors on the standard error stream."""
    return (f"-Dlog4j2.configurationFile={parts.JAVA}/log4j2.properties",
            f"-Dlogback.configurationFile={parts.JAVA}/logback.xml")


class Jvm:
    """One running Java program. Its standard output is read line by line, the rest goes to a log."""

    def __init__(self, log, options, class_path, main, *arguments):
        self.log = log
        self.lines = queue.Queue()
        # Killed with us, however we end.
        command = ["setpriv", "--pdeathsig", "KILL", *parts.program("java"), *QUIET, *options, "-cp", class_path, main,
                   *map(str, arguments)]
        self.began = time.monotonic()
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, cwd=log.parent, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), line.split()))
        self.lines.put(None)

    def line(self, word, deadline_s):
        """When the line that begins with this word came, and the words after it."""
        try:
            answer = self.lines.get(timeout=deadline_s)
        except queue.Empty:
            raise Failed(f"waited {deadline_s:.0f} s in vain for '{word}':\n{self.log_tail()}") from None
        if answer is None:
            raise Failed(f"the program ended with {self.process.wait()} before '{word}':\n{self.log_tail()}")
        at, words = answer
        if words[:1] != [word]:
            raise Failed(f"the program said {words}, not '{word}':\n{self.log_tail()}")
        return at, words[1:]

    def until(self, condition, deadline_s):
        """Waits for a condition, but not longer than the program runs."""
        wait.until(lambda: self._alive_for_sure() and condition(), self.log_tail, deadline_s)

    def _alive_for_sure(self):
        if not self.alive():
            raise Failed(f"the program ended with {self.process.returncode}:\n{self.log_tail()}")
        return True

    def alive(self):
        """Whether it still runs."""
        return self.process.poll() is None

    def cpu_s(self):
        """CPU-seconds until now."""
        return process.cpu_s(self.process.pid)

    def peak_rss_bytes(self):
        """The most that was resident until now."""
        return int(process.memory_peak_mib(self.process.pid) * (1 << 20))

    def log_tail(self):
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-3000:]

    def end(self):
        """Ends it at once if it still runs; nothing of it is kept."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.reader.join(30)
        self.process.stdout.close()
