"""Writing one event."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import insert

from ..kernel.clock import utc_now
from ..kernel.context import Actor, acting, current_session
from .events import outcome_of
from .models import AuditEventRow

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
    :raises RuntimeError: if no session was given and the application has none to offer.
    """
    if session is None:
        find = current_session.get()
        if find is None:
            raise RuntimeError("audit.record() needs session=: the SQLAlchemy session of the change that it records.")
        session = find()
    who = actor or acting()
    kind, identifier = resource or (None, None)
    session.execute(
        _INSERT,
        {
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
        },
    )
