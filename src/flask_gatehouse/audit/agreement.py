"""Whether the row of an event says what its body says, and its personal values are those that were committed to.

Millions of rows are compared, so that there are two ways to the same answer: patterns for rows whose columns have
nothing to escape, which are nearly all, and a parser for every other row, which also says what is wrong.
"""

import hashlib
import json
import re
from binascii import unhexlify
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .body import COMMITMENT_PREFIX, VERSION, commitment
from .content import Disagreement, as_written, content_of

Absent = Sequence[str | None]


class Row(NamedTuple):
    """A leaf and its event as the database gives them; every value of the event is None if the event is gone.

    The columns that repeat the body stand in the order in which the body has them. ``at`` is without its ``Z``.
    """

    position: int
    event_id: int
    hash: bytes
    actor_id: str | None
    actor_kind: str
    at: str
    event: str
    outcome: str
    request_id: str | None
    session_id: str | None
    target_id: str | None
    target_type: str | None
    ip: str | None
    personal: str | None
    body: str | None


# What is 64 characters long is compared with hashes, and need not be looked at one by one for that. Where people do not
# write, only ASCII is expected, which is quicker to look for than what a text may not hold; the rest is for the parser.
_PLAIN = r"[ !#-\[\]-~]*+"
# Most objects hold no other, and end with the first brace. Where one ends is not proven by this, but by reading it.
_OBJECT = r"(\{[^}]*+\}|\{.+?\})"
_TEXT = f'"({_PLAIN})"'
_SOME = r'(?:null|"[^"\\\x00-\x1f]*+")'
_TEXT_OR_NULL = f"(?:null|{_TEXT})"
# With its quotes, and compared with what has nothing to escape: what it holds need not be looked at.
_COLUMN = '("[^"]*+")'
_COLUMN_OR_NULL = '(null|"[^"]*+")'
_UUID7 = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def _committed(field: str) -> str:
    return rf'"{field}":\{{"commitment":"(.{{64}})","of":{_TEXT_OR_NULL}\}}'


def _kept(field: str) -> str:
    return rf'"{field}":\{{"salt":"(.{{64}})","value":{_TEXT}\}}'


# Whatever matches is one JSON text with these keys, in this order and once each, if change and details are objects.
_BODY = re.compile(
    rf'\{{"actor":\{{"id":(null|[0-9]+),"kind":{_COLUMN}\}},"at":("[^"]{{10}})T([^"]{{15}})Z",'
    rf'"change":{_OBJECT},"details":{_OBJECT},"event":{_COLUMN},"id":"{_UUID7}",'
    rf'"node":{_SOME},"outcome":{_COLUMN},'
    rf'"personal":\{{(?:{_committed("ip")}(?:,{_committed("user_agent")})?)?\}},"reason":{_SOME},'
    rf'"request":{_COLUMN_OR_NULL},"session":{_COLUMN_OR_NULL},'
    rf'"target":(?:null|\{{"id":{_COLUMN_OR_NULL},"type":{_COLUMN}\}}),"v":{VERSION}\}}',
    re.DOTALL,
).fullmatch
_KEPT = re.compile(rf"\{{{_kept('ip')}(?:,{_kept('user_agent')})?\}}", re.DOTALL).fullmatch
_DIGEST = re.compile("[0-9a-f]{64}").fullmatch
# A copy of what has taken in its beginning costs less than a new one, and here are two for each row.
_new_commitment = hashlib.sha256(COMMITMENT_PREFIX).copy
_NOBODY: Absent = ()


def absent_subjects(columns: str | None, ip: str | None, personal: str | None, body: str) -> Absent | None:
    """Compare a row, whose body is known to be the one that was sealed, with that body.

    :param columns: those that repeat the body, as a JSON array in the order of :class:`Row`, the moment with a blank in
        its middle; None if it cannot be made.
    :returns: of each personal value that is gone, to whom it belonged; None where only ``read_closely`` can tell.
    """
    match = _BODY(body)
    # A text of several that begin and end with quotes could be that of others, if what they hold were escaped.
    if match is None or columns is None or "\\" in columns:
        return None
    (actor_id, kind, day, time, change, details, event, outcome, ip_digest, ip_of, agent_digest, agent_of,
     request, session, target_id, target_type) = match.groups()  # fmt: skip
    target = f"{target_id},{target_type}" if target_type else "null,null"
    if (
        columns != f'[{actor_id},{kind},{day} {time}",{event},{outcome},{request},{session},{target}]'
        or not _is_written_once(change)
        or not _is_written_once(details)
    ):
        return None
    if personal is None and ip is None:
        if not (_is_digest(ip_digest) and _is_digest(agent_digest)):
            return None
        return _NOBODY if ip_digest is None else (ip_of,) if agent_digest is None else (ip_of, agent_of)
    kept = _KEPT(personal or "")
    if kept is None:
        return None
    ip_salt, ip_value, agent_salt, agent_value = kept.groups()
    if ip_value != ip or _committed_to(ip_salt, b"ip\0", ip_value) != ip_digest:
        return None
    if agent_salt is None and _is_digest(agent_digest):
        return _NOBODY if agent_digest is None else (agent_of,)
    if agent_salt is None or _committed_to(agent_salt, b"user_agent\0", agent_value) != agent_digest:
        return None
    return _NOBODY


