"""Whether it is worth trying to write down what no answer depends on, while the database takes no writes.

Without this, each page of everybody would wait for somebody else's lock as long as a change may wait, and the server's
threads with them: a note that could not be written is due again at the next request.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..kernel.errors import DependencyUnavailable

# Seconds for which a request waits for the note of another one, and for which none is tried after one that failed.
TURN_S = 1.0
QUIET_S = 5.0


class Notes:
    """Lets the requests of this process write their notes one at a time.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Until when nothing is tried; None while notes succeed.
        self._quiet_until: float | None = None

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Yield whether to write now; what keeps the block from it is remembered, and raised on.

        :raises DependencyUnavailable: if the block raises it.
        """
        quiet = self._quiet_until
        if quiet is not None and self._clock() < quiet:
            yield False
            return
        # After a failure one request tries, and the others do not wait for it.
        if not self._lock.acquire(timeout=TURN_S if quiet is None else 0):
            yield False
            return
        try:
            yield True
            self._quiet_until = None
        except DependencyUnavailable:
            self._quiet_until = self._clock() + QUIET_S
            raise
        finally:
            self._lock.release()
