"""Counts in this process: exact for one process, and bounded, whoever asks."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from ..settings import Rate

# Callers that are remembered at once. Beyond, whoever has asked longest ago is forgotten: without it, somebody with
# many addresses would fill the memory.
MOST_CALLERS = 20_000


class LocalCounts:
    """Remembers when each caller asked, for as long as it counts.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float], most: int = MOST_CALLERS) -> None:
        self._clock, self._most = clock, most
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def hit(self, key: str, rate: Rate) -> float | None:
        """Count a request, unless there were too many within the time before now.

        :returns: seconds until one more is allowed; None for one that was.
        """
        now, length = self._clock(), rate.within.total_seconds()
        with self._lock:
            asked = self._asked.get(key)
            if asked is None:
                asked = self._asked[key] = deque()
                if len(self._asked) > self._most:
                    self._asked.popitem(last=False)
            self._asked.move_to_end(key)
            while asked and asked[0] <= now - length:
                asked.popleft()
            if len(asked) >= rate.times:
                return asked[0] + length - now
            asked.append(now)
            return None
