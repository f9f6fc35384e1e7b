"""The process's clock, always aware and always UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time of this machine.

    For stamps, and for what other people's clocks are held against: ID tokens, confirmations, outages. What
    decides whether a session lives uses the database's clock, which all nodes share.
    """
    return datetime.now(UTC)
