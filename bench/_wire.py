"""Between an application and PostgreSQL: counts what is said over the socket, in messages of the protocol itself.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Wire:
    """What has been said since the last :meth:`take`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statements: list[str] = []
        self._turns = 0

    def take(self) -> tuple[list[str], int]:
        """Return the statements that were run, and how often the application waited for an answer; begin anew."""
        with self._lock:
            taken = self._statements, self._turns
            self._statements, self._turns = [], 0
        return taken

    def asked(self, statement: str) -> None:
        with self._lock:
            self._statements.append(statement)

    def answered(self) -> None:
        with self._lock:
            self._turns += 1


def _messages(stream: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each message; the first of a client has no kind."""
    while head := _exactly(stream, 5):
        body = _exactly(stream, struct.unpack("!I", head[1:])[0] - 4)
        yield head, body


def _exactly(stream: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count and (more := stream.recv(count - len(read))):
        read += more
    return read


def _from_client(client: socket.socket, server: socket.socket, wire: Wire) -> None:
    length = _exactly(client, 4)
    server.sendall(length + _exactly(client, struct.unpack("!I", length)[0] - 4))
    prepared: dict[bytes, str] = {}
    for head, body in _messages(client):
        kind = head[:1]
        if kind == b"Q":
            wire.asked(body.rstrip(b"\0").decode())
        elif kind == b"P":
            name, statement, _ = body.split(b"\0", 2)
            prepared[name] = statement.decode()
        elif kind == b"B":
            wire.asked(prepared[body.split(b"\0", 2)[1]])
        server.sendall(head + body)


def _from_server(server: socket.socket, client: socket.socket, wire: Wire) -> None:
    for head, body in _messages(server):
        # ReadyForQuery ends each turn.
        if head[:1] == b"Z":
            wire.answered()
        client.sendall(head + body)


@contextmanager
def listening(folder: Path, server_folder: Path) -> Iterator[Wire]:
    """Answer in a folder for the server whose socket is in another one."""
    wire = Wire()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / SOCKET))
    listener.listen()

    def carry(way: object, *ends: socket.socket) -> None:
        with suppress(OSError):
            way(*ends, wire)  # type: ignore[operator]
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client = listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(server_folder / SOCKET))
                threading.Thread(target=carry, args=(_from_client, client, server), daemon=True).start()
                threading.Thread(target=carry, args=(_from_server, server, client), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield wire
    listener.close()
