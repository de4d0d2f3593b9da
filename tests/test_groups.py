"""Consumer groups as their clients and operators live through them: kills, standbys, names, and rewinding."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import urllib.request

import confluent_kafka
import kafka
import pytest
from confluent_kafka.admin import AdminClient

from harness import clients, wait, wellhead

pytestmark = pytest.mark.parametrize("source", ["mariadb"], indirect=True)

TASK = "groups"
# However long a busy machine takes for something, nobody's session ends,
PATIENT = {"session.timeout.ms": 120_000, "heartbeat.interval.ms": 300, "auto.offset.reset": "earliest"}
# except where a test waits for that.
BRIEF = {"session.timeout.ms": 6_000}

# A consumer that can be stopped, ended and killed like any process. Says when it holds the partition.
PROCESS = """
import json, signal, sys, confluent_kafka
settings, topic = json.loads(sys.argv[1]), sys.argv[2]
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
consumer = confluent_kafka.Consumer(settings)
say = lambda word: print(word, flush=True)
consumer.subscribe([topic], on_assign=lambda _, parts: say("assigned" if parts else "standby"))
while not ended:
    consumer.poll(0.1)
consumer.close()
"""


class Member:
    """A consumer of a group on a thread of its own, that remembers what it was told and what it read."""

    def __init__(self, broker, login, **settings):
        self.events, self.read = [], []
        self.held = False
        self.ending = threading.Event()
        self.consumer = confluent_kafka.Consumer(
            {**clients.Confluent.settings(broker, login), **PATIENT, **settings}
        )
        self.consumer.subscribe(
            [TASK], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        self.thread = threading.Thread(target=self._poll)
        self.thread.start()

    def _poll(self):
        while not self.ending.is_set():
            message = self.consumer.poll(0.1)
            if message is not None and not message.error():
                self.read.append(message.offset())
        self.consumer.close()

    def _assigned(self, _, partitions):
        self.events.append("assigned")
        self.held = self.held or bool(partitions)

    def _revoked(self, _, partitions):
        self.events.append("revoked")
        self.held = self.held and not partitions

    def _lost(self, _, partitions):
        self.events.append("lost")
        self.held = self.held and not partitions

    def wait_until_held(self):
        wait.until(lambda: self.held, lambda: f"the partition; told: {self.events}", 60)
        return self

    def close(self):
        self.ending.set()
        self.thread.join(60)


class Shop:
    """A task with one table, and groups made on demand."""

    def __init__(self, source, folder):
        self.source, self.database = source, f"g{random.getrandbits(40):x}"
        source.sql(f"CREATE DATABASE {self.database}", f"CREATE TABLE {self.database}.t (id INT PRIMARY KEY)")
        self.server = wellhead.Wellhead.serve(folder, '[capture]\nheartbeat = "1s"\n').start()
        self.server.track_now(TASK, source, self.database)
        self.rows = 0
        self.members = []
        self.insert(20)
        wait.until(lambda: self.end() >= 20, "the first rows")

    def insert(self, count=1):
        """Adds rows, each a transaction of its own."""
        for _ in range(count):
            self.rows += 1
            self.source.sql(f"INSERT INTO {self.database}.t VALUES ({self.rows})")

    def end(self):
        seen = self.server.task(TASK)["data_range"]
        return seen["end_offset"] if seen else 0

    def group(self, name):
        return Group(self, name, self.server.new_login(TASK, name))

    def metric(self, api, error):
        """How many requests of an API were answered so since the server started."""
        token = (self.server.data / "admin.token").read_text().strip()
        ask = urllib.request.Request(
            f"http://{self.server.http}/metrics", headers={"Authorization": f"Bearer {token}"}
        )
        head = f'wellhead_kafka_requests_total{{api="{api}",error="{error}"}} '
        with urllib.request.urlopen(ask, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.removeprefix(head)) for line in lines if line.startswith(head))


class Group:
    """One group: its members here, and how the server shows it."""

    def __init__(self, shop, name, login):
        self.shop, self.name, self.login = shop, name, login

    def member(self, **settings):
        member = Member(self.shop.server.kafka, self.login, **settings)
        self.shop.members.append(member)
        return member

    def shown(self):
        return self.shop.server.api("GET", f"/tasks/{TASK}/groups/{self.name}", expect=200)[1]

    def ids(self):
        """Member ids, once the group is stable with so many of them."""
        shown = self.shown()
        return {one["member_id"] for one in shown["members"]} if shown["state"] == "Stable" else set()

    def wait_for_members(self, count):
        return wait.until(
            lambda: len(self.ids()) == count and self.ids(), lambda: f"{count} members: {self.shown()}", 60
        )

    def seek(self, to, **more):
        return self.shop.server.api("POST", f"/tasks/{TASK}/groups/{self.name}/seek", {"to": to, **more})

    def process(self, **more):
        """A member in a process of its own."""
        settings = clients.Confluent.settings(self.shop.server.kafka, self.login) | PATIENT | more
        return subprocess.Popen(
            [sys.executable, "-c", PROCESS, json.dumps(settings), TASK], stdout=subprocess.PIPE, text=True
        )

    def stranger(self):
        """A client that assigns by itself, and commits with its own words."""
        client = kafka.KafkaConsumer(**clients.KafkaPython.settings(self.shop.server.kafka, self.login))
        client.assign([kafka.TopicPartition(TASK, 0)])
        return client

    def outsider(self):
        """The same on librdkafka."""
        return confluent_kafka.Consumer(clients.Confluent.settings(self.shop.server.kafka, self.login))


@pytest.fixture(scope="module")
def shared(source, session_folder):
    shop = Shop(source, session_folder / "groups")
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


def told_all(*members):
    """What each member was told, once all know what they have: who gets nothing learns it last."""
    wait.until(lambda: all(member.events and member.events[-1] == "assigned" for member in members),
               lambda: f"all to be assigned: {[member.events for member in members]}", 60)
    return tuple(list(member.events) for member in members)


def commit(consumer, offset, metadata=""):
    place = confluent_kafka.TopicPartition(TASK, 0, offset, metadata)
    return consumer.commit(offsets=[place], asynchronous=False)


def test_j05_members_go_on_after_a_kill_and_nobody_rebalances(shop):
    group = shop.group("survivor")
    holder = group.member().wait_until_held()
    standby = group.member()
    before = group.wait_for_members(2)
    wait.until(lambda: holder.held or standby.held, "one of them to hold the partition")
    told = told_all(holder, standby)
    shop.server.kill()
    shop.server.start()
    shop.insert()
    end = shop.end()
    reader = holder if holder.held else standby
    wait.until(lambda: reader.read and reader.read[-1] >= end - 1, "what was written after the kill", 60)
    wait.until(lambda: shop.metric("Heartbeat", "NONE") >= 10, "heartbeats of both", 60)
    assert shop.metric("Heartbeat", "UNKNOWN_MEMBER_ID") == 0
    assert (shop.metric("JoinGroup", "NONE"), shop.metric("SyncGroup", "NONE")) == (0, 0)
    assert group.ids() == before, "they are the members they were"
    assert (holder.events, standby.events) == told, "nobody was told of a rebalance"


def test_j05_a_standby_takes_over_from_a_consumer_that_was_killed(shop):
    group = shop.group("standby")
    first = group.process(**BRIEF)
    try:
        assert first.stdout.readline().strip() == "assigned"
        standby = group.member()
        group.wait_for_members(2)
        first.kill()
        standby.wait_until_held()
        wait.until(lambda: standby.read, "the standby to read", 60)
    finally:
        first.kill()
        first.wait(10)
    assert len(group.wait_for_members(1)) == 1


def test_j05_a_rebalance_that_a_kill_interrupts_ends(shop):
    group = shop.group("torn")
    slow = group.process()
    try:
        assert slow.stdout.readline().strip() == "assigned"
        group.wait_for_members(1)
        os.kill(slow.pid, signal.SIGSTOP)
        newcomer = group.member()
        wait.until(lambda: group.shown()["state"] == "PreparingRebalance", "the group to rebalance")
        shop.server.kill()
        os.kill(slow.pid, signal.SIGCONT)
        shop.server.start()
        group.wait_for_members(2)
        slow.terminate()
        newcomer.wait_until_held()
    finally:
        slow.kill()
        slow.wait(10)


def test_j05_a_static_member_comes_back_after_a_kill_under_its_name(shop):
    group = shop.group("static")
    named = {"group.instance.id": "pod-0"}
    first = group.member(**named).wait_until_held()
    other = group.member(**{"group.instance.id": "pod-1"})
    group.wait_for_members(2)
    wait.until(lambda: first.held or other.held, "one of them to hold the partition")
    _, told = told_all(first, other)
    first.close()
    shop.server.kill()
    shop.server.start()
    again = group.member(**named)
    wait.until(lambda: again.held or other.held and again.events, "the static member to be back", 60)
    members = {one["instance_id"] for one in group.shown()["members"]}
    assert members == {"pod-0", "pod-1"}
    assert other.events == told, "the other one noticed nothing"
    thief = group.member(**named)
    wait.until(lambda: shop.metric("Heartbeat", "FENCED_INSTANCE_ID"), "the older one to be fenced", 60)
    wait.until(lambda: thief.events, "the newer one to be let in", 60)
    assert other.events == told


def test_j05_cooperative_members_hand_the_partition_over(shop):
    group = shop.group("cooperative")
    sticky = {"partition.assignment.strategy": "cooperative-sticky"}
    first = group.member(**sticky).wait_until_held()
    second = group.member(**sticky)
    group.wait_for_members(2)
    assert first.held and "revoked" not in first.events, "who holds it keeps it"
    first.close()
    second.wait_until_held()
    wait.until(lambda: second.read, "the second one to read", 60)


def test_j05_commits_from_outside_wait_for_the_members_to_go(shop):
    group = shop.group("outsider")
    partition = kafka.TopicPartition(TASK, 0)
    outsider = group.stranger()
    outsider.commit({partition: kafka.OffsetAndMetadata(3, "1562727297|anything", -1)})
    member = group.member().wait_until_held()
    wait.until(lambda: member.read, "it to read", 60)
    assert member.read[0] == 3, "who joins goes on where the outsider stood"
    with pytest.raises(kafka.errors.CommitFailedError):
        outsider.commit({partition: kafka.OffsetAndMetadata(9, "", -1)})
    assert shop.metric("OffsetCommit", "UNKNOWN_MEMBER_ID") >= 1
    member.close()
    outsider.commit({partition: kafka.OffsetAndMetadata(9, "", -1)})
    assert group.shown()["checkpoint"]["offset"] == 9
    outsider.close(autocommit=False)


def test_j05_the_words_of_a_commit_outlive_a_kill_byte_for_byte(shop):
    group = shop.group("words")
    partition = kafka.TopicPartition(TASK, 0)
    words = "1712905965|é\u4e2d " + "x" * 4_000
    writer = group.stranger()
    writer.commit({partition: kafka.OffsetAndMetadata(7, words, -1)})
    writer.close(autocommit=False)
    shop.server.kill()
    shop.server.start()
    reader = group.stranger()
    found = reader.committed(partition, metadata=True)
    reader.close(autocommit=False)
    assert (found.offset, found.metadata) == (7, words)
    assert group.shown()["checkpoint"]["metadata"] == words


def test_j05_a_seek_is_refused_while_somebody_reads_and_forced_all_the_same(shop):
    group = shop.group("rewound")
    member = group.member().wait_until_held()
    group.wait_for_members(1)
    wait.until(lambda: len(member.read) >= 20, "it to read past the places that it is put to", 60)
    status, problem = group.seek("start")
    assert (status, problem["code"]) == (409, "wrong_state"), problem
    assert problem["detail"] == (
        "group rewound has 1 live member (127.0.0.1); seeking now would be overwritten. Stop them, or use --force."
    )
    read = len(member.read)
    status, sought = group.seek("+2", force=True)
    assert (status, sought["members"], sought["tablets"][0]["to"]["offset"]) == (200, 1, 2), sought
    wait.until(lambda: 4 in member.read[read:], lambda: f"it to go on at 2: {member.read[read:][:9]}", 60)
    assert member.read[member.read.index(2, read) :][:3] == [2, 3, 4]
    assert not {0, 1} & set(member.read[read:])
    wait.until(lambda: member.held, "it to be a member again", 60)


def test_j05_a_seek_understands_every_place_and_tells_both_times(shop):
    group = shop.group("seeker")
    assert group.seek("checkpoint")[0] == 422, "it has none yet"
    _, plan = group.seek("5", dry_run=True)
    assert plan["dry_run"] and plan["tablets"][0]["from"] is None
    assert group.shown()["checkpoint"] is None, "a plan is no act"
    _, sought = group.seek("5")
    time = sought["tablets"][0]["to"]["time_unix"]
    shown = group.shown()["checkpoint"]
    assert (shown["offset"], shown["metadata"], shown["time_unix"]) == (5, str(time), time), "as a DTS client writes it"
    _, span = shop.server.api("GET", f"/tasks/{TASK}/data-range", expect=200)
    begin = span["begin_offset"]
    for place, offset in (
        ("start", begin), ("+3", begin + 3), ("checkpoint", begin + 3), (f"@{span['begin_unix']}", begin),
        (f"@{span['begin_unix'] * 1000}", begin), (f"@{span['begin']}", begin), ("@-1h", begin),
    ):
        status, sought = group.seek(place)
        assert (status, sought["tablets"][0]["to"]["offset"]) == (200, offset), (place, sought)
    for place in ("end", "now", "-1"):
        status, sought = group.seek(place)
        assert status == 200 and sought["tablets"][0]["to"]["offset"] > begin + 20, (place, sought)
    for place in ("99999999999", "-", "@yesterday", ""):
        status, problem = group.seek(place)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/to"), (place, problem)
    assert shop.server.api("POST", f"/tasks/{TASK}/groups/nobody/seek", {"to": "start"})[0] == 404


def test_j05_the_command_line_seeks_after_it_has_asked(shop):
    group = shop.group("console")
    outsider = group.outsider()
    commit(outsider, 11)
    outsider.close()
    where = ("--url", f"http://{shop.server.http}", "--token-file", shop.server.data / "admin.token")
    seek = ("group", "seek", "console", "--task", TASK, *where)
    planned = wellhead.run(*seek, "--to", "+4", "--dry-run")
    assert planned.returncode == 0 and "would go from offset 11 (" in planned.stdout, planned
    unasked = wellhead.run(*seek, "--to", "+4")
    assert unasked.returncode == 2 and "give --yes" in unasked.stderr
    assert group.shown()["checkpoint"]["offset"] == 11
    done = wellhead.run(*seek, "--to", "+4", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["tablets"][0]["to"]["offset"] == 4
    assert clients.Confluent().read(shop.server.kafka, TASK, clients.COMMITTED, 1, group.login)[0][0] == 4
    back = wellhead.run(*seek, "--to", "-3", "--yes")
    assert back.returncode == 0, back.stderr
    shown = wellhead.run("group", "show", "console", "--task", TASK, *where)
    assert "leaves the topic in 23 h 5" in shown.stdout and "state       Empty" in shown.stdout, shown.stdout
    member = group.member().wait_until_held()
    group.wait_for_members(1)
    refused = wellhead.run(*seek, "--to", "start", "--yes")
    assert refused.returncode != 0 and "Stop them, or use --force." in refused.stderr
    member.close()


def test_j05_admin_clients_see_and_delete_their_own_group_alone(shop):
    group, other = shop.group("admin"), shop.group("stranger")
    outsider = other.outsider()
    commit(outsider, 1)
    outsider.close()
    settings = clients.Confluent.settings(shop.server.kafka, group.login)
    admin = AdminClient({key: settings[key] for key in settings if key.startswith(("bootstrap", "s"))})
    assert admin.list_consumer_groups().result(20).valid == [], "nobody has used it yet"
    member = group.member().wait_until_held()
    group.wait_for_members(1)
    listed = admin.list_consumer_groups().result(20)
    assert [one.group_id for one in listed.valid] == [group.login.group] and not listed.errors
    described = admin.describe_consumer_groups([group.login.group])[group.login.group].result(20)
    assert described.state == confluent_kafka.ConsumerGroupState.STABLE
    assert described.partition_assignor == "range"
    [one] = described.members
    assert [(at.topic, at.partition) for at in one.assignment.topic_partitions] == [(TASK, 0)]
    assert one.host == "/127.0.0.1"
    for refused in (
        admin.describe_consumer_groups([other.login.group])[other.login.group],
        admin.delete_consumer_groups([other.login.group])[other.login.group],
    ):
        with pytest.raises(confluent_kafka.KafkaException) as refusal:
            refused.result(20)
        assert refusal.value.args[0].code() == confluent_kafka.KafkaError.INVALID_GROUP_ID
    with pytest.raises(confluent_kafka.KafkaException) as refusal:
        admin.delete_consumer_groups([group.login.group])[group.login.group].result(20)
    assert refusal.value.args[0].code() == confluent_kafka.KafkaError.NON_EMPTY_GROUP
    member.close()
    wait.until(lambda: group.shown()["state"] == "Empty", "the member to leave")
    admin.delete_consumer_groups([group.login.group])[group.login.group].result(20)
    assert admin.list_consumer_groups().result(20).valid == []
    assert group.shown()["checkpoint"] is None and other.shown()["checkpoint"]["offset"] == 1
    group.member().wait_until_held()


def test_j05_the_limits_of_dts_hold(shop):
    api = shop.server.api
    limits = f"/tasks/{TASK}-limits"
    api("PUT", limits, {"source": {"url": shop.source.url()}, "objects": {shop.database: {"all": True}}})
    good = {"account": "a" * 16, "password": "abcdefg1"}
    for account in ("", "a" * 17, "with-dash", "with space", "é"):
        status, problem = api("PUT", f"{limits}/groups/one", {**good, "account": account})
        assert (status, problem["code"]) == (422, "invalid_value"), (account, problem)
    for password in ("abcde1!", "abcdefgh", "12345678", "a1" * 17, "abcdefg1\n"):
        status, problem = api("PUT", f"{limits}/groups/one", {**good, "password": password})
        assert status == 422 and password.strip() not in str(problem), (password, problem)
    for number in range(20):
        api("PUT", f"{limits}/groups/g{number}", {**good, "password": f"{number:02}" * 15 + "_A"}, expect=200)
    status, problem = api("PUT", f"{limits}/groups/one", good)
    assert status == 422 and "20 groups already" in problem["detail"], problem
    api("PUT", f"{limits}/groups/g0", good, expect=200)
    api("DELETE", f"{limits}/groups/g1", expect=204)
    api("PUT", f"{limits}/groups/one", good, expect=200)
