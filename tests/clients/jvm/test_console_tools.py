"""The tools that come with Apache Kafka, of 3.9 and 4.x: what they ask of a broker is answered truthfully."""

import concurrent.futures
import contextlib
import re
import subprocess

import confluent_kafka
import pytest
from harness import clients, wait

import console
import java

TOPICS = console.MAINS["kafka-topics"]
GROUPS = console.MAINS["kafka-consumer-groups"]
OFFSETS = console.MAINS["kafka-get-offsets"]
CONSUMER = console.MAINS["kafka-console-consumer"]

PER_VERSION = pytest.mark.parametrize("tools", console.VERSIONS, indirect=True)


class Tools:
    """The tools of one version, with the login of one group."""

    def __init__(self, version, served, login, folder):
        self.version = version
        self.served = served
        self.login = login
        self.settings = folder / "login.properties"
        self.settings.write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
            "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="{login.user}" password="{login.password}";\n'
            f"group.id={login.group}\nenable.auto.commit=false\n")

    def run(self, main, *arguments, code=0, settings="--command-config"):
        """Runs a tool to its end; answers what it printed."""
        done = subprocess.run(
            java.command(self.version, main, "--bootstrap-server", self.served.broker, settings, self.settings,
                         *arguments),
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        said = f"{main} {arguments}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert (done.returncode == 0) == (code == 0), said
        return done.stdout

    def side_by_side(self, *calls):
        """Runs tools that do not need each other at once; their outputs in order."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda call: self.run(*call), calls))

    def groups(self, *arguments):
        """`kafka-consumer-groups` for the own group, as rows of words."""
        said = self.run(GROUPS, "--group", self.login.group, *arguments)
        return [line.split() for line in said.splitlines() if line.strip()]


@pytest.fixture
def tools(request, served, scratch):
    """One version's tools, each test with a group of its own."""
    with served.new_login() as login:
        yield Tools(request.param, served, login, scratch)


def test_both_lines_of_the_tools_are_here():
    assert [version.split(".")[0] for version in console.VERSIONS] == ["console-tools-3", "console-tools-4"]


@PER_VERSION
def test_the_tools_tell_topics_and_offsets(tools, served):
    second = str(served.second * 1000)
    listed, described, latest, earliest, at_second, newest = tools.side_by_side(
        (TOPICS, "--list"),
        (TOPICS, "--describe"),
        (OFFSETS, "--topic", served.topic),
        (OFFSETS, "--topic", served.topic, "--time", "earliest"),
        (OFFSETS, "--topic", served.topic, "--time", second),
        (OFFSETS, "--topic", served.topic, "--time", "max-timestamp"),
    )
    assert listed.split() == [served.topic], "and no other topic"
    head, partition = described.splitlines()
    assert re.search(rf"Topic: {served.topic}\tTopicId: [\w-]{{22}}\tPartitionCount: 1\tReplicationFactor: 1\t", head)
    [node] = re.findall(r"\tLeader: (\d+)\t", partition)
    assert f"\tReplicas: {node}\tIsr: {node}" in partition
    assert int(latest.strip().removeprefix(f"{served.topic}:0:")) >= served.end
    assert earliest.strip() == f"{served.topic}:0:0"
    assert at_second.strip() == f"{served.topic}:0:{served.offset_of_second}"
    assert int(newest.strip().removeprefix(f"{served.topic}:0:")) >= served.first_of_newest


@PER_VERSION
def test_the_console_consumer_reads_and_its_group_is_told(tools, served):
    settings = "--consumer.config" if tools.version < "console-tools-4" else "--command-config"
    properties = "--property" if tools.version < "console-tools-4" else "--formatter-property"
    said = tools.run(
        CONSUMER, "--topic", served.topic, "--group", tools.login.group, "--from-beginning", "--max-messages", "40",
        properties, "print.offset=true", properties, "print.timestamp=true", properties, "print.value=false",
        settings=settings)
    seen = re.findall(r"^CreateTime:(\d+)\tOffset:(\d+)", said, re.MULTILINE)
    assert seen == [(str(served.timestamp(offset)), str(offset)) for offset in range(40)]

    with member(served, tools.login) as client:
        offsets, members, state = (tools.groups("--describe", *more) for more in ((), ("--members",), ("--state",)))
        [row] = rows_of(offsets, tools.login.group)
        assert row["TOPIC"] == served.topic and row["PARTITION"] == "0" and row["CURRENT-OFFSET"] == "40", row
        assert int(row["LAG"]) == int(row["LOG-END-OFFSET"]) - 40 > 0
        assert row["CLIENT-ID"] == client and row["HOST"] == "/127.0.0.1", row
        [row] = rows_of(members, tools.login.group)
        assert row["CLIENT-ID"] == client and row["#PARTITIONS"] == "1", row
        assert "Stable" in state[-1], state
        refused = tools.run(GROUPS, "--group", tools.login.group, "--reset-offsets", "--to-earliest", "--topic",
                            served.topic, "--execute")
        assert "inactive" in refused, refused
    wait.until(lambda: "Empty" in tools.groups("--describe", "--state")[-1], "the member to be gone", 60)


@PER_VERSION
def test_a_group_is_rewound_and_deleted_by_the_tools(tools, served):
    for move, offset in (("--to-earliest", 0), ("--shift-by 7", 7), ("--to-offset 31", 31)):
        tools.groups("--reset-offsets", *move.split(), "--topic", served.topic, "--execute")
        assert served.checkpoint(tools.login)["offset"] == offset, move
    assert tools.run(GROUPS, "--list").split() == [tools.login.group], "and no other group"
    tools.groups("--delete-offsets", "--topic", served.topic)
    assert served.checkpoint(tools.login) is None
    tools.groups("--reset-offsets", "--to-latest", "--topic", served.topic, "--execute")
    assert served.checkpoint(tools.login)["offset"] >= served.end
    assert "successful" in " ".join(map(" ".join, tools.groups("--delete")))
    assert served.checkpoint(tools.login) is None


@PER_VERSION
def test_what_would_change_a_topic_is_refused(tools, served):
    for arguments in (
        ("--create", "--topic", "another"),
        ("--delete", "--topic", served.topic),
        ("--alter", "--topic", served.topic, "--partitions", "3"),
    ):
        said = tools.run(TOPICS, *arguments, code=1)
        assert "made, filled and deleted by change tracking tasks alone" in said, said
    assert tools.run(TOPICS, "--list").split() == [served.topic]
    assert "does not exist" in tools.run(TOPICS, "--describe", "--topic", "another", code=1)


@contextlib.contextmanager
def member(served, login):
    """A live member that has got the partition; answers its client id."""
    settings = clients.Confluent.settings(served.broker, login) | {"client.id": "watched"}
    consumer = confluent_kafka.Consumer(settings)
    assigned = []
    consumer.subscribe([served.topic], on_assign=lambda _, partitions: assigned.append(partitions))
    try:
        wait.until(lambda: consumer.poll(0.2) and False or assigned, "an assignment", 60)
        consumer.commit(offsets=[confluent_kafka.TopicPartition(served.topic, 0, 40)], asynchronous=False)
        yield "watched"
    finally:
        consumer.close()


def rows_of(lines, group):
    """The rows of a table, as {column: word}."""
    head = next(line for line in lines if line[0] == "GROUP")
    return [dict(zip(head, line)) for line in lines if line[0] == group]
