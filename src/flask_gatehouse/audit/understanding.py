"""Reading a row of the trail that may have been written past us. Pure.

Whoever may add events may add a row that is none. Verification tells of it; until somebody has looked, nobody who reads
the trail may stop at it: one such row would keep every alert from being told, the log from being shown, and a person
from being erased.
"""

import json
from collections.abc import Mapping
from typing import Any

from .content import Disagreement, UnknownVersion, content_of
from .events import AuditEvent, Outcome

# Made once: a page asks this of fifty events.
_OUTCOMES, _OURS = frozenset(Outcome), frozenset(AuditEvent)
_OPTIONAL = (str, type(None))
_SHAPE: Mapping[str, tuple[type, ...]] = {
    "actor": (dict,),
    "at": (str,),
    "change": (dict,),
    "details": (dict,),
    "event": (str,),
    "id": (str,),
    "node": _OPTIONAL,
    "outcome": (str,),
    "personal": (dict,),
    "reason": _OPTIONAL,
    "request": _OPTIONAL,
    "session": _OPTIONAL,
    "target": (dict, type(None)),
}


def understood(body: object) -> dict[str, Any] | None:
    """Return what the body of an event says; None where it is not that of an event of this release."""
    try:
        # What SQLite holds that is no text arrives as one that cannot be encoded.
        content = content_of(body) if isinstance(body, str) and body.encode() else None
    except (Disagreement, UnknownVersion, UnicodeEncodeError):
        return None
    return content if content and _is_event(content) else None


def values_beside(personal: object) -> dict[str, str]:
    """Return the personal values of an event by their names; nothing where the column holds something else."""
    return {field: entry["value"] for field, entry in kept_values(personal).items()}


def kept_values(personal: object) -> dict[str, dict[str, str]]:
    """Return the personal values of an event with their salts; nothing where the column holds something else."""
    kept = _object(personal or "{}")
    return kept if all(is_text(field) and _is_value(entry) for field, entry in kept.items()) else {}


def owners_of(body: object) -> dict[str, str | None]:
    """Return to whom each personal value belongs that a body commits to; nothing where it commits to none."""
    committed = _object(body).get("personal")
    entries = committed.items() if isinstance(committed, dict) else ()
    return {field: entry["of"] for field, entry in entries if isinstance(entry, dict) and "of" in entry}


def is_text(value: object) -> bool:
    """Return whether this is a text that both databases can hold, and a page can show."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair.
        return False
    return True


def _object(text: object) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_value(entry: object) -> bool:
    return isinstance(entry, dict) and entry.keys() == {"salt", "value"} and all(map(is_text, entry.values()))


def _is_event(content: Mapping[str, Any]) -> bool:
    for name, types in _SHAPE.items():
        if type(content[name]) not in types:
            return False
    if content["outcome"] not in _OUTCOMES or not _is_actor(content["actor"]) or not _is_target(content["target"]):
        return False
    if not all(map(_is_commitment, content["personal"].values())):
        return False
    # Ours are read as pairs. A host may have written down something else as long as that was not refused.
    is_ours = content["event"] in _OURS
    return all(type(pair) is list and (len(pair) == 2 or not is_ours) for pair in content["change"].values())


def _is_commitment(entry: object) -> bool:
    return isinstance(entry, dict) and "commitment" in entry and type(entry.get("of", 0)) in _OPTIONAL


def _is_actor(actor: Mapping[str, Any]) -> bool:
    return actor.keys() == {"id", "kind"} and type(actor["id"]) in {int, type(None)} and is_text(actor["kind"])


def _is_target(target: Mapping[str, Any] | None) -> bool:
    if target is None:
        return True
    if target.keys() != {"id", "type"} or not is_text(target["type"]):
        return False
    return target["id"] is None or is_text(target["id"])
