"""Many Kafka connections from one process: each logs in, asks for metadata once, and stays."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import struct
import time

from wrong import Wrong

SASL_HANDSHAKE, SASL_AUTHENTICATE, METADATA = 17, 36, 3
DEADLINE_S = 120
# The kernel drops what does not fit into a listener's queue, and a client that was dropped tries again after a second.
AT_ONCE_MAX = 5_000


class Crowd:
    """Connections that have logged in as one user, and how long each took for that."""

    def __init__(self, port, login, mechanism):
        self.port = port
        self.login = login
        self.mechanism = mechanism
        self.writers = []
        self.took_s = []
        self.salted = {}

    async def grow(self, count, at_once):
        """Opens so many more connections, `at_once` of them side by side; answers the seconds for all."""
        room = asyncio.Semaphore(min(at_once, AT_ONCE_MAX))
        began = time.monotonic()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*(self._enter(room) for _ in range(count)))
        return time.monotonic() - began

    async def leave(self):
        """Closes all."""
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self.writers), return_exceptions=True)

    async def _enter(self, room):
        async with room:
            began = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writers.append(writer)
            await ask(reader, writer, SASL_HANDSHAKE, 1, text(self.mechanism))
            await self._log_in(reader, writer)
            await ask(reader, writer, METADATA, 1, struct.pack(">i", -1))
            self.took_s.append(time.monotonic() - began)

    async def _log_in(self, reader, writer):
        if self.mechanism == "PLAIN":
            await authenticate(reader, writer, f"\0{self.login.user}\0{self.login.password}".encode())
            return
        first = f"n={self.login.user},r={secrets.token_hex(16)}"
        challenge = await authenticate(reader, writer, f"n,,{first}".encode())
        said = dict(part.split("=", 1) for part in challenge.decode().split(","))
        salted = self._salted(base64.b64decode(said["s"]), int(said["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        last = f"c=biws,r={said['r']}"
        signed = f"{first},{challenge.decode()},{last}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
        await authenticate(reader, writer, f"{last},p={proof}".encode())

    def _salted(self, salt, rounds):
        """Worked out once: what clients spend is not what is measured."""
        if (salt, rounds) not in self.salted:
            password = self.login.password.encode()
            self.salted[salt, rounds] = hashlib.pbkdf2_hmac("sha256", password, salt, rounds)
        return self.salted[salt, rounds]


async def authenticate(reader, writer, token):
    """One token of a login; answers the broker's."""
    answer = await ask(reader, writer, SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
    error, length = struct.unpack_from(">hh", answer)
    if error != 0:
        raise Wrong(f"a login was refused with error {error}")
    at = 4 + max(length, 0)
    [length] = struct.unpack_from(">i", answer, at)
    return answer[at + 4 : at + 4 + length]


async def ask(reader, writer, api, version, body):
    """One request; answers what stands behind the correlation id."""
    request = struct.pack(">hhi", api, version, 1) + text("crowd") + body
    writer.write(struct.pack(">i", len(request)) + request)
    [length] = struct.unpack(">i", await reader.readexactly(4))
    return (await reader.readexactly(length))[4:]


def text(value):
    """A string of the protocol."""
    encoded = value.encode()
    return struct.pack(">h", len(encoded)) + encoded
