"""Counts of one process: a moving window, exact at its edges, and no memory that others can fill."""

import threading

from flask_gatehouse.limiting.local import LocalCounts
from flask_gatehouse.settings import Rate

LIMIT = Rate.parse("3 per minute")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_pass_and_the_next_one_is_told_how_long_to_wait() -> None:
    clock = Clock()
    counts = LocalCounts(clock)
    for moment in (1000.0, 1010.0, 1020.0):
        clock.now = moment
        assert counts.hit("a", LIMIT) is None
    clock.now = 1030.0
    assert counts.hit("a", LIMIT) == 30.0
    assert counts.hit("b", LIMIT) is None


def test_the_window_moves_and_refused_requests_do_not_count() -> None:
    clock = Clock()
    counts = LocalCounts(clock)
    for _ in range(3):
        counts.hit("a", LIMIT)
    clock.now += 59.9
    # At the end of a fixed window the same caller would have had three more.
    assert [counts.hit("a", LIMIT) is None for _ in range(5)] == [False] * 5
    clock.now += 0.1
    assert [counts.hit("a", LIMIT) is None for _ in range(5)] == [True] * 3 + [False] * 2


def test_many_addresses_do_not_fill_the_memory() -> None:
    counts = LocalCounts(Clock(), most=10)
    for number in range(1000):
        counts.hit(str(number), LIMIT)
    assert len(counts._asked) == 10
    assert "999" in counts._asked


def test_somebody_who_goes_on_asking_is_not_forgotten_for_newcomers() -> None:
    counts = LocalCounts(Clock(), most=10)
    for number in range(100):
        counts.hit("busy", LIMIT)
        counts.hit(str(number), LIMIT)
    assert counts.hit("busy", LIMIT) is not None


def test_threads_at_once_pass_no_more_than_allowed() -> None:
    counts, limit, passed = LocalCounts(Clock()), Rate.parse("100 per minute"), []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        passed.extend(None for _ in range(50) if counts.hit("a", limit) is None)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 100
