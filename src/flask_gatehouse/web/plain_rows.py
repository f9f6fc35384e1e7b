"""Rows as JSON says them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any


def plain_fields(row: Any) -> dict[str, Any]:
    """Return the fields of a view's row, moments in ISO 8601: Flask would write them as the dates of HTTP headers."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(row).items()}
