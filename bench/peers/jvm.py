"""Java programs: compiled once into the tests' cache, started with the Java that `install` unpacked."""

import hashlib
import queue
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from harness import database, paths, wait

import process

from . import Failed

HERE = Path(__file__).resolve().parent
ROOT = paths.CACHE / "java-21"
# Java's own messages do not belong on standard output either.
QUIET = ("-Xlog:disable", "-Xlog:all=warning:stderr")
CLASSES = paths.CACHE / "peer-classes"


def install(*parts):
    """Brings in parts that `install` knows."""
    done = subprocess.run([HERE / "install", *parts], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"bench/peers/install {' '.join(parts)}: {done.stderr.strip()}")


def program(name):
    """The command that starts one of the JDK's programs."""
    return database.root_program(ROOT, next(ROOT.glob(f"usr/lib/jvm/java-21-openjdk-*/bin/{name}")).relative_to(ROOT))


def jars(part):
    """The folder of jars that `install` made for this part."""
    return paths.JARS / f"peer-{part}"


def version(part, stem):
    """The version of one of its jars, from its name."""
    names = [name.name for name in jars(part).glob(f"{stem}-*.jar")]
    found = [match[1] for name in names if (match := re.fullmatch(rf"{re.escape(stem)}-(\d.*)\.jar", name))]
    if len(found) != 1:
        raise Failed(f"{jars(part)} has {names or 'nothing'} for {stem}")
    return found[0]


def java_version():
    """As Java says it."""
    said = subprocess.run([*program("java"), "-version"], capture_output=True, text=True, check=True).stderr
    return re.search(r'"([^"]+)"', said)[1]


def compiled(part, *sources):
    """The class path of our own program from these sources on the jars of this part."""
    files = [HERE / "java" / source for source in sources]
    content = b"".join(file.read_bytes() for file in files) + f"{part} {sorted(jars(part).glob('*.complete'))}".encode()
    classes = CLASSES / hashlib.sha256(content).hexdigest()[:16]
    path = f"{jars(part)}/*"
    if not classes.exists():
        subprocess.run([*program("javac"), "-nowarn", "-proc:none", "-cp", path, "-d", classes, *files], check=True)
    return f"{classes}:{path}"


def write(file, settings):
    """Settings as a Java properties file."""
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file


def logging():
    """Options that make Log4j and Logback tell warnings and errors on the standard error stream."""
    return (f"-Dlog4j2.configurationFile={HERE}/java/log4j2.properties",
            f"-Dlogback.configurationFile={HERE}/java/logback.xml")


class Jvm:
    """One running Java program. Its standard output is read line by line, the rest goes to a log."""

    def __init__(self, log, options, class_path, main, *arguments):
        self.log = log
        self.lines = queue.Queue()
        # Killed with us, however we end.
        command = ["setpriv", "--pdeathsig", "KILL", *program("java"), *QUIET, *options, "-cp", class_path, main, *map(str, arguments)]
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
