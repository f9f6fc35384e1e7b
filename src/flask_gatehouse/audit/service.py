"""Writing events: one INSERT in the transaction of whoever calls."""

import platform
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from ..kernel.clock import utc_now
from ..kernel.context import Actor, acting, current_session
from ..kernel.identifiers import uuid7
from .announcing import OF_THE_CALLER, announce
from .body import VERSION, Personal, canonical, seal_personal
from .events import EVENT_LENGTH, IDENTIFIER_LENGTH, KIND_LENGTH, Outcome, outcome_of
from .models import AuditEventRow

# Of the table, which costs half as much as of the class, and without asking for the number that the event was given.
_INSERT = insert(cast("Table", AuditEventRow.__table__)).inline()
# Where a session keeps what ``together`` writes at the end of its block.
_TOGETHER = "gatehouse_events_together"
NODE = platform.node()[:64]

Target = tuple[str, object]


class Executes(Protocol):
    """A SQLAlchemy ``Session``, or a host's ``scoped_session`` around one."""

    def execute(self, statement: Any, params: Any = ..., /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to say of one event.

    :param target: what it was done to, as kind and id.
    :param details: facts that JSON can hold; nothing personal, and never a secret, a token or a whole request.
    :param change: of each field that changed, its value before and after; nothing personal.
    :param personal: values about a person, which can be erased: of the target, unless they say of whom.
    :param reason: why it came to that, in one word.
    """

    target: Target | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    personal: Mapping[str, str | Personal] = field(default_factory=dict)
    reason: str | None = None


def record(
    event: str,
    *,
    resource: Target | None = None,
    details: Mapping[str, Any] | None = None,
    session: Executes | None = None,
    actor: Actor | None = None,
    change: Mapping[str, Sequence[Any]] | None = None,
    personal: Mapping[str, str | Personal] | None = None,
    reason: str | None = None,
    outcome: Outcome | None = None,
) -> None:
    """Record that something happened, in the caller's transaction: both commit, or neither does.

    :param event: a name such as ``article.published``; ours are :class:`AuditEvent`.
    :param resource: what it was done to, as kind and id: ``("article", 7)``.
    :param details: facts that JSON can hold, for good; never a secret, a token, a whole request or a personal value.
    :param session: the SQLAlchemy session of the change; the host's own by default.
    :param actor: who did it; the person of the running request by default.
    :param change: what has changed, as ``{"status": ("draft", "published")}``.
    :param personal: values about a person, such as a name: they are kept apart and go with her erasure. They belong
        to the resource; a :class:`~flask_gatehouse.audit.Personal` says that they are the actor's, or nobody's.
    :param reason: why, in one word, as for a refusal.
    :param outcome: how it ended; by its name, or as something that was done.
    :raises ValueError: for a name or an id that is too long, details that JSON cannot hold, a change that is no pair,
        a value of somebody else, which an erasure would not find, or one called ``ip`` or ``user_agent``: those are
        the actor's own, and recorded by themselves.
    :raises RuntimeError: if no session was given and the application has none to offer.
    """
    if session is None:
        find = current_session.get()
        if find is None:
            raise RuntimeError("audit.record() needs session=: the SQLAlchemy session of the change that it records.")
        session = find()
    facts = Facts(resource, details or {}, change or {}, personal or {}, reason)
    _write(session, [_row(event, facts, actor or acting(), outcome or outcome_of(event))])


def record_each(event: str, happenings: Sequence[Facts], *, session: Executes, actor: Actor | None = None) -> None:
    """Record that the same thing happened to many, one event for each, in the caller's transaction.

    :param happenings: what there is to say of each; without any, nothing is recorded.
    :param actor: who did it; the person of the running request by default.
    :raises ValueError: as :func:`record` does; none of them is recorded then.
    """
    who, outcome = actor or acting(), outcome_of(event)
    if happenings:
        _write(session, [_row(event, facts, who, outcome) for facts in happenings])


@contextmanager
def together(session: Session) -> Iterator[None]:
    """Write all that is recorded in a block by one statement at its end, in the order in which it was recorded.

    A sign-in alone needs it, in which functions of three rooms record what is theirs, and are called without it
    elsewhere. Each would otherwise have to hand on what it has to tell, through all that stand between, or to write a
    statement of its own, which every sign-in waits for.

    If the block raises, nothing of it is written. What is recorded in a SAVEPOINT is written there and then, so that it
    goes with it; what was recorded before keeps waiting, or it would go too.

    :raises RuntimeError: inside of another such block of the same session.
    """
    if _TOGETHER in session.info:
        raise RuntimeError("What this session records is kept together already: leave that block before the next one.")
    kept: list[dict[str, Any]] = []
    session.info[_TOGETHER] = kept
    try:
        yield
    finally:
        del session.info[_TOGETHER]
    if kept:
        _write(session, kept)


def _write(session: Executes, rows: list[dict[str, Any]]) -> None:
    if isinstance(session, Session) and _TOGETHER in session.info and not session.in_nested_transaction():
        session.info[_TOGETHER].extend(rows)
        return
    session.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    for row in rows:
        announce(session, row)


def _row(event: str, facts: Facts, who: Actor, outcome: Outcome) -> dict[str, Any]:
    kind, identifier = facts.target or (None, None)
    identifier = None if identifier is None else str(identifier)
    # Refused here on every database: PostgreSQL would refuse it too, and take the caller's transaction along.
    for text, limit in ((event, EVENT_LENGTH), (kind, KIND_LENGTH), (identifier, IDENTIFIER_LENGTH)):
        if text is not None and (len(text) > limit or "\0" in text):
            raise ValueError(f"audit.record() takes at most {limit} characters there, and no NUL: {text[:40]!r}…")
    for name, pair in facts.change.items():
        if isinstance(pair, str) or len(pair) != 2:
            raise ValueError(f"audit.record() takes the value before and the value after as the change of {name!r}")
    now = utc_now()
    committed, kept = seal_personal(_personal_of(facts, who, outcome), secrets.token_bytes)
    body = {
        "actor": {"id": who.user_id, "kind": who.kind},
        "at": f"{now.isoformat(timespec='microseconds')[:26]}Z",
        "change": {name: list(pair) for name, pair in facts.change.items()},
        "details": facts.details,
        "event": str(event),
        "id": uuid7(now),
        "node": NODE,
        "outcome": str(outcome),
        "personal": committed,
        "reason": facts.reason,
        "request": who.request_id,
        "session": who.session_id,
        "target": None if kind is None else {"id": identifier, "type": kind},
        "v": VERSION,
    }
    return {
        "occurred_at": now,
        "event": str(event),
        "outcome": outcome,
        "actor_kind": who.kind,
        "actor_id": who.user_id,
        "session_id": who.session_id,
        "target_type": kind,
        "target_id": identifier,
        "request_id": who.request_id,
        "ip": who.ip,
        "body": canonical(body),
        "personal": canonical(kept) if kept else None,
    }


def _personal_of(facts: Facts, who: Actor, outcome: Outcome) -> dict[str, Personal]:
    """Return whose values they are: the actor's own network and browser, and what was given about the target."""
    if taken := OF_THE_CALLER & facts.personal.keys():
        raise ValueError(f"audit.record() records {min(taken)} of the actor by itself: name another's otherwise")
    theirs = None if facts.target is None else f"{facts.target[0]}:{facts.target[1]}"
    values = {
        name: value if isinstance(value, Personal) else Personal(value, theirs)
        for name, value in facts.personal.items()
    }
    for name, entry in values.items():
        # Erasing looks where somebody did something, and where something was done to her.
        if entry.of not in {None, theirs, f"user:{who.user_id}"}:
            raise ValueError(f"audit.record() takes values of the actor and of the resource, and not of {entry.of}")
        # PostgreSQL cannot look into JSON with one, as its guard does when the value is erased.
        if "\0" in name or "\0" in entry.value:
            raise ValueError("audit.record() takes no NUL in a personal value or its name")
    # Somebody unknown who succeeds signs up or asks to join: the row that comes of it is hers. One who fails may be
    # anybody, and her network is not the target's.
    mine = f"user:{who.user_id}" if who.user_id is not None else theirs if outcome is Outcome.SUCCESS else None
    for name, value in (("ip", who.ip), ("user_agent", who.user_agent)):
        if value is not None:
            values[name] = Personal(value, mine)
    return values
