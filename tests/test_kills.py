"""Killed a thousand times under load, and stopped for moments: each change once, and nothing served that went away.

One Wellhead follows a MySQL and a MariaDB at once. A kill comes at a random moment of a start's life, from its first
instruction on, or right when a log has grown by a random number of bytes, so that it lands inside transactions and
inside of rows events too; that it did is told by the log itself. Between kills lies around what crashes leave behind.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

import confluent_kafka
import pytest
from kafka.record.util import calc_crc32c

from harness import clients, database, debris, storm, wait, wellhead, witness

KILLS = int(os.environ.get("WELLHEAD_TEST_KILLS", "1000"))
# A kill falls within so many times of what a start takes until something is written; fewer on a slow machine.
LIFE_MAX_STARTS, LIFE_MIN_STARTS = 3, 1.5
LIFE_MAX_S = 0.5
PAUSE_MAX_S = 0.03
GROWTH_MAX_BYTES = 400_000
# What a slow machine may take to catch up and to read a log that has lived so often.
READ_S_MAX = 300
# How many times as long as the honest log a lie is read for, and how long at least.
LIE_READS, LIE_S_MIN = 5, 3
# The shortest session of a consumer group.
SESSION_S = 6
# Of a batch: where the bytes begin that its checksum covers, right behind it, and one of its fields.
CHECKED_AT, LAST_OFFSET_DELTA = 21, slice(23, 27)
# Segments are as small as they may be; each variant of the rest is used for a part of the kills.
CONFIGURATIONS = (
    '[storage]\nsegment_bytes = "1MiB"\nsync_interval = "2ms"\n',
    '[storage]\nsegment_bytes = "1MiB"\nsync_interval = "0s"\ncompression = "none"\n',
    '[storage]\nsegment_bytes = "1MiB"\nsync_interval = "50ms"\n',
)


class Killer:
    """Starts a Wellhead again and again, and ends it when the dice say so."""

    def __init__(self, server, folders, dice):
        self.server = server
        self.folders = folders
        self.dice = dice
        self.pauses = 0
        self.life_max_s = 0

    def measure(self):
        """Finds out how long a start takes here and now, under load; some 80 ms on a quiet machine."""
        times = []
        for _ in range(5):
            self.server.spawn()
            self.life_max_s = 30
            begin = time.monotonic()
            for folder in self.folders:
                self.until_grown_by(1, [folder])
            times.append(time.monotonic() - begin)
            self.server.kill()
        start = sorted(times)[len(times) // 2]
        self.life_max_s = max(min(LIFE_MAX_STARTS * start, LIFE_MAX_S), LIFE_MIN_STARTS * start)

    def once(self):
        """One life: it is started, perhaps stopped for a moment, and killed."""
        self.server.spawn()
        if self.dice.random() < 0.5:
            self.until_grown_by(self.dice.randrange(GROWTH_MAX_BYTES))
        else:
            self._survives(self.dice.uniform(0, self.life_max_s))
        if self.dice.random() < 0.3:
            self._pause()
        self.server.kill()

    def _pause(self):
        """Stops it in the middle of whatever it does; it goes on, for a while at least, or is killed as it stands."""
        self.pauses += 1
        self.server.process.send_signal(signal.SIGSTOP)
        if self.dice.random() < 0.7:
            self._survives(self.dice.uniform(0, PAUSE_MAX_S))
            self.server.process.send_signal(signal.SIGCONT)
            self._survives(self.dice.uniform(0, PAUSE_MAX_S))

    def until_grown_by(self, growth, folders=None):
        """Waits until the logs have grown by so many bytes, but not for long."""
        folders = folders or self.folders
        end = time.monotonic() + self.life_max_s
        size = sum(folder.size() for folder in folders) + growth
        while time.monotonic() < end and sum(folder.size() for folder in folders) < size:
            self._survives(0.0005)

    def _survives(self, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.server.process.wait(seconds)
            raise wellhead.Exited(f"it ended by itself:\n{self.server.log_tail()}")


@pytest.fixture
def storms(request, templates, scratch):
    """A storm on a server of each kind, or of those that a test names."""
    with contextlib.ExitStack() as ends:
        made = []
        for kind in getattr(request, "param", database.KINDS):
            server = database.KINDS[kind](scratch / kind, storm.OPTIONS, templates[kind])
            ends.callback(server.stop)
            server.start().create_user()
            made.append(storm.Storm(server, f"storm_{kind}").create())
            ends.callback(made[-1].abandon)
        yield made


@pytest.mark.timeout(1200)
def test_e01_j07_killed_at_a_thousand_random_moments(storms, new_wellhead, dice):
    server = new_wellhead.serve(CONFIGURATIONS[0]).start()
    for one in storms:
        server.track_now(one.name, one.server, one.name)
    logins = [server.new_login(one.name) for one in storms]
    witnesses = [witness.Witness(server.kafka_port, one.name, login) for one, login in zip(storms, logins)]
    folders = [debris.LogFolder(server.data, one.name) for one in storms]
    killer = Killer(server, folders, dice)
    left = {kind.__name__: 0 for kind in debris.ALL}
    try:
        for one in storms:
            one.start(dice.getrandbits(30))
        server.kill()
        for number in range(KILLS):
            if number % 250 == 0:
                killer.measure()
            if number % 50 == 0:
                server.reconfigure(CONFIGURATIONS[number // 50 % len(CONFIGURATIONS)])
            for one in storms:
                if dice.random() < 0.4:
                    one.order(dice.choice(storm.KINDS))
            killer.once()
            if dice.random() < 0.1:
                leave = dice.choice(debris.ALL)
                leave(dice.choice(folders), dice)
                left[leave.__name__] += 1
            for seen in witnesses:
                seen.complain()
        server.start()
        finals = [one.stop() for one in storms]
        readings = [storm.read(server.kafka, *each, READ_S_MAX) for each in zip(storms, logins, finals)]
        for one, seen in zip(storms, witnesses):
            wait.until(lambda: seen.next >= seen.high_watermark, f"{one.name} to be read up", 60)
    finally:
        for seen in witnesses:
            seen.stopping.set()
    for seen in witnesses:
        seen.stop()
        seen.read_again()
    server.kill()
    verified = wellhead.run("log", "verify", "--data-dir", server.data)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    print(f"{KILLS} kills within {killer.life_max_s:.3f} s, {killer.pauses} pauses, debris {left}")
    for reading, seen, folder in zip(readings, witnesses, folders):
        print(f"{reading.storm.name}: {seen.next} records in {len(folder.segments())} segments, "
              f"{len(reading.epochs)} writers, resumed {reading.resumes}, {seen.connections} connections")
    for reading in readings:
        assert_went_everywhere(reading)


def assert_went_everywhere(reading):
    """The kills landed where it matters; how often is up to the machine, that they did is not."""
    if KILLS >= 500:
        missed = [place for place, count in reading.resumes.items() if count == 0]
        assert not missed, f"{reading.storm.name} was never resumed {missed}: {reading.resumes}"
        assert len(reading.epochs) > 30, "starts came to write"


def test_stopped_for_longer_than_clients_and_servers_wait(storms, new_wellhead, dice):
    """What a machine does that is suspended, or a container that is frozen."""
    server = new_wellhead.serve(CONFIGURATIONS[0]).start()
    for one in storms:
        server.track_now(one.name, one.server, one.name)
    logins = [server.new_login(one.name) for one in storms]
    witnesses = [witness.Witness(server.kafka_port, one.name, login) for one, login in zip(storms, logins)]
    members = [Member(server.kafka, one.name, login) for one, login in zip(storms, logins)]
    killer = Killer(server, [debris.LogFolder(server.data, one.name) for one in storms], dice)
    try:
        for one in storms:
            one.start(dice.getrandbits(30))
            one.order("bulk")
        for member in members:
            wait.until(lambda member=member: member.take() > 100, f"{member.topic} to be read by its group", 60)
        for one in storms:
            one.order("bulk")
        killer.life_max_s = 5
        killer.until_grown_by(dice.randrange(GROWTH_MAX_BYTES))
        server.process.send_signal(signal.SIGSTOP)
        for one in storms:
            one.order("bulk")
            hang_up(one.server)
        for member in members:
            wait.until(lambda member=member: member.take() and member.lost, "the group's session to run out", 30)
        server.process.send_signal(signal.SIGCONT)
        for one in storms:
            one.order("definition")
            one.ledger.wait_for_commits(50)
        finals = [one.stop() for one in storms]
        readings = [storm.read(server.kafka, *each) for each in zip(storms, logins, finals)]
        for member, reading in zip(members, readings):
            wait.until(lambda member=member, reading=reading: member.take() and member.next >= reading.next,
                       f"{member.topic} to be read up by its group", 60)
            assert member.again, "it had to join again"
            assert len(reading.epochs) == 1, "nobody else wrote meanwhile"
    finally:
        server.process.send_signal(signal.SIGCONT)
        for seen in witnesses:
            seen.stopping.set()
        for member in members:
            member.close()
    for seen in witnesses:
        seen.stop()
        seen.read_again()
    assert server.alive() and "panicked" not in server.log.read_text()


class Member:
    """The only member of a consumer group, which commits what it has read."""

    def __init__(self, broker, topic, login):
        self.topic = topic
        self.next = 0
        self.lost = self.again = False
        settings = clients.Confluent.settings(broker, login)
        self.consumer = confluent_kafka.Consumer(
            {**settings, "session.timeout.ms": SESSION_S * 1000, "heartbeat.interval.ms": 1000}
        )
        self.consumer.subscribe([topic], on_assign=self._assigned, on_lost=self._lost)

    def take(self):
        """Reads what there is; answers the offset behind it, below which it has seen all."""
        messages = [message for message in self.consumer.consume(2000, 0.1) if not message.error()]
        for message in messages:
            assert message.offset() <= self.next, f"offset {message.offset()} although {self.next} is next"
            self.next = max(self.next, message.offset() + 1)
        if messages:
            self.consumer.commit(messages[-1], asynchronous=True)
        return self.next

    def close(self):
        """Leaves the group."""
        self.consumer.close()

    def _assigned(self, _, partitions):
        self.again = self.lost

    def _lost(self, _, partitions):
        self.lost = True


def hang_up(server):
    """Has a server end the connections that read its log, as it does when nobody takes what it sends."""
    for number, command in server.sql("SELECT id, command FROM information_schema.processlist"):
        if command.startswith("Binlog Dump"):
            server.sql(f"KILL {number}")


@pytest.mark.parametrize("storms", [["mariadb"]], indirect=True)
def test_logs_that_lie_are_found_out(storms, new_wellhead, dice):
    """What the tests above look for, done to a log on purpose."""
    [one] = storms
    server = new_wellhead.serve(UNCOMPRESSED).start()
    server.track_now(one.name, one.server, one.name)
    login = server.new_login(one.name)
    one.start(dice.getrandbits(30))
    seen = witness.Witness(server.kafka_port, one.name, login)
    try:
        one.ledger.wait_for_commits(20)
        wait.until(lambda: len(seen.batches) > 10, "some batches to be served")
    finally:
        server.kill()
        seen.stop()
    final = one.stop()
    for lie in (no_lie, *LIES):
        liar = new_wellhead.serve(UNCOMPRESSED, name=lie.__name__)
        shutil.copytree(server.data, liar.data, ignore=shutil.ignore_patterns("admin.sock"))
        alter(debris.LogFolder(liar.data, one.name), lie)
        liar.start()
        if lie == the_last_ones_are_gone:
            later = witness.Witness(liar.kafka_port, one.name, login, seen.batches)
            wait.until(lambda later=later: later.wrong, "the witness to notice")
            with pytest.raises(AssertionError, match="served"):
                later.stop()
            with pytest.raises(AssertionError):
                later.read_again()
        elif lie in LIES:
            # What is gone shows in what comes later of it; of what nothing comes any more, in the end that never comes.
            with pytest.raises(AssertionError, match="counter|transaction"):
                storm.read(liar.kafka, one, login, final, max(LIE_READS * honest_s, LIE_S_MIN))
        else:
            began = time.monotonic()
            storm.read(liar.kafka, one, login, final)
            honest_s = time.monotonic() - began
        liar.kill()


def no_lie(batches):
    """As it was, so that it is the lie that is noticed."""
    return batches


def the_last_ones_are_gone(batches):
    """As if what is not durable were shown."""
    return batches[: len(batches) // 2]


def one_is_there_twice(batches):
    """As if a batch were appended again."""
    return [*batches, batches[-1]]


def one_is_missing(batches):
    """As if a batch were never appended."""
    middle = len(batches) // 2
    return batches[:middle] + batches[middle + 1 :]


def a_position_is_too_early(batches):
    """As if a position left out what came last."""
    at, one, other = two_positions(batches)
    return [*batches[:at], with_position(batches[at], other, one)]


def a_position_is_too_late(batches):
    """As if a position counted what comes next."""
    at, one, other = two_positions(batches)
    return [*batches[: at - 1], with_position(batches[at - 1], one, other)]


LIES = (
    the_last_ones_are_gone,
    one_is_there_twice,
    one_is_missing,
    a_position_is_too_early,
    a_position_is_too_late,
)
UNCOMPRESSED = CONFIGURATIONS[1]


def two_positions(batches):
    """Where two batches follow each other whose positions differ, and can take each other's place; and the two."""
    found = [re.search(rb"wellhead\.position.{1,3}?(file=[ -~]+)", batch)[1] for batch in batches]
    pairs = [at for at in range(1, len(found)) if len(found[at - 1]) == len(found[at]) and found[at - 1] != found[at]]
    assert pairs, found
    return pairs[-1], found[pairs[-1] - 1], found[pairs[-1]]


def with_position(batch, old, new):
    """The batch with another position in it, of the same length."""
    assert batch.count(old) == 1
    covered = batch.replace(old, new)[CHECKED_AT:]
    return batch[: CHECKED_AT - 4] + calc_crc32c(covered).to_bytes(4, "big") + covered


def alter(folder, lie):
    """Alters the end of a log so that all of it fits together again."""
    active, batches, content = folder.whole()
    offset, altered = batches[0].base, b""
    for batch in lie(list(debris.split(content))):
        altered += offset.to_bytes(8, "big") + batch[8:]
        offset += 1 + int.from_bytes(batch[LAST_OFFSET_DELTA], "big")
    active.write_bytes(altered)