def _committed_to(salt: str, field: bytes, value: str) -> str | None:
    """Return what :func:`~flask_gatehouse.audit.body.commitment` does; None for a salt that is not as it is written."""
    try:
        octets = unhexlify(salt)
    except ValueError:
        return None
    if octets.hex() != salt:
        return None
    digest = _new_commitment()
    digest.update(octets + field + value.encode())
    return digest.hexdigest()


def _is_digest(text: str | None) -> bool:
    """Return whether a commitment of which nothing is left to compute it from is one by its form, or is none."""
    return text is None or _DIGEST(text) is not None


# Most events of a kind say the same there.
@lru_cache(maxsize=4096)
def _is_written_once(text: str) -> bool:
    """Return whether a text is one JSON object, in the one way in which it can be written, each name being there once.

    The order of names is not looked at: it stands in what was sealed, and says nothing.
    """
    try:
        return bool(as_written(json.loads(text)) == text)
    except (ValueError, RecursionError):
        return False


def read_closely(row: Row) -> Absent:
    """Compare a row with its body as :func:`absent_subjects` does, however it is written, and say what is wrong.

    :raises Disagreement: if the row or its personal values are not what the body says.
    :raises UnknownVersion: if the body is of another version.
    """
    content = content_of(row.body or "")
    try:
        committed = _check_shape(content)
        said = _as_columns(content)
    except (KeyError, TypeError, ValueError):
        raise Disagreement("its body is not in the form of an event") from None
    for column, value in said.items():
        if getattr(row, column) != value:
            raise Disagreement(f"the column {column} is not what the body says")
    return _check_personal(row, committed)


def _check_shape(content: dict[str, Any]) -> dict[str, Any]:
    """Return the commitments, or raise a KeyError, TypeError or ValueError for what no event says."""
    committed: dict[str, Any] = content["personal"]
    parts = [content["actor"], content["change"], content["details"], committed, content["target"] or {}]
    texts = [content[key] for key in ("node", "reason", "request", "session")]
    if any(type(part) is not dict for part in parts) or any(type(text) not in {str, type(None)} for text in texts):
        raise TypeError
    if list(content["actor"]) != ["id", "kind"] or list(content["target"] or ("id", "type")) != ["id", "type"]:
        raise ValueError
    if not re.fullmatch(_UUID7, content["id"]):
        raise ValueError
    for entry in committed.values():
        if list(entry) != ["commitment", "of"]:
            raise ValueError
    return committed


def _as_columns(content: dict[str, Any]) -> dict[str, str | None]:
    actor, target = content["actor"], content["target"] or {"id": None, "type": None}
    if type(actor["id"]) not in {int, type(None)} or not content["at"].endswith("Z"):
        raise ValueError
    return {
        "actor_id": None if actor["id"] is None else str(actor["id"]),
        "actor_kind": actor["kind"],
        "at": content["at"][:-1],
        "event": content["event"],
        "outcome": content["outcome"],
        "request_id": content["request"],
        "session_id": content["session"],
        "target_id": target["id"],
        "target_type": target["type"],
    }


def _check_personal(row: Row, committed: dict[str, Any]) -> Absent:
    kept = _kept_values(row.personal)
    for field, (salt, value) in kept.items():
        if field not in committed or commitment(salt, field, value) != committed[field]["commitment"]:
            raise Disagreement(f"the personal value {field} is not the one that the body commits to")
    if row.ip != kept.get("ip", (b"", None))[1]:
        raise Disagreement("the column ip is not the personal value ip")
    return [entry["of"] for field, entry in committed.items() if field not in kept]


def _kept_values(personal: str | None) -> dict[str, tuple[bytes, str]]:
    """Return salt and value of each personal value that is there."""
    if personal is None:
        return {}
    try:
        entries: dict[str, dict[str, str]] = json.loads(personal)
        kept = {field: (bytes.fromhex(one["salt"]), one["value"]) for field, one in sorted(entries.items())}
        again = {field: {"salt": salt.hex(), "value": value} for field, (salt, value) in kept.items()}
        is_canonical = bool(kept) and as_written(again) == personal
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        is_canonical, kept = False, {}
    if not is_canonical:
        raise Disagreement("its personal values are not in canonical form")
    return kept
