"""Counts in Redis, which all nodes share."""

import time

from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from .punctual import punctual, within

try:
    import redis
    from redis import backoff, retry
except ImportError:  # pragma: no cover - the settings have refused REDIS_URL then
    redis = None  # type: ignore[assignment]

# Seconds to connect, and for each piece of an answer: a Redis that hangs delays one request in a while by so much.
TIMEOUT_S = 0.3
# Seconds for all that one question takes, however many pieces the answers come in.
DEADLINE_S = 1.0


class SharedCounts:
    """A moving window for each caller, kept in Redis until it is over.

    :param url: ``redis://``, ``rediss://`` or ``unix://``.
    :param name: what the keys of this application begin with; others may use the same Redis.
    """

    def __init__(self, url: str, name: str) -> None:
        # Once more at once, for a connection that Redis has closed by restarting; the client itself would sleep.
        again = retry.Retry(backoff.NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        pool = redis.ConnectionPool.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=again
        )
        pool.connection_class = punctual(pool.connection_class)
        # The address that is given beside the pool is not connected to.
        self._storage = RedisStorage("redis://", connection_pool=pool, key_prefix=name, wrap_exceptions=True)
        self._window = MovingWindowRateLimiter(self._storage)

    def hit(self, key: str, limit: RateLimitItem) -> float | None:
        """Count a request. Parameters and result are those of :meth:`.local.LocalCounts.hit`.

        :raises StorageError: if Redis does not answer, or refuses.
        """
        with within(DEADLINE_S):
            if self._window.hit(limit, key):
                return None
            return max(0.0, self._window.get_window_stats(limit, key).reset_time - time.time())

    def answers(self) -> bool:
        """Return whether it counts, by counting something: one that has no room left answers, and takes nothing."""
        try:
            with within(DEADLINE_S):
                self._storage.incr("answers", 1)
        except StorageError:
            return False
        return True
