"""Writing the log without waiting for whoever reads it.

A pipe that nobody empties, such as that of a collector which hangs, holds some thousand bytes and then stops whoever
writes: each thread that answers a request, and gunicorn's own process, which then neither replaces a process nor ends.

``deploy/gunicorn.conf.py`` loads this file by itself, so that it imports nothing of ours.
"""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from queue import Full, SimpleQueue
from typing import NamedTuple, TextIO, TypeAlias

# Lines that wait in a process. What comes beyond is lost, and is counted: memory has an end, and a request no time.
MOST_LINES = 2000
# Seconds for which a process that ends waits for its last lines to be taken.
FAREWELL_S = 2.0


class Line(NamedTuple):
    """What waits to be written.

    :param tells_of: how many lines this one says are lost; if it is lost as well, it must not take the number with it.
    """

    words: str
    tells_of: int = 0


# An event is set when its turn comes; None ends the thread.
Waiting: TypeAlias = "SimpleQueue[Line | threading.Event | None]"


class QueuedLog(QueueHandler):
    """Hands lines to a thread that writes them. Each process has its own, from its first line on, also after a fork.

    :param stream: where lines go, such as ``sys.stderr``.
    :param on_loss: is called for each line that is lost.
    :param most: how many lines may wait.
    """

    def __init__(self, stream: TextIO, on_loss: Callable[[], None] | None = None, most: int = MOST_LINES) -> None:
        super().__init__(SimpleQueue())
        self._stream, self._most, self._on_loss = stream, most, on_loss
        self._process: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line. Whoever calls holds the lock of this handler."""
        if self._process != os.getpid():
            self._begin()
        super().emit(record)

    def prepare(self, record: logging.LogRecord) -> Line:
        """Return what waits: the line alone, where a copy of the whole record would take as long as writing it."""
        return Line(self.format(record))

    def enqueue(self, line: Line) -> None:  # type: ignore[override] # what prepare() returns
        """Let a line wait for its turn, or count it as lost."""
        try:
            self._tell_what_is_lost()
            self._put(line)
        except Full:
            self._lose(line)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Count a line that cannot be made: what logging itself would do writes to the pipe at once."""
        self._lose(Line(""))

    def flush(self) -> None:
        """Wait a moment until everything is written; logging asks for it when a process ends."""
        if self._process != os.getpid() or self._is_over:
            return
        with suppress(Full):
            self._tell_what_is_lost()
        reached = threading.Event()
        self.queue.put(reached)
        reached.wait(FAREWELL_S)

    def close(self) -> None:
        """End the thread, unless it hangs: it keeps no process from ending."""
        if self._process == os.getpid():
            self.queue.put(None)
            self._is_over = True
        super().close()

    def _begin(self) -> None:
        # What waited in the process from which this one was forked is written there.
        self.queue: Waiting = SimpleQueue()
        self._lost, self._counting, self._is_over = 0, threading.Lock(), False
        _Writer(self.queue, self._stream, self._lose).start()
        self._process = os.getpid()

    def _put(self, line: Line) -> None:
        """Let a line wait. Nobody else does so at the same time: whoever calls holds the lock of this handler.

        :raises Full: if too many wait already.
        """
        if self.queue.qsize() >= self._most:
            raise Full
        self.queue.put(line)

    def _lose(self, line: Line) -> None:
        with self._counting:
            self._lost += line.tells_of or 1
        if self._on_loss and not line.tells_of:
            self._on_loss()

    def _tell_what_is_lost(self) -> None:
        """Let a line say so.

        :raises Full: if there is no room for it; it is tried again with the next one.
        """
        if not (lost := self._lost):
            return
        words = "%s lines of the log are lost: nobody took them in time"
        told = logging.LogRecord("flask_gatehouse.log", logging.ERROR, __file__, 0, words, (lost,), None)
        self._put(Line(self.format(told), lost))
        with self._counting:
            self._lost -= lost


class _Writer(QueueListener):
    """Writes lines, each whole.

    Past the buffer of the stream: a process that ends while a thread holds the lock of that is aborted by Python. And
    without a handler, for whose lock logging would wait at the end.
    """

    def __init__(self, lines: Waiting, stream: TextIO, lose: Callable[[Line], None]) -> None:
        super().__init__(lines)
        self._stream, self._lose = stream, lose
        try:
            self._descriptor: int | None = stream.fileno()
        except (AttributeError, OSError, ValueError):
            # A server such as mod_wsgi has put something of its own there.
            self._descriptor = None
        # Whether the last line has an end: a full disk takes a part of one.
        self._whole = True

    def handle(self, line: Line | threading.Event) -> None:  # type: ignore[override] # what the handler hands over
        if isinstance(line, threading.Event):
            line.set()
            return
        words = f"{line.words}\n"
        try:
            if self._descriptor is None:
                self._stream.write(words)
                self._stream.flush()
            else:
                self._write(self._descriptor, words.encode(errors="backslashreplace"))
        except (OSError, ValueError):
            self._lose(line)

    def _write(self, descriptor: int, line: bytes) -> None:
        if not self._whole:
            os.write(descriptor, b"\n")
            self._whole = True
        while line:
            line = line[os.write(descriptor, line) :]
            self._whole = not line
