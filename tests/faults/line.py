"""The line between a node and whatever it depends on, which can go bad in each of the ways in which networks do."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from tests.ports import free_port

# Seconds between two bytes that drip, and before each piece of an answer that is late.
DRIP_S, LATE_S = 0.5, 0.4
# So much of an answer arrives before it is cut: not enough for any that means something.
CUT_AFTER = 4


class Way(StrEnum):
    """How the line goes."""

    WELL = "well"
    # Nobody listens there.
    REFUSED = "refused"
    # Connections are taken, and nothing is said on them, nor on those that were open.
    HANGS = "hangs"
    # Each piece of an answer comes late, and then whole.
    SLOW = "slow"
    # Answers come byte by byte.
    DRIPS = "drips"
    # The other side ends the connection in the middle of its answer.
    CUT = "cut"
    # The same with RST, which also throws away what has arrived and was not read.
    RESET = "reset"


BAD = [way for way in Way if way is not Way.WELL]


class Line:
    """Forwards TCP connections of a port of its own to somebody else.

    :param target: a port of this machine, or a unix socket.
    """

    def __init__(self, target: int | Path) -> None:
        self._target = target
        self._way = Way.WELL
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._ended = threading.Event()
        self.port = free_port()
        self._listen()

    @contextmanager
    def going(self, way: Way) -> Iterator[None]:
        """Let it go in this way, for connections that are open as for new ones, and then well again."""
        self._turn(way)
        try:
            yield
        finally:
            self._turn(Way.WELL)

    def end_connections(self) -> None:
        """End what is open, as the other side does when it restarts."""
        self._end_all(reset=False)

    def close(self) -> None:
        self._ended.set()
        self._stop_listening()
        self._end_all(reset=False)

    def _turn(self, way: Way) -> None:
        before, self._way = self._way, way
        if way is Way.REFUSED:
            self._stop_listening()
            self._end_all(reset=True)
        if before is Way.REFUSED:
            self._listen()
        if before is Way.HANGS:
            # What hung through an outage is dead: the other side has given it up meanwhile.
            self._end_all(reset=True)

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            _end(self._listener)
            self._listener.close()
            self._listener = None

    def _end_all(self, *, reset: bool) -> None:
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _end(end, reset=reset)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        kind = socket.AF_UNIX if isinstance(self._target, Path) else socket.AF_INET
        far = socket.socket(kind)
        with near, far, suppress(OSError):
            far.connect(str(self._target) if isinstance(self._target, Path) else ("127.0.0.1", self._target))
            with self._lock:
                if self._way is Way.REFUSED:
                    # Taken just before nobody listened any more.
                    return
                self._open |= {near, far}
            back = threading.Thread(target=self._forward, args=(far, near, self._badly), daemon=True)
            back.start()
            self._forward(near, far, self._held)
            back.join()
        with self._lock:
            self._open -= {near, far}

    def _forward(
        self, source: socket.socket, sink: socket.socket, send: Callable[[socket.socket, bytes], None]
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                send(sink, data)
        _end(sink)
        _end(source)

    def _held(self, sink: socket.socket, data: bytes) -> None:
        while self._way is Way.HANGS and not self._ended.is_set():
            time.sleep(0.02)
        sink.sendall(data)

    def _badly(self, sink: socket.socket, data: bytes) -> None:
        if self._way in {Way.CUT, Way.RESET}:
            sink.sendall(data[:CUT_AFTER])
            _end(sink, reset=self._way is Way.RESET)
            raise ConnectionAbortedError
        if self._way is Way.SLOW:
            time.sleep(LATE_S)
        while data and self._way is Way.DRIPS:
            sink.sendall(data[:1])
            data = data[1:]
            time.sleep(DRIP_S)
        self._held(sink, data)


@contextmanager
def open_line(target: int | Path) -> Iterator[Line]:
    """Lay a line to a port or a unix socket of this machine."""
    line = Line(target)
    try:
        yield line
    finally:
        line.close()


def _end(end: socket.socket, *, reset: bool = False) -> None:
    """End a connection for whoever reads from it here, and at the other side now or, for a reset, when it is closed."""
    with suppress(OSError):
        if reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        resets, _ = struct.unpack("ii", end.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
        # After a FIN nobody would be sent a RST.
        end.shutdown(socket.SHUT_RD if resets else socket.SHUT_RDWR)
