"""What there is: versions, brokers, topics, coordinators."""

import uuid

from ..stage import FOREIGN, TOPIC
from . import script

NOWHERE = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


@script("ApiVersions")
def api_versions(talk):
    """How it is answered; which versions are spoken is compared by itself."""
    for what, name, version in (("asked", "differential", "1.0"), ("without a name", "", ""),
                                ("with a name that is none", "a b\n", "1"), ("without a version", "a", "")):
        answer = talk.connection.ask("ApiVersions", talk.versions["ApiVersions"],
                                     client_software_name=name, client_software_version=version)
        answer["api_keys"] = bool(answer["api_keys"])
        talk.note(what, "ApiVersions", talk.versions["ApiVersions"], answer)


@script("Metadata")
def metadata(talk):
    """Topics by all the ways to ask for them."""
    everything = [] if talk.versions["Metadata"] == 0 else None
    answer = talk.connection.ask("Metadata", talk.versions["Metadata"], topics=everything)
    answer["topics"] = sorted((topic for topic in answer["topics"] if not topic["name"].startswith("__")),
                              key=lambda topic: topic["name"])
    talk.note("all topics", "Metadata", talk.versions["Metadata"], answer)
    if talk.versions["Metadata"] > 0:
        talk.ask("Metadata", "no topics", topics=[])
    talk.ask("Metadata", "one topic", topics=[{"name": TOPIC}])
    talk.ask("Metadata", "two topics", topics=[{"name": TOPIC}, {"name": FOREIGN}])
    talk.ask("Metadata", "one topic twice", topics=[{"name": TOPIC}, {"name": TOPIC}])
    talk.ask("Metadata", "an unknown topic", topics=[{"name": "nowhere"}])
    talk.ask("Metadata", "an unknown topic that may be made", topics=[{"name": "nowhere"}],
             allow_auto_topic_creation=True)
    for what, name in (("an empty name", ""), ("a name with a slash", "a/b"), ("a name of dots", ".."),
                       ("a name of 250 letters", "x" * 250)):
        talk.ask("Metadata", what, topics=[{"name": name}])
    talk.ask("Metadata", "what may be done", topics=[{"name": TOPIC}], include_cluster_authorized_operations=True,
             include_topic_authorized_operations=True)


@script("Metadata")
def metadata_by_id(talk):
    """Topics by id (KIP-516)."""
    if talk.versions["Metadata"] < 10:
        return
    talk.ask("Metadata", "by id", topics=[{"name": None, "topic_id": talk.peer.topic_ids[TOPIC]}])
    talk.ask("Metadata", "by an unknown id", topics=[{"name": None, "topic_id": NOWHERE}])
    talk.ask("Metadata", "by no id and no name", topics=[{"name": None}])


@script("FindCoordinator")
def find_coordinator(talk):
    """The one broker coordinates every group."""
    version = talk.versions["FindCoordinator"]
    talk.ask("FindCoordinator", "of a group", key=talk.group, coordinator_keys=[talk.group], key_type=0)
    talk.ask("FindCoordinator", "of a group without a name", key="", coordinator_keys=[""], key_type=0)
    if version >= 1:
        talk.ask("FindCoordinator", "of an unknown kind", key="x", coordinator_keys=["x"], key_type=9)
    if version >= 4:
        talk.ask("FindCoordinator", "of two groups", coordinator_keys=[talk.group, "second"], key_type=0)
        talk.ask("FindCoordinator", "of nothing", coordinator_keys=[], key_type=0)
