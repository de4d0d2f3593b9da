"""Reading: places, sizes, epochs and sessions (KIP-227)."""

import uuid

from .. import message_set, stage
from ..stage import TOPIC
from . import script

MEBIBYTE = 1 << 20
NO_SESSION, FIRST, FINAL = 0, 0, -1


def wanted(talk, offset, topic=TOPIC, partition=0, max_bytes=MEBIBYTE, epoch=-1, last_epoch=-1):
    """One partition of a topic."""
    return {"topic": topic, "topic_id": talk.peer.topic_ids.get(topic, uuid.UUID(int=7)), "partitions": [{
        "partition": partition, "current_leader_epoch": epoch, "fetch_offset": offset, "last_fetched_epoch": last_epoch,
        "log_start_offset": -1, "partition_max_bytes": max_bytes}]}


def fetch(talk, what, topics, max_bytes=50 * MEBIBYTE, min_bytes=0, wait_ms=0, session=NO_SESSION, epoch=FINAL, **more):
    """Asks, and notes the answer with its records taken apart to whole batches; answers it as it came."""
    version = talk.versions["Fetch"]
    answer = talk.connection.ask("Fetch", version, replica_id=-1, max_wait_ms=wait_ms, min_bytes=min_bytes,
                                 max_bytes=max_bytes, session_id=session, session_epoch=epoch, topics=topics, **more)
    talk.note(what, "Fetch", version, taken_apart(answer, topics))
    return answer


def taken_apart(answer, topics):
    """The answer with each partition's records as a list of what was served whole, and whether more follows."""
    if isinstance(answer, str):
        return answer
    asked = {topic["topic"]: topic["partitions"][0]["fetch_offset"] for topic in topics}
    return {**answer, "responses": [
        {**topic, "partitions": [with_batches(one, asked.get(topic.get("topic"), 0)) for one in topic["partitions"]]}
        for topic in answer["responses"]
    ]}


def with_batches(partition, asked):
    """One partition's part of an answer; what follows the last whole batch is only told to be there."""
    records = partition["records"] or b""
    whole = [batch for batch in stage.batches(records) if stage.is_whole(batch)]
    cut = sum(map(len, whole)) < len(records)
    return {**partition, "records": [told for batch in whole for told in message_set.told(batch, asked)], "cut": cut}


@script("Fetch")
def reading(talk):
    """From every kind of place."""
    ends = talk.peer.end
    fetch(talk, "from the beginning", [wanted(talk, 0)])
    fetch(talk, "from within a batch", [wanted(talk, 7)])
    fetch(talk, "the last record", [wanted(talk, ends - 1)])
    fetch(talk, "at the end", [wanted(talk, ends)])
    fetch(talk, "behind the end", [wanted(talk, ends + 1)])
    fetch(talk, "far behind the end", [wanted(talk, 1 << 60)])
    fetch(talk, "a negative offset", [wanted(talk, -1)])
    fetch(talk, "an unknown topic", [wanted(talk, 0, topic="nowhere")])
    fetch(talk, "an unknown partition", [wanted(talk, 0, partition=1)])
    fetch(talk, "a negative partition", [wanted(talk, 0, partition=-1)])
    fetch(talk, "nothing", [])
    fetch(talk, "one that is there and one that is not",
          [wanted(talk, 0, max_bytes=1), wanted(talk, 0, topic="nowhere")])
    fetch(talk, "two topics", [wanted(talk, 0, max_bytes=1), wanted(talk, 0, topic=stage.FOREIGN, max_bytes=1)])
    fetch(talk, "for those who read what is committed", [wanted(talk, 0, max_bytes=1)], isolation_level=1)
    fetch(talk, "for an isolation that is none", [wanted(talk, 0, max_bytes=1)], isolation_level=7)


