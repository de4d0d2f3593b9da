"""The official DTS subscribe SDK, in both versions that are published: checkpoints by second, and a switched cluster."""

import contextlib
import itertools


from harness import sdk, wait, wellhead

import java

VERSIONS = java.versions("dts-sdk")
MODES = ("ASSIGN", "SUBSCRIBE")
# Both modes of both versions at once: most of their time is the SDK's own waiting.
ALL = [(version, mode) for version in VERSIONS for mode in MODES]
OFTEN = '[capture]\nheartbeat = "1s"\n'


def test_both_published_versions_are_here():
    assert VERSIONS == ["dts-sdk-1.4.0", "dts-sdk-2.0.0"]


def test_the_sdk_starts_at_its_second_commits_on_an_idle_topic_and_resumes(served, scratch):
    with contextlib.ExitStack() as ends:
        logins = {(version, mode): ends.enter_context(served.new_login()) for version, mode in ALL}
        with started(logins, served, scratch, since=served.second) as running:
            for which, program in running.items():
                rows = served.rows_from(served.offset_of_second)
                program.wait_for("INSERT", len(rows))
                seen = program.records()
                assert seen[0][0] == served.offset_of_second, f"{which} starts at the second it was told"
                assert [entry[0] for entry in seen] == list(range(seen[0][0], seen[0][0] + len(seen)))
                assert [(entry[0], entry[2], entry[3]) for entry in program.rows()] == rows
            for which, program in running.items():
                wait.until(
                    lambda which=which: commit_behind(served, logins[which], served.second_of_last_row),
                    lambda which=which: f"{which} to commit a heartbeat of an idle topic\n{running[which].log()[-2000:]}",
                    60)
        read = {which: program.records()[-1] for which, program in running.items()}
        committed = {which: served.checkpoint(login) for which, login in logins.items()}
        with started(logins, served, scratch, since=1) as running:
            for which, program in running.items():
                first, second, *_ = program.wait_for("HEARTBEAT", 2)[0]
                # It begins with all that its second has. A commit may have been on its way when it was ended.
                assert int(committed[which]["metadata"]) <= second <= read[which][1], f"{which}: {committed[which]}"
                assert first <= read[which][0], f"{which} goes on at {first} and had read up to {read[which]}"
                assert not program.rows()


@contextlib.contextmanager
def started(logins, served, scratch, since):
    """The SDK in each version and mode, with the login of each."""
    with contextlib.ExitStack() as ends:
        yield {
            (version, mode): ends.enter_context(sdk.Sdk(
                scratch, served.broker, served.topic, login, mode, since, jars=java.BUILT / "jvm" / version))
            for (version, mode), login in logins.items()
        }


def commit_behind(served, login, second):
    """A group's checkpoint once it stands for a later second."""
    checkpoint = served.checkpoint(login)
    return checkpoint and int(checkpoint["metadata"]) > second and checkpoint


def test_when_offsets_are_renumbered_the_sdk_seeks_again_by_time(client_source, scratch, new_wellhead):
    """In an older copy that is restored and goes on, offsets name other records: no row may be passed over."""
    database_name = "switched"
    client_source.sql(f"CREATE DATABASE {database_name}", f"CREATE TABLE {database_name}.t (id INT PRIMARY KEY)")
    original = new_wellhead.serve(OFTEN, name="original").start()
    original.track_now(database_name, client_source, database_name)
    logins = {which: original.new_login(database_name, f"r{number}") for number, which in enumerate(ALL)}
    topic = SwitchedTopic(original, client_source, database_name)
    with started(logins, topic, scratch, since=1) as running:
        topic.insert(range(20))
        topic.wait_until_read(running, 20)
        topic.wait_until_committed(logins)
        backup = scratch / "backup"
        assert_run("backup", "create", backup, "--data-dir", original.data)
        topic.insert(range(20, 40))
        topic.wait_until_read(running, 40)
        # The copy will not have these heartbeats: whoever went on at the offset that follows them would miss rows.
        more = {program: program.count("HEARTBEAT") + 6 for program in running.values()}
        for program, heartbeats in more.items():
            program.wait_for("HEARTBEAT", heartbeats)
        original.kill()
        topic.insert(range(40, 240))
        copy = new_wellhead.serve(OFTEN, name="copy", kafka_port=original.kafka_port)
        assert_run("backup", "restore", backup, "--data-dir", copy.data)
        copy.start()
        topic.wait_until_read(running, 240)
        for which, program in running.items():
            ids = [int(entry[6]) for entry in program.rows()]
            ahead = [number for number, before in zip(ids[1:], itertools.accumulate(ids, max)) if number > before + 1]
            assert not ahead, f"{which} passed over the rows before {ahead}"
            assert switches(program) == 1, which


def switches(program):
    """How often the SDK has noticed another cluster and begun anew."""
    return program.log().count("ClusterSwitchException: Cluster changed from")


class SwitchedTopic:
    """A topic of small rows that counts up."""

    def __init__(self, server, source, name):
        self.server = server
        self.source = source
        self.topic = name
        self.broker = server.kafka

    def insert(self, numbers):
        """One transaction for each row."""
        self.source.sql(*(f"INSERT INTO {self.topic}.t VALUES ({number})" for number in numbers))

    def wait_until_read(self, running, count):
        """Until each has read the row of the highest number."""
        for which, program in running.items():
            wait.until(
                lambda program=program: program.rows() and int(program.rows()[-1][6]) == count - 1,
                lambda program=program: f"{which} to read {count} rows: {program.rows()[-3:]}\n{program.log()[-3000:]}",
                90, 0.1)

    def wait_until_committed(self, logins):
        """Until each group's checkpoint stands."""
        for which, login in logins.items():
            wait.until(lambda login=login: self.checkpoint(login), f"{which} to commit", 60)

    def checkpoint(self, login):
        """Where a group stands, as the API tells it."""
        account = login.user.removesuffix(f"-{login.group}")
        return self.server.api("GET", f"/tasks/{self.topic}/groups/{account}", expect=200)[1]["checkpoint"]


def assert_run(*arguments):
    """Runs a command of the binary, which must succeed."""
    done = wellhead.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
