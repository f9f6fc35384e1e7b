"""Documents that are fetched rarely. The clock is an argument; threads meet at barriers."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_gatehouse.signin.cached import MAX_STALE, PATIENCE, PATIENT, RENEWAL_COOL_DOWN, RETRY, Cached
from flask_gatehouse.signin.errors import ProviderUnavailable, Reason, SignInRefused


class Source:
    """A document that changes with each fetch, until it cannot be had."""

    def __init__(self) -> None:
        self.fetched = 0
        self.now = 1000.0
        self.failure: Exception | None = None
        self.before: Callable[[], object] = lambda: None
        self.cached: Cached[str] = Cached("example", self.fetch, 5.0, lambda: self.now)

    def fetch(self) -> tuple[str, float]:
        self.fetched += 1
        self.before()
        if self.failure is not None:
            raise self.failure
        return f"document {self.fetched}", 100.0


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(params=[ProviderUnavailable("example"), SignInRefused(Reason.DISCOVERY_INVALID, "example")])
def failure(request: pytest.FixtureRequest) -> Exception:
    return request.param  # type: ignore[no-any-return]


def test_a_document_is_fetched_once_while_it_is_fresh(source: Source) -> None:
    assert source.cached.last is None
    assert source.cached.get() == source.cached.get() == source.cached.last == "document 1"
    source.now += 99.9
    assert source.cached.get() == "document 1"
    source.now += 0.1
    assert source.cached.get() == "document 2"


def test_an_older_document_serves_while_renewing_fails(source: Source, failure: Exception) -> None:
    source.cached.get()
    source.failure = failure
    source.now += 100
    assert source.cached.get() == source.cached.get() == "document 1"
    assert source.fetched == 2
    source.now += RETRY
    assert source.cached.get() == "document 1"
    assert source.fetched == 3
    source.now = 1000 + 100 + MAX_STALE
    with pytest.raises(type(failure)):
        source.cached.get()
    source.failure = None
    source.now += RETRY
    assert source.cached.get() == "document 5"


def test_without_a_document_a_failure_is_told_and_not_repeated_at_once(source: Source, failure: Exception) -> None:
    source.failure = failure
    for _ in range(3):
        with pytest.raises(type(failure)):
            source.cached.get()
    assert source.fetched == 1
    source.failure = None
    source.now += RETRY
    assert source.cached.get() == "document 2"


def test_a_newer_document_can_be_asked_for_now_and_then(source: Source) -> None:
    first = source.cached.get()
    second = source.cached.newer_than(first)
    assert second == "document 2"
    # Somebody who still holds the first one gets what there is.
    assert source.cached.newer_than(first) == second
    assert source.cached.newer_than(second) == second
    assert source.fetched == 2
    source.now += RENEWAL_COOL_DOWN
    assert source.cached.newer_than(second) == "document 3"


def test_whoever_asks_for_a_newer_one_hears_of_an_outage(source: Source, failure: Exception) -> None:
    first = source.cached.get()
    source.failure = failure
    for _ in range(2):
        with pytest.raises(type(failure)):
            source.cached.newer_than(first)
    assert source.fetched == 2
    assert source.cached.get() == first


def test_many_at_once_make_one_fetch(source: Source) -> None:
    # All of them are waiting before the first one is through.
    source.before = lambda: time.sleep(0.1)
    barrier = threading.Barrier(30)

    def get(_: int) -> str:
        barrier.wait()
        return source.cached.get()

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(get, range(30))) == {"document 1"}
    assert source.fetched == 1


def test_many_who_need_a_newer_one_make_one_fetch(source: Source) -> None:
    first = source.cached.get()
    barrier = threading.Barrier(30)

    def get(_: int) -> str:
        barrier.wait()
        return source.cached.newer_than(first)

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(get, range(30))) == {"document 2"}
    assert source.fetched == 2


def test_nobody_waits_for_a_renewal_while_an_older_document_serves(source: Source) -> None:
    source.cached.get()
    source.now += 100
    fetching, released = threading.Event(), threading.Event()
    source.before = lambda: (fetching.set(), released.wait(5))
    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(source.cached.get)
        fetching.wait(5)
        assert source.cached.get() == "document 1"
        released.set()
        assert renewed.result() == "document 2"


def test_waiting_for_somebody_elses_first_fetch_ends(source: Source) -> None:
    source.cached = Cached("example", source.fetch, 0.05, lambda: source.now)
    fetching, released = threading.Event(), threading.Event()
    source.before = lambda: (fetching.set(), released.wait(5))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(source.cached.get)
        fetching.wait(5)
        with pytest.raises(ProviderUnavailable):
            source.cached.get()
        released.set()
        assert first.result() == "document 1"


def test_a_first_fetch_that_hangs_keeps_few_waiting(source: Source) -> None:
    """Each of them is a thread of the server's, which serves nobody else meanwhile."""
    fetching, released = threading.Event(), threading.Event()
    source.before = lambda: (fetching.set(), released.wait(30))
    with ThreadPoolExecutor(1 + PATIENT) as pool:
        first = pool.submit(source.cached.get)
        fetching.wait(5)
        patient = [pool.submit(source.cached.get) for _ in range(PATIENT)]
        while source.cached._patient._value:
            time.sleep(0.01)
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            source.cached.get()
        assert time.monotonic() - began >= PATIENCE
        # It is known by now that it does not come to an end.
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            source.cached.get()
        assert time.monotonic() - began < PATIENCE
        released.set()
        assert {one.result() for one in (first, *patient)} == {"document 1"}


def test_nobody_waits_while_a_failure_is_tried_again(source: Source, failure: Exception) -> None:
    source.failure = failure
    with pytest.raises(type(failure)):
        source.cached.get()
    source.now += RETRY
    fetching, released = threading.Event(), threading.Event()
    source.before = lambda: (fetching.set(), released.wait(30))
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(source.cached.get)
        fetching.wait(5)
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            source.cached.get()
        assert time.monotonic() - began < PATIENCE
        released.set()
        assert again.exception() is failure
