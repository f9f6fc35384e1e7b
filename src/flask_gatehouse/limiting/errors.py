"""Why somebody has to wait."""

from ..kernel.errors import DependencyUnavailable, GatehouseError


class TooManyRequests(GatehouseError):
    """Somebody has asked more often than is allowed.

    :param retry_after: whole seconds until one more is allowed.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests, one more is allowed in {retry_after} seconds")
        self.retry_after = retry_after


class LimiterUnavailable(DependencyUnavailable):
    """The counts that all nodes share cannot be had, and what was asked for is not done without them."""

    def __init__(self) -> None:
        super().__init__("the rate limiter (Redis)")
