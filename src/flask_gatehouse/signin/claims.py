"""Claims about a person, taken only if they are what they should be: text of a bearable length."""

from typing import Any

from ..kernel.text import plain

# Characters; what the tables hold.
TEXT_LENGTH = 255


def line(value: Any) -> str | None:
    """Return a name as one line of at most 255 characters, cleaned; None if nothing remains."""
    return (plain(value, TEXT_LENGTH) or None) if isinstance(value, str) else None


def short_text(value: Any) -> str | None:
    """Return a text exactly as stated; None if it would have to be altered to be kept."""
    return value if isinstance(value, str) and value == plain(value, TEXT_LENGTH) and value else None


def hosted_domain(value: Any) -> str | None:
    """Return Google's ``hd`` claim if it can be a domain."""
    return short_text(value) if isinstance(value, str) and value.isascii() and "." in value else None
