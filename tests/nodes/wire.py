"""The line between a node and its database, which can be cut and frozen without touching the database itself."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Wire:
    """Forwards connections from a socket of its own to the server's.

    :param server: the unix socket of a PostgreSQL server.
    :param folder: where its own socket is made; libpq takes the folder as the host.
    """

    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self._server = server
        self._place = folder / server.name
        self._flowing = threading.Event()
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._flowing.set()
        self.mend()

    def mend(self) -> None:
        """Accept connections."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._place))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """End every connection and refuse new ones, as a server that is stopped does."""
        if self._listener is not None:
            _end(self._listener)
            self._listener = None
        self._place.unlink(missing_ok=True)
        while self._ends:
            _end(self._ends.pop())

    @contextmanager
    def being_cut(self) -> Iterator[None]:
        self.cut()
        try:
            yield
        finally:
            self.mend()

    @contextmanager
    def being_frozen(self) -> Iterator[None]:
        """Take whatever is sent and answer nothing, as a server that is stopped with SIGSTOP does."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def _accept(self, listener: socket.socket) -> None:
        with listener, suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._server))
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        # Each of the two directions closes the socket that it reads from, once neither can be used.
        with source, suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                sink.sendall(data)
        _end(sink)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
