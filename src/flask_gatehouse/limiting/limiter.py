"""The one limiter of an application: shared counts while they can be had, counts of this process otherwise."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from ..kernel.deferred import Deferred
from ..settings import Rate, Settings
from .errors import LimiterUnavailable, TooManyRequests
from .local import LocalCounts

log = logging.getLogger("flask_gatehouse.limiter")
# Seconds for which Redis is left alone after it has not answered: one request in a while pays for the attempt.
RECOVERY_S = 5.0
# Seconds between two events that say so, of each process.
TELL_AGAIN_S = 300.0
# Of what may be asked at all nodes together, so much at this one while they cannot count together.
REDUCED = 4
_REDIS = Deferred("limiting.shared:SharedCounts")


class Counts(Protocol):
    """What all nodes count together: see ``shared``."""

    def hit(self, key: str, rate: Rate) -> float | None: ...

    def answers(self) -> bool: ...


class Limiter:
    """Counts what each caller asks for.

    :param shared: counts that all nodes share; None where there is one process, or nobody minds.
    :param clock: monotonic seconds.
    """

    def __init__(self, shared: Counts | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared, self._clock = shared, clock
        self._local = LocalCounts(clock)
        self._lock = threading.Lock()
        # Before when Redis is not asked again; None while it answers.
        self._away_until: float | None = None
        self._tell_at = 0.0

    @property
    def is_shared(self) -> bool:
        """Return whether all nodes count together, as far as the configuration says."""
        return self._shared is not None

    def hit(self, key: str, rate: Rate, *, reduce: bool = False) -> None:
        """Count a request.

        :param key: who asks, and for what.
        :param reduce: allow less while the counts are not shared: what somebody may guess at must not become easier.
        :raises TooManyRequests: if there were too many before.
        """
        try:
            wait = self._ask_redis(key, rate)
        except LimiterUnavailable:
            wait = self._local.hit(key, _less(rate) if reduce and self._shared else rate)
        if wait is not None:
            raise TooManyRequests(max(1, math.ceil(wait)))

    def check(self) -> None:
        """Ask Redis now whether it answers; without one there is nothing to ask.

        :raises LimiterUnavailable: if it does not.
        """
        if self._shared is not None and not self._shared.answers():
            raise LimiterUnavailable

    def insist(self) -> None:
        """Let what must not be done without common counts go on only if they are there.

        :raises LimiterUnavailable: if Redis has not answered lately.
        """
        if self._away_until is not None:
            raise LimiterUnavailable

    def has_to_tell(self) -> bool:
        """Return whether somebody should be told that Redis is away; once in five minutes."""
        if self._away_until is None or self._clock() < self._tell_at:
            return False
        with self._lock:
            due = self._clock() >= self._tell_at
            self._tell_at = self._clock() + TELL_AGAIN_S if due else self._tell_at
            return due

    def _ask_redis(self, key: str, rate: Rate) -> float | None:
        if self._shared is None or not self._may_ask_redis():
            raise LimiterUnavailable
        try:
            wait = self._shared.hit(key, rate)
        except LimiterUnavailable as unavailable:
            self._notice(unavailable)
            raise
        if self._away_until is not None:
            log.warning("Redis answers again: all nodes count together")
            self._away_until = None
        return wait

    def _notice(self, unavailable: LimiterUnavailable) -> None:
        if self._away_until is None:
            # The kind alone: the text of some holds the address, and with it the password.
            kind = type(unavailable.__cause__).__name__
            log.error("Redis does not answer (%s): requests are counted in this process, and fewer pass", kind)
        self._away_until = self._clock() + RECOVERY_S

    def _may_ask_redis(self) -> bool:
        with self._lock:
            until = self._away_until
            if until is None:
                return True
            if self._clock() < until:
                return False
            # Whoever comes first tries; the others meanwhile count here.
            self._away_until = self._clock() + RECOVERY_S
            return True


def _less(rate: Rate) -> Rate:
    return Rate(max(1, rate.times // REDUCED), rate.within)


def make_limiter(settings: Settings) -> Limiter:
    """Return the limiter of an application; its keys are its own, also where others use the same Redis."""
    if settings.redis_url is None:
        return Limiter()
    parts = urlsplit(settings.base_url)
    name = f"gatehouse:{parts.netloc}{settings.root}{settings.url_prefix}"
    return Limiter(_REDIS.load()(settings.redis_url.reveal(), name))
