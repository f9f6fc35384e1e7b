"""Writing events."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import insert

from ..kernel.clock import utc_now
from ..kernel.context import Actor, acting, current_session
from .events import outcome_of
from .models import EVENT_LENGTH, IDENTIFIER_LENGTH, KIND_LENGTH, AuditEventRow

_INSERT = insert(AuditEventRow)


class Executes(Protocol):
    """A SQLAlchemy ``Session``, or a host's ``scoped_session`` around one."""

    def execute(self, statement: Any, params: Any = ..., /) -> Any: ...


def record(
    event: str,
    *,
    resource: tuple[str, object] | None = None,
    details: Mapping[str, Any] | None = None,
    session: Executes | None = None,
    actor: Actor | None = None,
) -> None:
    """Record that something happened, in the caller's transaction: both commit, or neither does.

    :param event: a name such as ``article.published``; ours are :class:`AuditEvent`.
    :param resource: what it was done to, as kind and id: ``("article", 7)``.
    :param details: facts that JSON can hold; never a secret, a token or a whole request.
    :param session: the SQLAlchemy session of the change; the host's own by default.
    :param actor: who did it; the person of the running request by default.
    :raises ValueError: for a name or an id that is too long, or details that JSON cannot hold.
    :raises RuntimeError: if no session was given and the application has none to offer.
    """
    if session is None:
        find = current_session.get()
        if find is None:
            raise RuntimeError("audit.record() needs session=: the SQLAlchemy session of the change that it records.")
        session = find()
    session.execute(_INSERT, _row(event, resource, details, actor or acting()))


def record_each(
    event: str,
    changes: Sequence[tuple[tuple[str, object], Mapping[str, Any]]],
    *,
    session: Executes,
    actor: Actor | None = None,
) -> None:
    """Record that the same thing happened to many, one event for each, in the caller's transaction.

    :param changes: of each what it was done to and the details, as for :func:`record`.
    """
    who = actor or acting()
    if changes:
        session.execute(_INSERT, [_row(event, resource, details, who) for resource, details in changes])


def _row(
    event: str, resource: tuple[str, object] | None, details: Mapping[str, Any] | None, who: Actor
) -> dict[str, object]:
    kind, identifier = resource or (None, None)
    # Refused here on every database: PostgreSQL would refuse it too, and take the caller's transaction along.
    for text, limit in ((event, EVENT_LENGTH), (kind, KIND_LENGTH), (identifier, IDENTIFIER_LENGTH)):
        if text is not None and (len(str(text)) > limit or "\0" in str(text)):
            raise ValueError(f"audit.record() takes at most {limit} characters there, and no NUL: {str(text)[:40]!r}…")
    return {
        "occurred_at": utc_now(),
        "event": str(event),
        "outcome": outcome_of(event),
        "actor_kind": who.kind,
        "actor_id": who.user_id,
        "session_id": who.session_id,
        "resource_type": kind,
        "resource_id": None if identifier is None else str(identifier),
        "ip": who.ip,
        "user_agent": who.user_agent,
        "details": json.dumps(
            details or {}, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ),
    }