@script("Fetch")
def sizes(talk):
    """Limits of bytes: the first batch comes whole whatever they say."""
    fetch(talk, "one byte of a partition", [wanted(talk, 0, max_bytes=1)])
    fetch(talk, "no byte of a partition", [wanted(talk, 0, max_bytes=0)])
    fetch(talk, "fewer than no bytes of a partition", [wanted(talk, 0, max_bytes=-1)])
    if talk.versions["Fetch"] >= 3:
        fetch(talk, "one byte in all", [wanted(talk, 0)], max_bytes=1)
        fetch(talk, "no byte in all", [wanted(talk, 0)], max_bytes=0)
        fetch(talk, "fewer than no bytes in all", [wanted(talk, 0)], max_bytes=-1)
        fetch(talk, "two topics within one byte",
              [wanted(talk, 0), wanted(talk, 0, topic=stage.FOREIGN)], max_bytes=1)
    fetch(talk, "one batch and a half", [wanted(talk, 0, max_bytes=talk.peer.sizes[0] + talk.peer.sizes[1] // 2)])
    if talk.versions["Fetch"] >= 4:
        # Message sets are of another size.
        fetch(talk, "exactly two batches", [wanted(talk, 0, max_bytes=sum(talk.peer.sizes[:2]))])
    fetch(talk, "more than there is, but not for long", [wanted(talk, 0)], min_bytes=50 * MEBIBYTE, wait_ms=20)
    fetch(talk, "a wait below nothing", [wanted(talk, 0, max_bytes=1)], wait_ms=-5)


@script("Fetch")
def epochs(talk):
    """What a consumer knows of the leader (KIP-320), and where logs part (KIP-595)."""
    version = talk.versions["Fetch"]
    if version < 9:
        return
    present = talk.peer.epoch
    fetch(talk, "of the present epoch", [wanted(talk, 0, max_bytes=1, epoch=present)])
    fetch(talk, "of the epoch before", [wanted(talk, 0, max_bytes=1, epoch=talk.peer.earlier_epoch)])
    fetch(talk, "of an epoch to come", [wanted(talk, 0, max_bytes=1, epoch=present + 9)])
    if version >= 12:
        fetch(talk, "having read the present epoch", [wanted(talk, 7, max_bytes=1, last_epoch=present)])
        fetch(talk, "having read the epoch before",
              [wanted(talk, 7, max_bytes=1, last_epoch=talk.peer.earlier_epoch)])
        fetch(talk, "at the end of the epoch before",
              [wanted(talk, talk.peer.end, max_bytes=1, last_epoch=talk.peer.earlier_epoch)])
        fetch(talk, "having read an epoch to come", [wanted(talk, 7, max_bytes=1, last_epoch=present + 9)])


@script("Fetch")
def sessions(talk):
    """Incremental sessions: what has not changed is not told again."""
    if talk.versions["Fetch"] < 7:
        return
    ends = talk.peer.end
    both = [wanted(talk, ends), wanted(talk, 0, topic=stage.FOREIGN, max_bytes=1)]
    opened = fetch(talk, "a session", both, epoch=FIRST)
    session = opened["session_id"]
    fetch(talk, "nothing new", [wanted(talk, ends, topic=stage.FOREIGN)], session=session, epoch=1)
    fetch(talk, "still nothing", [], session=session, epoch=2)
    fetch(talk, "one from an earlier place", [wanted(talk, ends - 1)], session=session, epoch=3)
    fetch(talk, "the same epoch once more", [], session=session, epoch=3)
    fetch(talk, "an epoch that was left out", [], session=session, epoch=9)
    foreign = {"topic": stage.FOREIGN, "topic_id": talk.peer.topic_ids[stage.FOREIGN], "partitions": [0]}
    fetch(talk, "without one of them", [], session=session, epoch=4, forgotten_topics_data=[foreign])
    fetch(talk, "one that is unknown", [wanted(talk, 0, topic="nowhere")], session=session, epoch=5)
    fetch(talk, "its end", [wanted(talk, 0, max_bytes=1)], session=session, epoch=FINAL)
    fetch(talk, "after its end", [], session=session, epoch=6)
    fetch(talk, "a session that never was", [], session=77, epoch=1)
    fetch(talk, "a session of nothing", [], epoch=FIRST)
