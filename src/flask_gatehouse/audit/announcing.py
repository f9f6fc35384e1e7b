"""Telling whoever listens that an event has been recorded, once its transaction has been committed."""

import json
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sqlalchemy.orm import Session, scoped_session

from ..db.committed import when_committed
from ..kernel.identifiers import id_in
from .understanding import values_beside

# Where a session of our own says who listens.
AUDIENCE = "gatehouse_audience"
# The values that every event has of whoever caused it; they are for the trail.
OF_THE_CALLER = frozenset({"ip", "user_agent"})


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event of the trail, as receivers of signals get it.

    :param name: what happened, such as ``user_created`` or a name of the host's own.
    :param id: the event's UUID, by which the log and an export know it.
    :param at: when, in UTC.
    :param outcome: ``success``, ``denied`` or ``failure``.
    :param reason: why it came to that, in one word.
    :param actor_id: the user who did it; None for somebody who is not signed in, for commands and for the worker.
    :param actor_kind: ``user``, ``anonymous``, ``cli`` or ``system``.
    :param session_id: the public id of the session in which she did it.
    :param request_id: the request on whose behalf it happened, as logs name it.
    :param target: what it was done to, as kind and id: ``("user", "7")``.
    :param change: of each field that changed, its value before and after.
    :param details: other facts.
    :param personal: values about the person to whom it was done, such as ``name`` and ``email``; never the network or
        the browser of whoever did it. They are hers: ``repr()`` leaves them out, so that no log has them by accident.
    """

    name: str
    id: str
    at: datetime
    outcome: str
    reason: str | None
    actor_id: int | None
    actor_kind: str
    session_id: str | None
    request_id: str | None
    target: tuple[str, str | None] | None
    change: Mapping[str, Sequence[Any]]
    details: Mapping[str, Any]
    personal: Mapping[str, str] = field(repr=False)

    @property
    def user_id(self) -> int | None:
        """The user to whom it was done; of what was done to something else, the one who did it."""
        kind, identifier = self.target or (None, None)
        return (id_in(identifier) if kind == "user" else None) or self.actor_id


class Audience(Protocol):
    """Whoever is told of one application's events."""

    def listens(self, event: str) -> bool:
        """Return whether anybody wants to be told of events of this name."""
        ...

    def tell(self, event: RecordedEvent) -> None: ...


# Of the application that answers the running request, for sessions that are the host's own.
current_audience: ContextVar[Audience | None] = ContextVar("gatehouse_audience", default=None)


def announce(session: object, row: Mapping[str, Any]) -> None:
    """Tell of an event that was just written, as soon as its transaction has been committed.

    :param session: the one that wrote them; whatever is no SQLAlchemy session has no end that could be waited for.
    :param row: it, as it was written.
    """
    inner = session() if isinstance(session, scoped_session) else session
    if not isinstance(inner, Session):
        return
    audience: Audience | None = inner.info.get(AUDIENCE) or current_audience.get()
    if audience is not None and audience.listens(row["event"]):
        when_committed(inner, partial(audience.tell, _recorded(row)))


def _recorded(row: Mapping[str, Any]) -> RecordedEvent:
    """Return what was written down, and not what was handed in, which its owner may have changed since."""
    body, kind = json.loads(row["body"]), row["target_type"]
    return RecordedEvent(
        name=body["event"],
        id=body["id"],
        at=row["occurred_at"],
        outcome=body["outcome"],
        reason=body["reason"],
        actor_id=row["actor_id"],
        actor_kind=row["actor_kind"],
        session_id=row["session_id"],
        request_id=row["request_id"],
        target=None if kind is None else (kind, row["target_id"]),
        change=body["change"],
        details=body["details"],
        personal={name: value for name, value in values_beside(row["personal"]).items() if name not in OF_THE_CALLER},
    )
