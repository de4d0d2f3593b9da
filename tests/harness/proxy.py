"""A TCP proxy that can spoil what a server says."""

import contextlib
import socket
import threading

CHUNK = 64 << 10


class Proxy:
    """Stands between Wellhead and a database.

    `cut_after(n)` ends each connection once n bytes came from the server; `flip_at(n)` inverts one bit of the
    n-th byte from the server, once. Counting starts when they are called, over all connections. `freeze()` lets
    nothing pass on the connections that stand, in either direction, and ends none: a half-open line.
    """

    def __init__(self, port):
        self.target = port
        self.lock = threading.Lock()
        self.passed = 0
        self.cut = None
        self.flip = None
        self.flipped = threading.Event()
        self.cuts = 0
        self.connections = []
        self.frozen = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, count):
        """Every further `count` bytes from the server the connection is cut; None ends that."""
        with self.lock:
            self.passed, self.cut = 0, count

    def flip_at(self, count):
        """Spoils one byte, `count` bytes from now."""
        with self.lock:
            self.passed, self.flip = 0, count
            self.flipped.clear()

    def freeze(self):
        """From now on the present connections are silent; new ones work."""
        with self.lock:
            self.frozen.update(self.connections)

    def drop(self):
        """Cuts all connections now."""
        with self.lock:
            connections, self.connections = self.connections, []
        for connection in connections:
            _end(connection)

    def close(self):
        """Ends the proxy."""
        self.listener.close()
        self.drop()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.connections += [client, server]
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, sink, spoils):
        try:
            while chunk := source.recv(CHUNK):
                keep_open = True
                if spoils:
                    chunk, keep_open = self._spoil(bytearray(chunk))
                if source in self.frozen:
                    continue
                sink.sendall(chunk)
                if not keep_open:
                    break
        except OSError:
            pass
        _end(source)
        _end(sink)

    def _spoil(self, chunk):
        with self.lock:
            start, self.passed = self.passed, self.passed + len(chunk)
            if self.flip is not None and start <= self.flip < self.passed:
                chunk[self.flip - start] ^= 0x10
                self.flip = None
                self.flipped.set()
            if self.cut is not None and self.passed >= self.cut:
                keep = max(0, self.cut - start)
                self.passed = 0
                self.cuts += 1
                return chunk[:keep], False
        return chunk, True


def _end(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
