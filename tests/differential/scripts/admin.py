"""What administrators ask: clusters, settings, groups."""

import uuid

from ..stage import FOREIGN, TOPIC
from . import script
from .groups import MEMBERSHIP, leave, settled
from .offsets import commit, fetch

TOPIC_KIND, BROKER_KIND, LOGGER_KIND = 2, 4, 8
NOWHERE = uuid.UUID(int=7)


@script("DescribeCluster")
def cluster(talk):
    """The one node."""
    talk.ask("DescribeCluster", "asked", include_cluster_authorized_operations=False)
    talk.ask("DescribeCluster", "what may be done", include_cluster_authorized_operations=True)
    if talk.versions["DescribeCluster"] >= 1:
        talk.ask("DescribeCluster", "its controllers", endpoint_type=2)
        talk.ask("DescribeCluster", "of an unknown kind", endpoint_type=9)


@script("DescribeConfigs")
def configs(talk):
    """Settings that have been asked for by name."""
    def asked(what, kind, name, keys, **more):
        talk.ask("DescribeConfigs", what, resources=[
            {"resource_type": kind, "resource_name": name, "configuration_keys": keys}], **more)

    asked("of a topic", TOPIC_KIND, TOPIC, ["cleanup.policy"])
    asked("of a topic, with synonyms", TOPIC_KIND, TOPIC, ["cleanup.policy"], include_synonyms=True)
    asked("unknown ones", TOPIC_KIND, TOPIC, ["no.such.setting"])
    asked("of an unknown topic", TOPIC_KIND, "nowhere", ["cleanup.policy"])
    asked("of a name that is none", TOPIC_KIND, "a/b", ["cleanup.policy"])
    asked("of the broker", BROKER_KIND, "1", ["no.such.setting"])
    asked("of another broker", BROKER_KIND, "9", ["no.such.setting"])
    asked("of a broker that is no number", BROKER_KIND, "one", ["no.such.setting"])
    asked("of an unknown kind", 99, "x", [])


@script("DescribeTopicPartitions")
def topic_partitions(talk):
    """Topics page by page (KIP-966)."""
    api = "DescribeTopicPartitions"

    def asked(what, *names, limit=2000, cursor=None):
        talk.ask(api, what, topics=[{"name": name} for name in names], response_partition_limit=limit, cursor=cursor)

    asked("one", TOPIC)
    asked("two", TOPIC, FOREIGN)
    asked("an unknown one", "nowhere")
    asked("a name that is none", "a/b")
    asked("a page of one", TOPIC, FOREIGN, limit=1)
    asked("behind the first", TOPIC, FOREIGN, cursor={"topic_name": TOPIC, "partition_index": 0})
    asked("from a negative partition", TOPIC, cursor={"topic_name": TOPIC, "partition_index": -1})
    asked("a page of nothing", TOPIC, limit=0)


@script("ListPartitionReassignments")
def reassignments(talk):
    """There are none."""
    talk.ask("ListPartitionReassignments", "all", timeout_ms=1000, topics=None)
    talk.ask("ListPartitionReassignments", "of a topic", timeout_ms=1000,
             topics=[{"name": TOPIC, "partition_indexes": [0]}])
    talk.ask("ListPartitionReassignments", "of an unknown topic", timeout_ms=1000,
             topics=[{"name": "nowhere", "partition_indexes": [0]}])


@script("ListGroups", "DescribeGroups", "DeleteGroups", *MEMBERSHIP)
def group_of_members(talk):
    """A group as administrators see it, while it has a member and after."""
    group = talk.group
    talk.ask("DescribeGroups", "one that is not", groups=[group])
    talk.ask("DescribeGroups", "one without a name", groups=[""])
    talk.ask("DescribeGroups", "nothing", groups=[])
    generation, member = settled(talk, "joins", instance="one" if talk.versions["JoinGroup"] >= 5 else None)
    talk.ask("DescribeGroups", "of one member", groups=[group])
    talk.ask("DescribeGroups", "what may be done", groups=[group], include_authorized_operations=True)
    listed(talk, "all")
    listed(talk, "stable ones", states_filter=["Stable"])
    listed(talk, "stable ones in small letters", states_filter=["stable"])
    listed(talk, "dead ones", states_filter=["Dead"])
    listed(talk, "of the classic kind", types_filter=["classic"])
    listed(talk, "of a kind that is none", types_filter=["odd"])
    talk.ask("DeleteGroups", "one with a member", groups_names=[group])
    talk.ask("DeleteGroups", "one that is not", groups_names=[f"{group}-not"])
    talk.ask("DeleteGroups", "one without a name", groups_names=[""])
    leave(talk, "leaves", member, instance="one" if talk.versions["JoinGroup"] >= 5 else None)
    talk.ask("DescribeGroups", "of nobody", groups=[group])
    listed(talk, "all without a member")
    talk.ask("DeleteGroups", "one without a member", groups_names=[group])
    talk.ask("DescribeGroups", "after it was deleted", groups=[group])


def listed(talk, what, **filters):
    """Notes what the list of groups says of the one of this talk."""
    version = talk.versions["ListGroups"]
    answer = talk.connection.ask("ListGroups", version, **filters)
    if not isinstance(answer, str):
        answer["groups"] = [one for one in answer["groups"] if one["group_id"] == talk.group]
    talk.note(what, "ListGroups", version, answer)


@script("OffsetCommit", "OffsetFetch", "DescribeGroups", "OffsetDelete", "DeleteGroups", OffsetCommit=1,
        OffsetFetch=1)
def group_of_commits(talk):
    """A group that has commits and never had a member."""
    group = talk.group

    def delete(what, topic=TOPIC, partition=0):
        talk.ask("OffsetDelete", what, group_id=group, topics=[
            {"name": topic, "partitions": [{"partition_index": partition}]}])

    delete("of a group that is not")
    commit(talk, "a commit", 5, "five")
    talk.ask("DescribeGroups", "of commits alone", groups=[group])
    delete("of a partition without one", partition=4)
    delete("of an unknown topic", topic="nowhere")
    delete("the commit")
    fetch(talk, "after it was deleted")
    commit(talk, "a commit again", 6, "six")
    talk.ask("DeleteGroups", "the group", groups_names=[group])
    fetch(talk, "after its group was deleted")
    talk.ask("DeleteGroups", "the group again", groups_names=[group])


@script("ConsumerGroupDescribe")
def new_groups(talk):
    """Groups of the newer protocol (KIP-848) that are none."""
    talk.ask("ConsumerGroupDescribe", "one that is not", group_ids=[f"{talk.group}-not"])
    talk.ask("ConsumerGroupDescribe", "one without a name", group_ids=[""])
    talk.ask("ConsumerGroupDescribe", "nothing", group_ids=[])
