"""What a consumer that has logged in may not do: the other side's user has a right to read its topic and its group."""

from ..peer import CLOSED
from ..stage import FOREIGN, TOPIC
from . import script
from .fetch import fetch, wanted

TOPIC_KIND, BROKER_KIND, GROUP_KIND = 2, 4, 3
ANY, LITERAL, ALLOW, READ = 1, 3, 3, 3
NO_PRODUCER = -1

RESOURCE = {"resource_type": TOPIC_KIND, "resource_name": TOPIC}
FILTER = {"resource_type_filter": ANY, "pattern_type_filter": ANY, "operation": ANY, "permission_type": ANY,
          "resource_name_filter": None, "principal_filter": None, "host_filter": None}
# By API: what each thing that is tried is called, and asked with.
TRIED = {
    "CreateTopics": {
        what: {"timeout_ms": 1000, "topics": [
            {"name": name, "num_partitions": 1, "replication_factor": 1, "assignments": [], "configs": []}]}
        for what, name in (("one more", "mine"), ("one that is", TOPIC), ("a name that is none", "a/b"))
    } | {"nothing": {"timeout_ms": 1000, "topics": []}},
    "DeleteTopics": {
        what: {"timeout_ms": 1000, "topic_names": [name], "topics": [{"name": name}]}
        for what, name in (("its own", TOPIC), ("a foreign one", FOREIGN), ("one that is not", "nowhere"))
    },
    "CreatePartitions": {
        what: {"timeout_ms": 1000, "topics": [{"name": name, "count": 4, "assignments": None}]}
        for what, name in (("of its own", TOPIC), ("of a foreign one", FOREIGN), ("of one that is not", "nowhere"))
    },
    "DeleteRecords": {
        what: {"timeout_ms": 1000, "topics": [{"name": name, "partitions": [{"partition_index": 0, "offset": 1}]}]}
        for what, name in (("of its own", TOPIC), ("of a foreign one", FOREIGN), ("of one that is not", "nowhere"))
    },
    "AlterConfigs": {
        "of its topic": {"resources": [{**RESOURCE, "configs": [{"name": "retention.ms", "value": "1"}]}]},
        "of the broker": {"resources": [{"resource_type": BROKER_KIND, "resource_name": "1", "configs": []}]},
    },
    "IncrementalAlterConfigs": {
        "of its topic": {"resources": [
            {**RESOURCE, "configs": [{"name": "retention.ms", "config_operation": 0, "value": "1"}]}]},
        "of the broker": {"resources": [{"resource_type": BROKER_KIND, "resource_name": "1", "configs": []}]},
    },
    "InitProducerId": {
        "of no transaction": {"transactional_id": None, "transaction_timeout_ms": 1000, "producer_id": NO_PRODUCER,
                              "producer_epoch": -1},
        "of a transaction": {"transactional_id": "t", "transaction_timeout_ms": 1000, "producer_id": NO_PRODUCER,
                             "producer_epoch": -1},
    },
    "DescribeAcls": {"all": FILTER},
    "CreateAcls": {"one": {"creations": [
        {"resource_type": TOPIC_KIND, "resource_name": FOREIGN, "resource_pattern_type": LITERAL, "host": "*",
         "principal": "User:me", "operation": READ, "permission_type": ALLOW}]}},
    "DeleteAcls": {"all": {"filters": [FILTER]}},
    "DescribeConfigs": {
        what: {"resources": [{"resource_type": kind, "resource_name": name, "configuration_keys": ["cleanup.policy"]}]}
        for what, kind, name in (("of a foreign topic", TOPIC_KIND, FOREIGN), ("of no topic", TOPIC_KIND, "nowhere"),
                                 ("of the broker", BROKER_KIND, "1"))
    },
    "DescribeCluster": {"asked": {"include_cluster_authorized_operations": True}},
    "ListPartitionReassignments": {"all": {"timeout_ms": 1000, "topics": None}},
    "DescribeTopicPartitions": {
        "a foreign one": {"topics": [{"name": FOREIGN}], "response_partition_limit": 9},
        "one that is not": {"topics": [{"name": "nowhere"}], "response_partition_limit": 9},
        "all": {"topics": [], "response_partition_limit": 9},
    },
    "Metadata": {
        "its own": {"topics": [{"name": TOPIC}], "include_topic_authorized_operations": True,
                    "include_cluster_authorized_operations": True},
        "a foreign one": {"topics": [{"name": FOREIGN}]},
        "one that is not": {"topics": [{"name": "nowhere"}]},
    },
    "ListOffsets": {
        what: {"replica_id": -1, "topics": [{"name": name, "partitions": [
            {"partition_index": 0, "current_leader_epoch": -1, "timestamp": -1, "max_num_offsets": 1}]}]}
        for what, name in (("of its own", TOPIC), ("of a foreign one", FOREIGN), ("of one that is not", "nowhere"))
    },
    "OffsetForLeaderEpoch": {
        what: {"replica_id": -1, "topics": [
            {"topic": name, "partitions": [{"partition": 0, "current_leader_epoch": -1, "leader_epoch": 0}]}]}
        for what, name in (("of a foreign one", FOREIGN), ("of one that is not", "nowhere"))
    },
    # Of the groups of others, whether they are or not.
    "FindCoordinator": {"of a foreign group": {"key": "foreign", "coordinator_keys": ["foreign"], "key_type": 0},
                        "of a transaction": {"key": "t", "coordinator_keys": ["t"], "key_type": 1}},
    "JoinGroup": {"a foreign group": {
        "group_id": "foreign", "session_timeout_ms": 30_000, "rebalance_timeout_ms": 30_000, "member_id": "",
        "protocol_type": "consumer", "protocols": [{"name": "range", "metadata": b""}]}},
    "SyncGroup": {"a foreign group": {"group_id": "foreign", "generation_id": 1, "member_id": "m",
                                      "protocol_type": "consumer", "protocol_name": "range"}},
    "Heartbeat": {"a foreign group": {"group_id": "foreign", "generation_id": 1, "member_id": "m"}},
    "LeaveGroup": {"a foreign group": {"group_id": "foreign", "member_id": "m", "members": [{"member_id": "m"}]}},
    "OffsetFetch": {"of a foreign group": {
        "group_id": "foreign", "topics": [], "groups": [{"group_id": "foreign", "topics": []}]}},
    "DescribeGroups": {"a foreign one": {"groups": ["foreign"]}},
    "ConsumerGroupDescribe": {"a foreign one": {"group_ids": ["foreign"]}},
    "DeleteGroups": {"a foreign one": {"groups_names": ["foreign"]}},
    "OffsetDelete": {"of a foreign group": {
        "group_id": "foreign", "topics": [{"name": TOPIC, "partitions": [{"partition_index": 0}]}]}},
}


