"""Consumer groups of the newer protocol (KIP-848, `group.protocol=consumer`) with the clients that speak it."""

import queue
import random
import subprocess
import threading

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from harness import clients, paths, wait, wellhead

pytestmark = pytest.mark.parametrize("source", ["mariadb"], indirect=True)

TASK = "newer"
NEWER = {"group.protocol": "consumer"}


class Member:
    """A consumer on librdkafka, on a thread of its own, that commits what it reads."""

    def __init__(self, broker, login, topics, **settings):
        self.events, self.read, self.committed = [], [], -1
        self.held = False
        self.ending = threading.Event()
        self.consumer = confluent_kafka.Consumer(
            {**clients.Confluent.settings(broker, login), **NEWER, **settings}
        )
        self.consumer.subscribe(topics, on_assign=self._assigned, on_revoke=self._gone, on_lost=self._gone)
        self.thread = threading.Thread(target=self._poll)
        self.thread.start()

    def _poll(self):
        while not self.ending.is_set():
            message = self.consumer.poll(0.1)
            if message is not None and not message.error():
                self.read.append(message.offset())
                try:
                    self.consumer.commit(message, asynchronous=False)
                    self.committed = message.offset() + 1
                except confluent_kafka.KafkaException as refused:
                    self.events.append(refused.args[0].name())
        self.consumer.close()

    def _assigned(self, _, partitions):
        self.events.append(f"assigned {len(partitions)}")
        self.held = self.held or bool(partitions)

    def _gone(self, _, partitions):
        self.events.append(f"gone {len(partitions)}")
        self.held = self.held and not partitions

    def close(self):
        self.ending.set()
        self.thread.join(60)


class JavaMember:
    """The same on the newest Java client, in a process of its own."""

    def __init__(self, broker, login):
        self.process = subprocess.Popen(
            ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{paths.JARS / 'kafka-clients-4'}/*",
             str(paths.TESTS / "java" / "Follow.java"), broker, TASK, login.group, login.user, login.password,
             "consumer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.events, self.committed = [], -1
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    @property
    def held(self):
        told = [event for event in self.events if event.split()[-1] == "1"]
        return bool(told) and told[-1].startswith("assigned")

    def _listen(self):
        for line in self.process.stdout:
            word, _, number = line.strip().partition(" ")
            if word == "committed":
                self.committed = int(number)
            else:
                self.events.append(line.strip())

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.thread.join(30)


class Shop:
    """A task with one table, its rows, and a server."""

    def __init__(self, source, folder):
        self.source, self.database = source, f"k{random.getrandbits(40):x}"
        source.sql(f"CREATE DATABASE {self.database}", f"CREATE TABLE {self.database}.t (id INT PRIMARY KEY)")
        self.server = wellhead.Wellhead.serve(folder, '[capture]\nheartbeat = "1s"\n').start()
        self.server.track_now(TASK, source, self.database)
        self.rows, self.members = 0, []
        self.insert()

    def insert(self):
        """Adds a row, and answers the end of the topic once it is there."""
        before = self.end()
        self.rows += 1
        self.source.sql(f"INSERT INTO {self.database}.t VALUES ({self.rows})")
        wait.until(lambda: self.end() > before, "the row", 60)
        return self.end()

    def end(self):
        seen = self.server.task(TASK)["data_range"]
        return seen["end_offset"] if seen else 0

    def librdkafka(self, login, topics=(TASK,), **settings):
        return self._with(Member(self.server.kafka, login, list(topics), **settings))

    def java(self, login):
        return self._with(JavaMember(self.server.kafka, login))

    def _with(self, member):
        self.members.append(member)
        return member

    def shown(self, group):
        return self.server.api("GET", f"/tasks/{TASK}/groups/{group}", expect=200)[1]

    def checkpoint(self, group):
        checkpoint = self.shown(group)["checkpoint"]
        return checkpoint["offset"] if checkpoint else -1

    def wait_for_members(self, group, count):
        def stable():
            shown = self.shown(group)
            return shown["state"] == "Stable" and len(shown["members"]) == count and shown["members"]

        return wait.until(stable, lambda: f"{count} members: {self.shown(group)}", 60)


@pytest.fixture(scope="module")
def shared(source, session_folder):
    shop = Shop(source, session_folder / "newer")
    yield shop
    shop.server.kill()
    source.sql(f"DROP DATABASE {shop.database}")


@pytest.fixture
def shop(request, shared):
    request.node.wellheads = [shared.server]
    yield shared
    for member in shared.members:
        member.close()
    shared.members.clear()


def wait_for(member, offset):
    wait.until(lambda: member.committed >= offset, lambda: f"offset {offset}: {member.committed}, {member.events}", 60)


def wait_until_held(member):
    wait.until(lambda: member.held, lambda: f"the partition: {member.events}", 60)


@pytest.mark.parametrize("client", ["librdkafka", "java"])
def test_j05_members_of_the_newer_protocol_read_commit_survive_a_kill_and_take_over(shop, client):
    name = f"life_{client}"
    login = shop.server.new_login(TASK, name)
    member = getattr(shop, client)
    holder = member(login)
    wait_until_held(holder)
    wait_for(holder, shop.insert())
    standby = member(login)
    before = {one["member_id"] for one in shop.wait_for_members(name, 2)}
    assert shop.checkpoint(name) >= 1
    told = list(holder.events)

    shop.server.kill()
    shop.server.start()
    wait_for(holder, shop.insert())
    assert holder.events == told, "it was told of nothing"
    assert not standby.held
    assert {one["member_id"] for one in shop.wait_for_members(name, 2)} == before

    holder.close()
    wait_until_held(standby)
    wait_for(standby, shop.insert())
    assert len(shop.wait_for_members(name, 1)) == 1


def test_j05_a_group_of_the_newer_protocol_is_shown_and_rewound(shop):
    login = shop.server.new_login(TASK, "shown")
    # librdkafka hands patterns to the broker.
    reader = shop.librdkafka(login, topics=[f"^{TASK[:3]}.*"])
    wait_until_held(reader)
    end = shop.insert()
    wait_for(reader, end)
    admin = AdminClient(clients.Confluent.settings(shop.server.kafka, login))
    listed = admin.list_consumer_groups().result(20).valid
    assert [(group.group_id, group.type.name) for group in listed] == [(login.group, "CONSUMER")]
    described = admin.describe_consumer_groups([login.group])[login.group].result(20)
    assert (described.state.name, described.type.name) == ("STABLE", "CONSUMER")
    [member] = described.members
    assert [(held.topic, held.partition) for held in member.assignment.topic_partitions] == [(TASK, 0)]

    status, _ = shop.server.api("POST", f"/tasks/{TASK}/groups/shown/seek", {"to": "start"})
    assert status == 409, "it would be overwritten"
    seen = len(reader.read)
    shop.server.api("POST", f"/tasks/{TASK}/groups/shown/seek", {"to": "start", "force": True}, expect=200)
    wait.until(lambda: 0 in reader.read[seen:], lambda: f"it from the start: {reader.events} {reader.read}", 60)

    refused = confluent_kafka.Consumer(clients.Confluent.settings(shop.server.kafka, login))
    try:
        refused.subscribe([TASK])
        told = queue.Queue()

        def error():
            message = refused.poll(0.5)
            if message is not None and message.error():
                told.put(message.error().name())
            return not told.empty() or not reader.held

        wait.until(error, "a member of the classic protocol to be refused", 60)
        assert told.get_nowait() in ("INCONSISTENT_GROUP_PROTOCOL", "_FATAL")
    finally:
        refused.close()
