"""The process's clock, always aware and always UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time of this machine.

    For stamps only. What decides whether a session lives uses the database's clock, which all nodes share.
    """
    return datetime.now(UTC)
