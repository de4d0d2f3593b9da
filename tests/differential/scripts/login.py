"""Logging in, and what may be asked before."""

from ..peer import CLOSED
from . import script

METADATA = 8
BEFORE = {
    "Metadata": {"topics": None},
    "FindCoordinator": {"key": "g", "coordinator_keys": ["g"]},
    "ListOffsets": {"replica_id": -1, "topics": []},
}


def token(login, authority="", user=None, password=None):
    """PLAIN's (RFC 4616)."""
    return "\0".join((authority, user or login.user, password or login.password)).encode()


@script("SaslHandshake", "SaslAuthenticate", door="stranger")
def logging_in(talk):
    """The ways in."""
    login = talk.peer.login
    tries = {
        "as it should be": token(login),
        "with its own name as authority": token(login, authority=login.user),
        "with a foreign authority": token(login, authority="somebody"),
        "with a wrong password": token(login, password="Wrong_123"),
        "with an unknown user": token(login, user="nobody"),
        "with an empty token": b"",
        "without a password": f"\0{login.user}\0".encode(),
        "without a user": b"\0\0secret",
        "with one part": b"secret",
        "with two parts": f"{login.user}\0{login.password}".encode(),
        "with four parts": token(login) + b"\0more",
        "with bytes that are no text": b"\0\xff\xfe\0\xff",
    }
    for what, said in tries.items():
        talk.reconnect()
        shaken = talk.connection.ask("SaslHandshake", talk.versions["SaslHandshake"], mechanism="PLAIN")
        talk.note(f"{what}, a hand", "SaslHandshake", talk.versions["SaslHandshake"],
                  {"error_code": shaken["error_code"], "PLAIN": "PLAIN" in shaken["mechanisms"]})
        if talk.versions["SaslHandshake"] == 0:
            answer = talk.connection.exchange(len(said).to_bytes(4, "big") + said)
            talk.note(what, "a bare token", 0, answer if answer == CLOSED else {"answer": answer})
        else:
            talk.ask("SaslAuthenticate", what, auth_bytes=said)
        talk.ask("Metadata", f"{what}, and then", version=METADATA, topics=[])


@script("SaslHandshake", "SaslAuthenticate", "ApiVersions", *BEFORE, door="stranger")
def out_of_order(talk):
    """Requests before a login, and logins at the wrong time."""
    login = talk.peer.login
    for api, fields in BEFORE.items():
        talk.reconnect()
        talk.ask(api, "before a login", **fields)
    talk.reconnect()
    talk.ask("SaslAuthenticate", "without a handshake", auth_bytes=token(login))
    talk.reconnect()
    versions(talk, "before a login")
    versions(talk, "before a login, again")
    hand(talk, "after the versions")
    if talk.versions["SaslHandshake"] > 0:
        versions(talk, "after the handshake")
    talk.reconnect()
    hand(talk, "an unknown mechanism", "ROT13")
    hand(talk, "after an unknown mechanism")
    talk.reconnect()
    hand(talk, "a mechanism in small letters", "plain")
    if talk.versions["SaslHandshake"] == 0:
        return
    talk.reconnect()
    hand(talk, "first")
    hand(talk, "second")
    talk.reconnect()
    hand(talk, "and then a request")
    talk.ask("Metadata", "between handshake and token", topics=[])
    talk.reconnect()
    hand(talk, "once")
    talk.ask("SaslAuthenticate", "once", auth_bytes=token(login))
    talk.ask("SaslAuthenticate", "without a further handshake", auth_bytes=token(login))
    versions(talk, "after a login")
    hand(talk, "after a login")
    talk.ask("SaslAuthenticate", "once more", auth_bytes=token(login))
    hand(talk, "to another mechanism", "SCRAM-SHA-256")


def versions(talk, what):
    """Asks what is spoken, and notes whether that was answered."""
    answer = talk.connection.ask("ApiVersions", talk.versions["ApiVersions"], client_software_name="a",
                                 client_software_version="1")
    talk.note(what, "ApiVersions", talk.versions["ApiVersions"],
              answer if answer == CLOSED else {"error_code": answer["error_code"]})


def hand(talk, what, mechanism="PLAIN"):
    """Asks for a mechanism; those that there are come in no order."""
    version = talk.versions["SaslHandshake"]
    answer = talk.connection.ask("SaslHandshake", version, mechanism=mechanism)
    if answer != CLOSED:
        answer["mechanisms"].sort()
    talk.note(what, "SaslHandshake", version, answer)