def _refused(api, tried):
    def run(talk):
        for what, fields in tried.items():
            talk.ask(api, what, **fields)

    run.__name__ = f"a_reader_{api}"
    return run


for _api, _tried in TRIED.items():
    script(_api, door="accounts")(_refused(_api, _tried))


@script("Produce", door="accounts")
def producing(talk):
    """A reader that writes."""
    for what, topic in (("to its own topic", TOPIC), ("to a foreign one", FOREIGN), ("to one that is not", "nowhere")):
        _produce(talk, what, topic)
    _produce(talk, "nothing", None)
    _produce(talk, "with an answer of two replicas", TOPIC, acks=2)
    _produce(talk, "without an answer", TOPIC, acks=0)


def _produce(talk, what, topic, acks=-1):
    batch = talk.peer.first_batch
    # Before version 3 there were message sets; an empty one is as good for who may not write.
    records = bytes(8) + batch[8:] if talk.versions["Produce"] >= 3 else b""
    answer = talk.ask("Produce", what, acks=acks, timeout_ms=1000, topic_data=[] if topic is None else [
        {"name": topic, "topic_id": talk.peer.topic_ids.get(topic), "partition_data": [
            {"index": 0, "records": records}]}])
    if answer == CLOSED:
        talk.reconnect()


@script("Fetch", door="accounts")
def reading_as_an_account(talk):
    """Its own topic, and others by name and by id."""
    for what, topic in (("its own", TOPIC), ("a foreign one", FOREIGN), ("one that is not", "nowhere")):
        fetch(talk, what, [wanted(talk, 0, topic)])


@script("OffsetCommit", door="accounts")
def committing_as_an_account(talk):
    """For a foreign group, and for a foreign topic."""
    for what, group, topic in (("for a foreign group", "foreign", TOPIC),
                               ("of a foreign topic", talk.peer.login.group, FOREIGN)):
        talk.ask("OffsetCommit", what, group_id=group, generation_id_or_member_epoch=-1, topics=[
            {"name": topic, "topic_id": talk.peer.topic_ids[topic], "partitions": [
                {"partition_index": 0, "committed_offset": 3, "committed_leader_epoch": -1}]}])
