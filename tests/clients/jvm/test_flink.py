"""Apache Flink's own Kafka connector: raw bytes from a time, its commits at checkpoints, and from where they stand."""

import contextlib
import json
import subprocess

from harness import clients, wait

import java
import pages
import tour

[FLINK] = java.versions("flink")
# Java 17 closes what Flink looks into, as its own start script says.
OPENED = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.lang", "java.util", "java.nio")]


@contextlib.contextmanager
def flink(start, served, login, folder):
    """Runs the job until the `with` block ends; answers a function that tells the records so far."""
    told = tour.environment(served, login, {"WELLHEAD_SECOND": str(served.second)})
    command = java.command(FLINK, "FlinkRead", start, classes="jvm-flink", options=OPENED)
    with open(folder / start, "a+b") as said, open(folder / f"{start}-errors", "ab") as errors:
        program = subprocess.Popen(command, env=told, stdin=subprocess.DEVNULL, stdout=said, stderr=errors, cwd=folder)

        def records():
            assert program.poll() is None, pages.end_of(folder / f"{start}-errors")
            return pages.changes(said)

        try:
            yield records
        finally:
            program.kill()
            program.wait(30)


def test_flink_reads_from_a_time_commits_and_goes_on(served, scratch):
    with served.new_login() as login:
        with flink("time", served, login, scratch) as records:
            last = served.rows[-1][0]
            seen = wait.until(
                lambda: records() and records()[-1]["offset"] >= last and records(), "the last row", 120, 0.2)
            held = tour.Tour("flink", seen[: last + 1 - served.offset_of_second])
            held.reads("flink", served, served.offset_of_second, last + 1 - served.offset_of_second)
            committed = wait.until(
                lambda: (served.checkpoint(login) or {}).get("offset", 0) > last and served.checkpoint(login),
                "a commit at a checkpoint", 60)
            assert committed["metadata"] == ""
        stood = served.checkpoint(login)["offset"]
        end = clients.end_of(served.broker, served.topic, login)
        with flink("committed", served, login, scratch) as records:
            seen = wait.until(records, "a heartbeat", 120, 0.2)
            # A last commit may have been on its way when the job was killed.
            assert stood <= seen[0]["offset"] <= end


def test_what_the_connector_for_dts_asks_is_answered(served):
    with served.new_login() as login:
        done = subprocess.run(
            java.command("kafka-clients-1.0.2", "DtsConnector", classes="jvm-dts-connector"),
            env=tour.environment(served, login, {"WELLHEAD_SECOND": str(served.second)}),
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr[-3000:]
        said = {line["event"]: line["number"] for line in map(json.loads, done.stdout.splitlines())}
        at = served.offset_of_second
        assert said == {"partitions": 1, "start": at, "restored": at + 1, "in the future": -1, "metadata": 0}
        assert served.checkpoint(login)["offset"] == at + 2
