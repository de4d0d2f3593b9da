"""Bytes that no client sends."""

import struct

from . import script

METADATA, VERSIONS = 3, 18

def frame(body):
    """With its length in front."""
    return struct.pack(">i", len(body)) + body


def header(api, version, correlation=9, client=b"\xff\xff"):
    """The beginning of a request."""
    return struct.pack(">hhi", api, version, correlation) + client


HOSTILE = {
    "no bytes": frame(b""),
    "a header cut short": frame(b"\0\3\0"),
    "a client id that is cut short": frame(struct.pack(">hhih", 3, 1, 9, 40) + b"abc"),
    "a client id of a negative length": frame(header(METADATA, 1, client=b"\xff\xfe") + bytes(4)),
    "an unknown api": frame(header(999, 0)),
    "a negative api": frame(header(-1, 0)),
    "a version to come": frame(header(METADATA, 99) + bytes(8)),
    "a negative version": frame(header(METADATA, -1) + bytes(8)),
    "no body": frame(header(METADATA, 1)),
    "an array that is longer than its frame": frame(header(METADATA, 1) + b"\x7f\xff\xff\xff"),
    "an array of a negative length": frame(header(METADATA, 1) + b"\xff\xff\xff\xf0"),
    "a string that is longer than its frame": frame(header(METADATA, 1) + b"\0\0\0\1\x7f\xff"),
    "a string of a negative length": frame(header(METADATA, 1) + b"\0\0\0\1\xff\xfe"),
    "a null where none may be": frame(header(METADATA, 1) + b"\0\0\0\1\xff\xff"),
    "a name that is not UTF-8": frame(header(METADATA, 1) + b"\0\0\0\1\0\2\xff\xfe"),
    "bytes behind the request": frame(header(METADATA, 1) + b"\0\0\0\0" + b"\1\2\3"),
    "a varint without an end": frame(header(METADATA, 9) + b"\0" + b"\xff" * 12),
    "a tagged field that is cut short": frame(header(METADATA, 9) + b"\1\5\x7f"),
    "an unknown tagged field": frame(header(METADATA, 9) + b"\0" + b"\1\0\0\0\1\7\1\0"),
    "a tagged field in the header": frame(header(METADATA, 9) + b"\1\7\1\0" + b"\1\0\0\0\0"),
    "a request of another broker": frame(header(4, 7) + bytes(16)),
    "an api of the controller": frame(header(52, 0) + b"\0" + bytes(8)),
    "a text protocol": b"GET / HTTP/1.1\r\n\r\n",
    "a negative length": b"\xff\xff\xff\xff" + bytes(8),
    "a length of two gigabytes": b"\x7f\xff\xff\xff" + bytes(8),
    "versions asked in a version to come": frame(header(VERSIONS, 99)),
    "versions asked in a negative version": frame(header(VERSIONS, -1)),
    "versions asked with a body cut short": frame(header(VERSIONS, 3) + b"\0\x20ab"),
}


@script()
def hostile(talk):
    """Each on a connection of its own: how it ends, and that the next one is served."""
    for what, data in HOSTILE.items():
        with talk.connect() as connection:
            answer = connection.exchange(data)
            talk.note(what, "bytes", 0, told(connection, data, answer))
    with talk.connect() as connection:
        talk.note("the next one", "ApiVersions", 0, {
            "error_code": connection.ask("ApiVersions", 0)["error_code"]})


def told(connection, data, answer):
    """An answer's fields; of a table of versions only how it begins."""
    if isinstance(answer, str):
        return answer
    api, version, connection.correlation = struct.unpack_from(">hhi", data, 4)
    if api == VERSIONS:
        return {"begins": answer[4:6]}
    return connection.read("Metadata", version, answer)
