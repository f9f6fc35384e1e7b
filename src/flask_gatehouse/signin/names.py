"""Looking up the names of hosts, which no timeout of a socket bounds."""

import contextlib
import math
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .deadline import Deadline

# What a socket is made of and connects to, as ``socket.getaddrinfo`` has it.
Address: TypeAlias = tuple[Any, ...]


class NoLookUp(OSError):
    """No name can be looked up: too many that never came to an end are under way, or no thread is left for one."""


class Names:
    """Looks up the names of one provider's hosts, each on a thread of its own.

    :param slots: look-ups that may be under way at once; one that nobody waits for any more still takes one.
    """

    def __init__(self, slots: int) -> None:
        self._slots = threading.BoundedSemaphore(slots)

    def addresses(self, host: str, port: int, deadline: Deadline) -> Sequence[Address]:
        """Return where a host is, the preferred address first.

        :raises OSError: if nobody knows, among them ``TimeoutError`` and ``NoLookUp``.
        :raises UnicodeError: if it cannot be a name.
        """
        with contextlib.suppress(socket.gaierror):
            # An address asks nobody, and needs no thread.
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        if not self._slots.acquire(blocking=False):
            raise NoLookUp
        look_up = _LookUp(host, port, self._slots.release)
        try:
            look_up.start()
        except RuntimeError as error:
            self._slots.release()
            raise NoLookUp from error
        look_up.join(deadline.left(math.inf))
        if look_up.is_alive():
            raise TimeoutError
        return look_up.found()


class _LookUp(threading.Thread):
    def __init__(self, host: str, port: int, finished: Callable[[], None]) -> None:
        super().__init__(name="gatehouse-look-up", daemon=True)
        self._host, self._port, self._finished = host, port, finished
        self._found: Sequence[Address] | OSError | UnicodeError = OSError("the look-up broke off")

    def run(self) -> None:
        try:
            self._found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._found = error
        finally:
            self._finished()

    def found(self) -> Sequence[Address]:
        if isinstance(self._found, OSError | UnicodeError):
            raise self._found
        return self._found
