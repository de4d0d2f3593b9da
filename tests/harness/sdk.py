"""The official subscribe SDK as a process of its own, driven by `tests/java/Subscribe.java`."""

import subprocess

from . import paths, wait


class Sdk:
    """Follows a topic from its group's checkpoint, else from a second, until the `with` block ends."""

    def __init__(self, folder, broker, topic, login, mode, since, jars=paths.JARS / "dts-sdk"):
        account = login.user.removesuffix(f"-{login.group}")
        self.output = folder / f"{jars.name}-{mode}-{login.group}"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                 "--add-exports", "java.base/sun.util.calendar=ALL-UNNAMED",
                 "-cp", f"{jars}/*", str(paths.TESTS / "java" / "Subscribe.java"),
                 broker, topic, login.group, account, login.password, str(since), mode],
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)

    def records(self):
        """What it has read so far: offset, second, operation, and what it made of a row."""
        lines = self.log().split("\n")[:-1]
        parted = (line.split("\t")[1:] for line in lines if line.startswith("record\t"))
        return [(int(offset), int(second), *more) for offset, second, *more in parted]

    def rows(self):
        """The row changes so far: offset, second, operation, table, key, and both images as text."""
        return [entry for entry in self.records() if len(entry) > 3]

    def count(self, operation):
        """How many records of an operation it has read so far."""
        return [entry[2] for entry in self.records()].count(operation)

    def log(self):
        """All that it printed."""
        return self.output.read_text()

    def wait_for(self, operation, count):
        """Waits until it has read so many records of an operation, and answers all records."""
        return wait.until(
            lambda: self.count(operation) >= count and self.records(),
            lambda: f"{count} {operation}; it said:\n{self.log()[-4000:]}", 90,
        )
