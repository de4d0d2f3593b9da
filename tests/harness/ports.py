"""Free loopback ports."""

import os
import random
import socket

# Below what the system hands out by itself for outgoing connections and to who asks for any port: one of those may be
# taken between the moment it is found free and the moment it is used.
FIRST, LAST = 10_000, 32_000
# Tests may run in several processes at once; each takes every so manieth port.
PROCESSES_MAX = 8

_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES_MAX
_left = []


def free_port():
    """A port that nobody listens on now, and that this process is not given again for long."""
    while True:
        if not _left:
            _left.extend(range(FIRST + _process, LAST, PROCESSES_MAX))
            random.shuffle(_left)
        port = _left.pop()
        with socket.socket() as probe:
            # As servers bind: what an ended connection of another test left behind is not in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def accepts(port):
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
