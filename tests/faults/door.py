"""A door at which a request of another process waits until a test has done something else."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 120


class Door:
    """Where one request waits.

    :param listener: what it connects to.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._guest: socket.socket | None = None

    def headers(self, before: str) -> dict[str, str]:
        """Return what a request carries that is to wait; see ``held``."""
        return {"Test-Door": str(self._listener.getsockname()[1]), "Test-Before": before}

    def meet(self) -> None:
        """Wait until it is there.

        :raises TimeoutError: if it does not come: without that a test would show nothing.
        """
        self._guest = self._listener.accept()[0]

    def open(self) -> None:
        """Let it go on."""
        assert self._guest is not None
        self._guest.sendall(b"!")

    def close(self) -> None:
        if self._guest is not None:
            self._guest.close()


@contextmanager
def a_door() -> Iterator[Door]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        door = Door(listener)
        try:
            yield door
        finally:
            door.close()
