"""A deadline for all that one question to Redis takes, which its client does not have: its own is for each read.

A server that sends a byte in each of these, or a network that does, would otherwise keep a request for as long as it
likes, and with it the thread that serves it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Deadline(threading.local):
    at = float("inf")


_deadline = _Deadline()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let whatever this thread reads from punctual connections come to an end in time.

    :raises TimeoutError: from a read that would go on for longer.
    """
    _deadline.at = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.at = _Deadline.at


def punctual(connection_class: type[Any]) -> type[Any]:
    """Return a class of connections of Redis' client whose reads obey the deadline of whoever reads."""

    def connect(self: Any) -> "_PunctualSocket":
        return _PunctualSocket(connection_class._connect(self))

    return type(f"Punctual{connection_class.__name__}", (connection_class,), {"_connect": connect})


class _PunctualSocket:
    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        patience = self._socket.gettimeout()
        # With none at all, the client only looks whether something is there.
        if patience == 0:
            return bytes(self._socket.recv(size))
        left = _deadline.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(min(patience, left))
        try:
            return bytes(self._socket.recv(size))
        finally:
            self._socket.settimeout(patience)
