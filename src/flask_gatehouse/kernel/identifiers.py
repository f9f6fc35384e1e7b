"""Identifiers that sort by time."""

import secrets
from datetime import datetime


def uuid7(moment: datetime) -> str:
    """Return a new UUID whose first 48 bits are a moment in milliseconds (RFC 9562 section 5.7)."""
    milliseconds = int(moment.timestamp() * 1000)
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
