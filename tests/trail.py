"""What an event says, as tests ask for it."""

import json
from typing import Any


def said(body: str) -> dict[str, Any]:
    """Return what an event says besides who and to what: details, change and reason in one."""
    content = json.loads(body)
    reason = {} if content["reason"] is None else {"reason": content["reason"]}
    changed = {"changed": content["change"]} if content["change"] else {}
    details: dict[str, Any] = content["details"]
    return details | changed | reason


def told(personal: str | None) -> dict[str, str]:
    """Return the personal values of an event that are still there."""
    return {field: entry["value"] for field, entry in json.loads(personal or "{}").items()}
