"""When a call to a provider is over, whatever it waits for."""

import time


class Deadline:
    """The end of one call.

    :param seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def has_passed(self) -> bool:
        return time.monotonic() >= self._ends

    def left(self, at_most: float) -> float:
        """Return for how many seconds something may be waited for.

        :raises TimeoutError: if there is no time left.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, at_most)
