"""Ports that are given to one test alone, among all that run on this machine."""

import fcntl
import os
import secrets
import socket
import tempfile
from functools import cache
from pathlib import Path

# Below those that the kernel gives to connections, any of which might have taken one before its server listens.
PORTS = range(20_000, 32_000)


class _Ports:
    """Ports of the loopback interface, each of which is given to one process of all tests on this machine, once.

    A port that is merely free is anybody's until a server listens there. What is given is locked, as a byte of a file
    that all share, until the process that asked for it ends.
    """

    def __init__(self) -> None:
        path = Path(tempfile.gettempdir(), f"gatehouse-ports-{os.getuid()}")
        self._given = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        # Not the same ones in each run: those of the run before may still be waiting for late packets.
        self._next = secrets.randbelow(len(PORTS))

    def give(self) -> int:
        for _ in PORTS:
            number = PORTS[self._next % len(PORTS)]
            self._next += 1
            if self._is_ours(number) and _is_free(number):
                return number
        raise RuntimeError("no port is free")

    def _is_ours(self, number: int) -> bool:
        try:
            fcntl.lockf(self._given, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except BlockingIOError:
            return False
        return True


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
        return True


@cache
def _ports() -> _Ports:
    return _Ports()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on, and that no other test is given."""
    return _ports().give()
