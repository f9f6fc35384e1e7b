"""The root of every failure that Gatehouse expects."""


class GatehouseError(Exception):
    """A failure with a name, which carries facts and knows neither HTML nor status codes.

    ``web.errors`` maps each subclass to an answer; a test holds that table complete.
    """


class DependencyUnavailable(GatehouseError):
    """Something outside of this process did not answer; the same request may succeed later.

    :param dependency: its name in the operator's words, e.g. ``"database"``.
    :param retry_after: seconds after which it makes sense to try again.
    """

    def __init__(self, dependency: str, retry_after: int = 5) -> None:
        super().__init__(f"{dependency} is not available")
        self.dependency = dependency
        self.retry_after = retry_after
