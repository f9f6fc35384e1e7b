"""Identifiers that sort by time, and numbers of rows."""

import secrets
from datetime import datetime

from .text import is_number

# The largest id that a column of our tables holds; a driver fails on anything larger.
LARGEST_ID = 2**31 - 1


def id_in(text: str | None) -> int | None:
    """Return the number of a row of ours that a text says; None where no row can have it.

    Whoever may add events names in them what she likes, and ``int`` raises an error for thousands of digits.
    """
    number = int(text) if text and is_number(text) else 0
    return number if 0 < number <= LARGEST_ID else None


def uuid7(moment: datetime) -> str:
    """Return a new UUID whose first 48 bits are a moment in milliseconds (RFC 9562 section 5.7)."""
    milliseconds = int(moment.timestamp() * 1000)
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
