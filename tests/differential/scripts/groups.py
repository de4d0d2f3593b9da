"""Members of a group: joining, sharing, staying, leaving."""

from harness import wait

from . import script

RANGE, STICKY = b"range", b"sticky"
SESSION_MS = 30_000
MEMBERSHIP = ("JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup")


def join(talk, what, member="", on=None, session_ms=SESSION_MS, protocols=(("range", RANGE),), kind="consumer",
         instance=None, group=None, again=True):
    """Joins; who is first told an id joins again with it. Answers the last answer."""
    asked = {
        "group_id": talk.group if group is None else group, "session_timeout_ms": session_ms,
        "rebalance_timeout_ms": SESSION_MS, "group_instance_id": instance, "protocol_type": kind,
        "protocols": [{"name": name, "metadata": metadata} for name, metadata in protocols], "reason": "to be there",
    }
    answer = talk.ask("JoinGroup", what, on=on, member_id=member, **asked)
    if again and answer["error_code"] == 79:
        return talk.ask("JoinGroup", f"{what}, with the id", on=on, member_id=answer["member_id"], **asked)
    return answer


def sync(talk, what, generation, member, assignments=(), on=None, instance=None, kind="consumer", protocol="range",
         group=None):
    """Asks for the assignment; the leader brings all."""
    return talk.ask("SyncGroup", what, on=on, group_id=talk.group if group is None else group, generation_id=generation,
                    member_id=member, group_instance_id=instance, protocol_type=kind, protocol_name=protocol,
                    assignments=[{"member_id": one, "assignment": data} for one, data in assignments])


def heartbeat(talk, what, generation, member, instance=None, group=None):
    """Says that a member is there."""
    return talk.ask("Heartbeat", what, group_id=talk.group if group is None else group, generation_id=generation,
                    member_id=member, group_instance_id=instance)


def leave(talk, what, member, instance=None, group=None):
    """Takes a member out."""
    return talk.ask("LeaveGroup", what, group_id=talk.group if group is None else group, member_id=member,
                    members=[{"member_id": member, "group_instance_id": instance, "reason": "enough"}])


def settled(talk, what, **more):
    """A member that joins alone and assigns all to itself: (generation, member id)."""
    joined = join(talk, what, **more)
    generation, member = joined["generation_id"], joined["member_id"]
    sync(talk, f"{what}, its assignment", generation, member, [(member, b"all of it")], instance=more.get("instance"))
    return generation, member


@script(*MEMBERSHIP)
def one_member(talk):
    """The life of a group of one."""
    generation, member = settled(talk, "joins")
    heartbeat(talk, "is there", generation, member)
    sync(talk, "asks once more", generation, member)
    heartbeat(talk, "of a generation to come", generation + 1, member)
    heartbeat(talk, "of a generation before", generation - 1, member)
    heartbeat(talk, "of another member", generation, "somebody")
    sync(talk, "of a generation to come", generation + 1, member)
    sync(talk, "of another member", generation, "somebody")
    if talk.versions["SyncGroup"] >= 5:
        sync(talk, "of another kind", generation, member, kind="connect")
        sync(talk, "of another protocol", generation, member, protocol="sticky")
    again = join(talk, "joins once more", member)
    sync(talk, "its second assignment", again["generation_id"], member, [(member, b"again")])
    join(talk, "with another protocol", protocols=[("sticky", STICKY)], again=False)
    join(talk, "of another kind", kind="connect", again=False)
    leave(talk, "somebody else leaves", "somebody")
    leave(talk, "leaves", member)
    heartbeat(talk, "after it left", again["generation_id"], member)
    leave(talk, "leaves again", member)


@script(*MEMBERSHIP)
def refused_members(talk):
    """Requests that no group grants."""
    for what, session_ms in (("a session too short", 5_999), ("a session too long", 1_800_001), ("no session", 0),
                             ("a negative session", -1)):
        join(talk, what, session_ms=session_ms, again=False)
    join(talk, "without a protocol", protocols=(), again=False)
    join(talk, "without a kind", kind="", again=False)
    join(talk, "a group without a name", group="", again=False)
    join(talk, "an id that nobody was given", "me", again=False)
    heartbeat(talk, "in a group that is not", 1, "me")
    heartbeat(talk, "in a group without a name", 1, "me", group="")
    sync(talk, "in a group that is not", 1, "me")
    sync(talk, "in a group without a name", 1, "me", group="")
    leave(talk, "a group that is not", "me")
    leave(talk, "a group without a name", "me", group="")


@script(*MEMBERSHIP)
def two_members(talk):
    """A second member makes the first one join again; the leader shares out."""
    other = talk.connect()
    generation, first = settled(talk, "first")
    joined = talk.connection
    version = talk.versions["JoinGroup"]
    asked = {"group_id": talk.group, "session_timeout_ms": SESSION_MS, "rebalance_timeout_ms": SESSION_MS,
             "protocol_type": "consumer",
             "protocols": [{"name": "range", "metadata": b"2"}]}
    second = ""
    if version >= 4:
        second = talk.ask("JoinGroup", "second is told its id", on=other, member_id="", **asked)["member_id"]
    other.send(other.written("JoinGroup", version, {"member_id": second, **asked}))
    wait.until(lambda: joined.ask("Heartbeat", talk.versions["Heartbeat"], group_id=talk.group, member_id=first,
                                  generation_id=generation)["error_code"], "the second one to be noticed")
    heartbeat(talk, "first is told to join again", generation, first)
    sync(talk, "first asks while others join", generation, first)
    again = join(talk, "first again", first, protocols=[("sticky", b"1"), ("range", b"1")])
    # They come in the order of a hash of their ids.
    again["members"].sort(key=lambda member: member["metadata"])
    answer = talk.note("second", "JoinGroup", version, other.read("JoinGroup", version, other.next_frame()))
    generation, second = answer["generation_id"], answer["member_id"]
    heartbeat(talk, "second before the shares", generation, second)
    sync(talk, "the leader shares out", generation, again["leader"],
         [(first, b"for the first"), (second, b"for the second")], on=joined if again["leader"] == first else other)
    sync(talk, "second", generation, second, on=other)
    leave(talk, "first leaves", first)
    heartbeat(talk, "second is told", generation, second)
    last = join(talk, "second alone", second, on=other)
    sync(talk, "second has all", last["generation_id"], second, [(second, b"all")], on=other)
    leave(talk, "second leaves", second)


@script(*MEMBERSHIP)
def static_members(talk):
    """A member with an instance id comes back under another member id (KIP-345)."""
    if talk.versions["JoinGroup"] < 5:
        return
    generation, member = settled(talk, "joins", instance="one")
    heartbeat(talk, "is there", generation, member, instance="one")
    heartbeat(talk, "by its old id and a foreign instance", generation, member, instance="two")
    again = join(talk, "comes back", instance="one")
    sync(talk, "what it had", again["generation_id"], again["member_id"], [(again["member_id"], b"all")],
         instance="one")
    heartbeat(talk, "its old id", generation, member, instance="one")
    heartbeat(talk, "its new id", again["generation_id"], again["member_id"], instance="one")
    join(talk, "with an old id", member, instance="one", again=False)
    if talk.versions["LeaveGroup"] >= 3:
        leave(talk, "is taken out by its instance", "", instance="one")
        leave(talk, "an unknown instance", "", instance="two")
