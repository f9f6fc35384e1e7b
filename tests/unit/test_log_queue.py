"""What becomes of lines that cannot be written; what a node does then is shown in ``tests/faults``."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from flask_gatehouse.web.log_queue import QueuedLog


class Odd(io.StringIO):
    """What a server has put in the place of a file."""


def line(words: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, __file__, 1, words, values, None)


@pytest.fixture
def full_disk() -> Iterator[TextIO]:
    with Path("/dev/full").open("w") as stream:
        yield stream


def test_lines_that_a_full_disk_does_not_take_are_counted(full_disk: TextIO) -> None:
    lost: list[None] = []
    log = QueuedLog(full_disk, lambda: lost.append(None))
    for _ in range(3):
        log.handle(line("nobody has room for it"))
    log.flush()
    log.close()
    # What would have said so is lost as well, and is not counted.
    assert len(lost) == 3
    assert log._lost == 3


def test_a_line_that_cannot_be_made_is_counted_and_said(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        log = QueuedLog(stream)
        log.handle(line("%d of them", "no number"))
        log.handle(line("%d of them", 3))
        log.flush()
        log.close()
    assert (tmp_path / "log").read_text() == "1 lines of the log are lost: nobody took them in time\n3 of them\n"


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    stream = Odd()
    log = QueuedLog(stream)
    log.handle(line("a line"))
    log.flush()
    log.close()
    assert stream.getvalue() == "a line\n"


def test_nobody_is_waited_for_once_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    log = QueuedLog(Odd())
    log.handle(line("a line"))
    log.close()
    # Whoever waits asks the queue.
    monkeypatch.delattr(log, "queue")
    log.flush()
