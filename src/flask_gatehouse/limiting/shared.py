"""Counts in Redis, which all nodes share."""

import os
from collections import defaultdict, deque
from datetime import timedelta
from typing import Any

from ..settings import ConfigurationError, Rate
from .errors import LimiterUnavailable
from .punctual import punctual, within

try:
    import redis
except ImportError:  # pragma: no cover - the settings have refused REDIS_URL then
    redis = None  # type: ignore[assignment]

# Seconds to connect, and for each piece of an answer: a Redis that hangs delays one request in a while by so much.
TIMEOUT_S = 0.3
# Seconds for all that one question takes, however many pieces the answers come in.
DEADLINE_S = 1.0
_MICROSECOND = timedelta(microseconds=1)
_UNREADABLE = (
    "REDIS_URL cannot be read: percent-encode the special characters in its password, "
    "and look for an option behind its ? that Redis' client does not have."
)
# When a caller has asked, the newest first, in microseconds of the one clock that all nodes share. Answers how long to
# wait for one more; with nothing, if this one was counted.
_COUNT = """
local times, within = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local oldest = redis.call('LINDEX', KEYS[1], times - 1)
local wait = oldest and oldest + within - now
-- Longer than that would be of a clock that was set back, and keep her out until it has come so far again.
if wait and 0 < wait and wait <= within then
    return wait
end
redis.call('LPUSH', KEYS[1], now)
redis.call('LTRIM', KEYS[1], 0, times - 1)
redis.call('PEXPIRE', KEYS[1], within / 1000)
"""


class SharedCounts:
    """A moving window for each caller, kept in Redis until it is over.

    :param url: ``redis://``, ``rediss://`` or ``unix://``.
    :param name: what the keys of this application begin with; others may use the same Redis.
    :raises ConfigurationError: if the client does not understand the address.
    """

    def __init__(self, url: str, name: str) -> None:
        self._name = name
        try:
            self._pool = redis.ConnectionPool.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
            self._pool.connection_class = punctual(self._pool.connection_class, redis.RedisError)
            # It opens nothing, and refuses an option that it does not know: each request would have failed by that.
            self._new_connection()
        except (redis.RedisError, TypeError, ValueError):
            # Without the client's own words, which hold a piece of the address: of a password with a slash, even that.
            raise ConfigurationError([_UNREADABLE]) from None
        # The client's own pool looks at each connection before it gives it, which takes as long as the question.
        # By process: two of which one has forked the other would read each other's answers.
        self._idle: defaultdict[int, deque[Any]] = defaultdict(deque)

    def hit(self, key: str, rate: Rate) -> float | None:
        """Count a request. Parameters and result are those of :meth:`.local.LocalCounts.hit`.

        :raises LimiterUnavailable: if Redis does not answer, or refuses.
        """
        wait = self._ask("EVAL", _COUNT, 1, f"{self._name}:{key}", rate.times, rate.within // _MICROSECOND)
        return None if wait is None else float(wait) / 1_000_000

    def answers(self) -> bool:
        """Return whether it counts, by writing something: one that has no room left answers, and takes nothing."""
        try:
            self._ask("SET", f"{self._name}:answers", 1, "EX", 1)
        except LimiterUnavailable:
            return False
        return True

    def _ask(self, *words: str | int) -> Any:
        idle = self._idle[os.getpid()]
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._new_connection()
        try:
            with within(DEADLINE_S):
                answer = _answer(connection, *words)
        except redis.RedisError as error:
            connection.disconnect()
            raise LimiterUnavailable from error
        # None that was interrupted: what it still has to say would be read as the answer to the next question.
        idle.append(connection)
        return answer

    def _new_connection(self) -> Any:
        """Return one that connects once it is asked.

        Not by the pool, which counts what it has made and never what was dropped: with ``max_connections`` in the
        address it would refuse all, after so many.
        """
        return self._pool.connection_class(**self._pool.connection_kwargs)


def _answer(connection: Any, *words: str | int) -> Any:
    try:
        connection.send_command(*words)
        return connection.read_response()
    except redis.ConnectionError:
        # Redis closes connections by restarting: once more at once, over a new one.
        connection.disconnect()
        connection.send_command(*words)
        return connection.read_response()
