"""Offsets by time and by epoch."""

import uuid

from ..stage import TOPIC
from . import script

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED = -1, -2, -3, -4, -5
FAR_FUTURE_MS = 4_102_444_800_000
LONG_AGO_MS = 10_000_000_001
NOWHERE = uuid.UUID(int=7)


def at(timestamp, partition=0, epoch=-1):
    """One partition of the topic."""
    return [{"name": TOPIC, "partitions": [
        {"partition_index": partition, "current_leader_epoch": epoch, "timestamp": timestamp,
         "max_num_offsets": 4}]}]


@script("ListOffsets")
def list_offsets(talk):
    """Earliest, latest, by time; what is not there."""
    version = talk.versions["ListOffsets"]
    talk.ask("ListOffsets", "earliest", replica_id=-1, topics=at(EARLIEST))
    talk.ask("ListOffsets", "latest", replica_id=-1, topics=at(LATEST))
    talk.ask("ListOffsets", "latest, committed only", replica_id=-1, isolation_level=1, topics=at(LATEST))
    for what, special in (("the youngest", MAX_TIMESTAMP), ("earliest local", EARLIEST_LOCAL),
                          ("latest tiered", LATEST_TIERED), ("a time that is none", -9)):
        if version > 0:
            talk.ask("ListOffsets", what, replica_id=-1, topics=at(special))
    if version > 0:
        talk.ask("ListOffsets", "long ago", replica_id=-1, topics=at(LONG_AGO_MS))
        youngest = talk.peer.times[-1]
        for what, time_ms in (("the time of the first record", talk.peer.times[0]),
                              ("right behind the first record", talk.peer.times[0] + 1),
                              ("the time of a record amid", talk.peer.times[len(talk.peer.times) // 2]),
                              ("the time of the last record", youngest),
                              ("the far future", FAR_FUTURE_MS)):
            talk.ask("ListOffsets", what, replica_id=-1, topics=at(time_ms))
    talk.ask("ListOffsets", "an unknown topic", replica_id=-1, topics=[
        {"name": "nowhere", "partitions": [{"partition_index": 0, "timestamp": LATEST, "max_num_offsets": 1}]}])
    talk.ask("ListOffsets", "an unknown partition", replica_id=-1, topics=at(LATEST, partition=1))
    talk.ask("ListOffsets", "a negative partition", replica_id=-1, topics=at(LATEST, partition=-1))
    talk.ask("ListOffsets", "nothing", replica_id=-1, topics=[])
    if version > 0:
        twice = at(LATEST)[0]
        twice["partitions"] *= 2
        talk.ask("ListOffsets", "one partition twice", replica_id=-1, topics=[twice])
    if version >= 4:
        talk.ask("ListOffsets", "of the present epoch", replica_id=-1, topics=at(LATEST, epoch=talk.peer.epoch))
        talk.ask("ListOffsets", "of the epoch before", replica_id=-1, topics=at(LATEST, epoch=talk.peer.earlier_epoch))
        talk.ask("ListOffsets", "of an epoch to come", replica_id=-1, topics=at(LATEST, epoch=talk.peer.epoch + 9))


@script("OffsetForLeaderEpoch")
def leader_epochs(talk):
    """Where the batches of an epoch end."""
    def asked(epoch, topic=TOPIC, partition=0, current=-1):
        return [{"topic": topic, "partitions": [
            {"partition": partition, "current_leader_epoch": current, "leader_epoch": epoch}]}]

    api = "OffsetForLeaderEpoch"
    present = talk.peer.epoch
    talk.ask(api, "the present epoch", replica_id=-1, topics=asked(present))
    talk.ask(api, "the epoch before", replica_id=-1, topics=asked(talk.peer.earlier_epoch))
    talk.ask(api, "an epoch to come", replica_id=-1, topics=asked(present + 9))
    talk.ask(api, "no epoch", replica_id=-1, topics=asked(-1))
    talk.ask(api, "an unknown topic", replica_id=-1, topics=asked(0, "nowhere"))
    talk.ask(api, "an unknown partition", replica_id=-1, topics=asked(0, partition=7))
    if talk.versions[api] >= 2:
        talk.ask(api, "by who knows the leader", replica_id=-1, topics=asked(present, current=present))
        talk.ask(api, "by who is behind", replica_id=-1, topics=asked(0, current=talk.peer.earlier_epoch))
        talk.ask(api, "by who is ahead", replica_id=-1, topics=asked(0, current=present + 9))


def commit(talk, what, offset, metadata="", topic=TOPIC, partition=0, generation=-1, member=""):
    """Commits one offset of the talk's group."""
    return talk.ask("OffsetCommit", what, group_id=talk.group, generation_id_or_member_epoch=generation,
                    member_id=member, topics=[{
                        "name": topic, "topic_id": talk.peer.topic_ids.get(topic, NOWHERE), "partitions": [{
                            "partition_index": partition, "committed_offset": offset, "committed_leader_epoch": -1,
                            "committed_metadata": metadata}]}])


def fetch(talk, what, partitions=(0,), topic=TOPIC, group=None, **more):
    """Asks where the talk's group stands."""
    group = talk.group if group is None else group
    wanted = [{"name": topic, "topic_id": talk.peer.topic_ids.get(topic, NOWHERE),
               "partition_indexes": list(partitions)}]
    return talk.ask("OffsetFetch", what, group_id=group, topics=wanted,
                    groups=[{"group_id": group, "topics": wanted}], **more)


@script("OffsetCommit", "OffsetFetch")
def commits_of_old(talk):
    """Version 0 of both kept offsets in ZooKeeper."""
    if talk.versions["OffsetCommit"] == talk.versions["OffsetFetch"] == 0:
        commit(talk, "a commit", 5, "five")
        fetch(talk, "of the commit")


@script("OffsetCommit", "OffsetFetch", OffsetCommit=1, OffsetFetch=1)
def commits(talk):
    """Commits of a consumer that assigns itself."""
    group = talk.group
    fetch(talk, "before there is a commit")
    commit(talk, "a first commit", 5, "1696984408|note")
    fetch(talk, "the first commit")
    fetch(talk, "a partition without a commit", [0, 1])
    if talk.versions["OffsetFetch"] >= 2:
        talk.ask("OffsetFetch", "all topics", group_id=group, topics=None,
                 groups=[{"group_id": group, "topics": None}])
    talk.ask("OffsetFetch", "no topics", group_id=group, topics=[], groups=[{"group_id": group, "topics": []}])
    fetch(talk, "an unknown topic", topic="nowhere")
    fetch(talk, "of a group that is not", group=f"{group}-not")
    fetch(talk, "settled ones", require_stable=True)
    commit(talk, "without metadata", 6, None)
    fetch(talk, "a commit without metadata")
    commit(talk, "with odd metadata", 7, "zwölf\x00")
    fetch(talk, "odd metadata")
    commit(talk, "with metadata of 4096 bytes", 8, "m" * 4096)
    commit(talk, "with metadata of 4097 bytes", 9, "m" * 4097)
    commit(talk, "of an unknown topic", 5, topic="nowhere")
    commit(talk, "of an unknown partition", 5, partition=3)
    commit(talk, "of a negative partition", 5, partition=-1)
    commit(talk, "of a negative offset", -1)
    commit(talk, "beyond the end", 1 << 40)
    commit(talk, "of an unknown member", 5, member="me")
    commit(talk, "of a generation", 5, generation=3)
    commit(talk, "of a member's generation", 5, generation=3, member="me")
    fetch(talk, "at last")


@script("OffsetCommit", "OffsetFetch")
def nameless_groups(talk):
    """Group ids that are none."""
    for what, group in (("an empty id", ""),):
        talk.ask("OffsetCommit", what, group_id=group, generation_id_or_member_epoch=-1, topics=[])
        talk.ask("OffsetFetch", what, group_id=group, topics=[], groups=[{"group_id": group, "topics": []}])
    if talk.versions["OffsetFetch"] >= 8:
        talk.ask("OffsetFetch", "two groups", groups=[{"group_id": "a", "topics": []},
                                                      {"group_id": "b", "topics": None}])
        talk.ask("OffsetFetch", "no group", groups=[])
