"""Reading the trail back: what happened last, to one thing or to any."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from .models import AuditEventRow
from .understanding import understood


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One event of the past.

    :param actor_id: who did it, None for commands and for the system; ``actor_kind`` says which.
    :param change: of each field that changed, its value before and after.
    """

    occurred_at: datetime
    event: str
    actor_kind: str
    actor_id: int | None
    change: dict[str, list[Any]]


_PAST = tuple(getattr(AuditEventRow, name) for name in ("occurred_at", "event", "actor_kind", "actor_id", "body"))


def latest_event(
    connection: Connection, events: Collection[str], resource: tuple[str, object] | None = None
) -> PastEvent | None:
    """Return what happened last of these names, or None if nothing did.

    :param resource: to what alone, as kind and id.
    """
    newest = select(*_PAST).where(AuditEventRow.event.in_([str(event) for event in events]))
    if resource is not None:
        kind, identifier = resource
        newest = newest.where(AuditEventRow.target_type == kind, AuditEventRow.target_id == str(identifier))
    row = connection.execute(newest.order_by(AuditEventRow.id.desc()).limit(1)).first()
    return None if row is None else _past(row)


def latest_moments(connection: Connection, event: str, limit: int, *, of_nothing: bool = False) -> Sequence[datetime]:
    """Return when something of this name happened last, the newest first.

    :param of_nothing: whether only events count that were done to nothing, as a reading of the trail itself.
    """
    newest = select(AuditEventRow.occurred_at).where(AuditEventRow.event == event)
    if of_nothing:
        newest = newest.where(AuditEventRow.target_type.is_(None))
    return connection.scalars(newest.order_by(AuditEventRow.id.desc()).limit(limit)).all()


def _past(row: Row[Any]) -> PastEvent:
    content = understood(row.body)
    change = content["change"] if content is not None and content["event"] == row.event else {}
    return PastEvent(row.occurred_at, row.event, row.actor_kind, row.actor_id, change)
