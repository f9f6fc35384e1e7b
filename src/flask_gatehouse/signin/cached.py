"""A document of a provider's that is fetched rarely, by one thread at a time, and outlives a short outage."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .errors import ProviderUnavailable, SignInRefused

T = TypeVar("T")

# All in seconds. A document may be used for so long after it should have been renewed, while that fails.
MAX_STALE = 86400.0
# After a failure the next attempt waits, so that a provider that is down costs one worker now and then, not each.
RETRY = 10.0
# Of those who come while a first document is fetched, so many wait for as long as a call may take. The others wait for
# as long as a call that goes well takes: a provider that hangs must not take every worker.
PATIENT = 3
PATIENCE = 1.0
# How often somebody may ask for a renewal ahead of time.
RENEWAL_COOL_DOWN = 60.0


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A document and until when it may be used, by the process's monotonic clock."""

    value: T
    fresh_until: float


class Cached(Generic[T]):
    """Keeps what ``fetch`` returns for as long as ``fetch`` says.

    :param fetch: returns a document and for how many seconds it is fresh; raises what ``get`` raises.
    :param patience: seconds that another thread's fetch is waited for, at most.
    :param clock: monotonic seconds.
    """

    def __init__(
        self, provider: str, fetch: Callable[[], tuple[T, float]], patience: float, clock: Callable[[], float]
    ) -> None:
        self._provider, self._fetch, self._patience, self._clock = provider, fetch, patience, clock
        self._lock = threading.Lock()
        self._patient = threading.BoundedSemaphore(PATIENT)
        self._overdue = False
        self._kept: Kept[T] | None = None
        self._failure: ProviderUnavailable | SignInRefused | None = None
        self._retry_at = 0.0
        self._renew_at = 0.0

    @property
    def last(self) -> T | None:
        """Return the document that was fetched last, however old; never fetch."""
        return None if self._kept is None else self._kept.value

    def get(self) -> T:
        """Return the document, fetched if need be.

        :raises ProviderUnavailable: if there is none and it cannot be had.
        :raises SignInRefused: if there is none, and what was fetched cannot be believed.
        """
        kept, now = self._kept, self._clock()
        if kept is not None and now < kept.fresh_until:
            return kept.value
        if kept is not None and now < kept.fresh_until + MAX_STALE:
            return self._renew_or_keep(kept)
        return self._fetch_once(kept, self._patience)

    def newer_than(self, known: T) -> T:
        """Return a document that has been fetched after ``known``, if that is permitted now; else ``known``.

        :raises ProviderUnavailable: if it cannot be had.
        :raises SignInRefused: if what was fetched cannot be believed.
        """
        kept = self._kept
        if kept is None or kept.value is not known:
            return self.get()
        return self._fetch_once(kept, self._patience, ahead_of_time=True)

    def _renew_or_keep(self, kept: Kept[T]) -> T:
        try:
            return self._fetch_once(kept, 0)
        except (ProviderUnavailable, SignInRefused):
            return kept.value

    def _fetch_once(self, seen: Kept[T] | None, wait: float, *, ahead_of_time: bool = False) -> T:
        """Fetch unless another thread has done so since ``seen``, or has just failed to."""
        if not self._wait_for_turn(wait):
            raise ProviderUnavailable(self._provider)
        try:
            kept, now = self._kept, self._clock()
            if kept is not None and kept is not seen:
                return kept.value
            if self._failure is not None and now < self._retry_at:
                raise self._failure.with_traceback(None)
            if ahead_of_time and kept is not None and now < self._renew_at:
                return kept.value
            if ahead_of_time:
                self._renew_at = now + RENEWAL_COOL_DOWN
            return self._fetch_now()
        finally:
            self._lock.release()

    def _wait_for_turn(self, wait: float) -> bool:
        """Return whether nobody else is fetching any more; while a failure is tried again, nobody waits for that."""
        if self._lock.acquire(blocking=False):
            return True
        if self._failure is not None or self._overdue:
            return False
        if self._patient.acquire(blocking=False):
            try:
                return self._lock.acquire(timeout=wait)
            finally:
                self._patient.release()
        came = self._lock.acquire(timeout=min(wait, PATIENCE))
        self._overdue = not came
        return came

    def _fetch_now(self) -> T:
        self._overdue = False
        try:
            value, lifetime = self._fetch()
        except (ProviderUnavailable, SignInRefused) as error:
            self._failure, self._retry_at = error, self._clock() + RETRY
            raise
        self._failure = None
        self._kept = Kept(value, self._clock() + lifetime)
        return value
