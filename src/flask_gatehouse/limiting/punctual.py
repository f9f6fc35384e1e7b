"""A deadline for all that one question to Redis takes, which its client does not have: its own is for each read.

A server that sends a byte in each of these, or a network that does, would otherwise keep a request for as long as it
likes, and with it the thread that serves it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Deadline(threading.local):
    at = float("inf")


_deadline = _Deadline()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let whatever this thread asks over punctual connections come to an end in time.

    :raises TimeoutError: from connecting or a read that would go on for longer.
    """
    _deadline.at = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.at = _Deadline.at


def punctual(connection_class: type[Any], *failures: type[Exception]) -> type[Any]:
    """Return a class of connections of Redis' client that are made, and read, within the deadline of whoever asks.

    :param failures: what connecting may raise besides ``OSError``.
    """
    expected: tuple[type[Exception], ...] = (OSError, *failures)

    def connect(self: Any) -> "_PunctualSocket":
        left = _deadline.at - time.monotonic()
        return _PunctualSocket(_Connecting(lambda: connection_class._connect(self), expected).result_within(left))

    return type(f"Punctual{connection_class.__name__}", (connection_class,), {"_connect": connect})


class _Connecting(threading.Thread):
    """Connects on a thread of its own, since nothing else bounds the look-up of a name."""

    def __init__(self, connect: Callable[[], Any], expected: tuple[type[Exception], ...]) -> None:
        super().__init__(name="gatehouse-redis-connect", daemon=True)
        self._connect, self._expected, self._lock = connect, expected, threading.Lock()
        self._socket: Any = None
        self._failure: Exception | None = None
        self._given_up = False

    def run(self) -> None:
        try:
            found = self._connect()
        except self._expected as error:
            self._failure = error
            return
        with self._lock:
            self._socket = found
            if self._given_up:
                found.close()

    def result_within(self, seconds: float) -> Any:
        """Return the socket.

        :raises OSError: if there is none, or none in time; also what else is expected of connecting.
        """
        try:
            self.start()
        except RuntimeError as error:
            # As all that keeps Redis from answering: requests go on without it.
            raise OSError("no thread is left to connect on") from error
        self.join(None if seconds == _Deadline.at else max(0.0, seconds))
        with self._lock:
            self._given_up = self.is_alive() and self._socket is None
        if self._failure is not None:
            raise self._failure
        if self._socket is None:
            raise TimeoutError
        return self._socket


class _PunctualSocket:
    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        return bytes(self._in_time(self._socket.recv, size))

    def recv_into(self, buffer: bytearray) -> int:
        """Read as hiredis does; the client takes that one wherever it is installed."""
        return int(self._in_time(self._socket.recv_into, buffer))

    def _in_time(self, read: Callable[[Any], Any], argument: object) -> Any:
        patience, left = self._socket.gettimeout(), _deadline.at - time.monotonic()
        # As a rule its own limit comes first, also that of a client which only looks whether something is there.
        if patience <= left or patience == 0:
            return read(argument)
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        try:
            return read(argument)
        finally:
            self._socket.settimeout(patience)
