"""Notes that no answer depends on. The clock is an argument; threads wait for each other."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.web import notes as module
from flask_gatehouse.web.notes import QUIET_S, Notes


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(notes: Notes) -> None:
    with pytest.raises(DependencyUnavailable):
        write_in_vain(notes)


def write_in_vain(notes: Notes) -> None:
    with notes.turn() as now:
        assert now
        raise DependencyUnavailable("database")


def may(notes: Notes) -> bool:
    with notes.turn() as now:
        return now


def test_after_a_failure_nobody_tries_for_a_while() -> None:
    clock = Clock()
    notes = Notes(clock)
    assert may(notes)
    assert may(notes)
    fail(notes)
    assert not may(notes)
    clock.now += QUIET_S
    fail(notes)
    assert not may(notes)
    clock.now += QUIET_S
    assert may(notes)
    assert may(notes)


@pytest.mark.parametrize("failed", [False, True])
def test_nobody_waits_long_for_the_note_of_another_one(failed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # So long that no slowness of this machine passes for it, where nobody should wait.
    turn = 30.0 if failed else 0.3
    monkeypatch.setattr(module, "TURN_S", turn)
    clock = Clock()
    notes = Notes(clock)
    if failed:
        fail(notes)
        clock.now += QUIET_S
    writing, released = threading.Event(), threading.Event()

    def write() -> None:
        with notes.turn() as now:
            assert now
            writing.set()
            released.wait(120)

    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(write)
        assert writing.wait(60)
        began = time.monotonic()
        assert not may(notes)
        assert (time.monotonic() - began >= turn) == (not failed)
        released.set()
        one.result()
    assert may(notes)
