"""What the body of an event says, as far as it is one."""

import json
from typing import Any

from .body import VERSION

_KEYS = [
    *("actor", "at", "change", "details", "event", "id", "node"),
    *("outcome", "personal", "reason", "request", "session", "target", "v"),
]
# For what was JSON a moment ago, which holds itself nowhere.
as_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False).encode


class Disagreement(Exception):
    """A row does not say what its body says."""


class UnknownVersion(Exception):
    """A body is of a version that another release writes."""


def content_of(text: str) -> dict[str, Any]:
    """Return what a body says.

    :raises Disagreement: if it is not the canonical text of an event.
    :raises UnknownVersion: if it is of another version.
    """
    try:
        content = json.loads(text)
        is_canonical = as_written(content) == text
    except (TypeError, ValueError, RecursionError):
        raise Disagreement("its body is not JSON") from None
    if not isinstance(content, dict) or "v" not in content:
        raise Disagreement("its body is not an event")
    if type(content["v"]) is not int or content["v"] != VERSION:
        raise UnknownVersion(f"its body is of version {content['v']!r}, and this release knows {VERSION}")
    if list(content) != _KEYS or not is_canonical:
        raise Disagreement("its body is not in canonical form")
    return content
