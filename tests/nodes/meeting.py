"""Where requests in several processes wait for each other."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 120


@contextmanager
def meeting(size: int) -> Iterator[int]:
    """Listen on a port, and answer nobody who connects until this many are there.

    :raises AssertionError: if they did not all come: without that a test would show nothing.
    """
    come: list[bool] = []
    with socket.create_server(("127.0.0.1", 0), backlog=size) as door:
        door.settimeout(PATIENCE_S)
        host = threading.Thread(target=_receive, args=(door, size, come))
        host.start()
        yield door.getsockname()[1]
        host.join(PATIENCE_S)
    assert come, "the requests did not meet"


def _receive(door: socket.socket, size: int, come: list[bool]) -> None:
    with ExitStack() as stack, suppress(TimeoutError):
        lines = [stack.enter_context(door.accept()[0]) for _ in range(size)]
        come.append(True)
        for line in lines:
            line.sendall(b"!")


def at_once(actions: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of these at the same time, each in a thread, and return what they return."""
    with ThreadPoolExecutor(len(actions)) as pool:
        return [doing.result() for doing in [pool.submit(action) for action in actions]]
