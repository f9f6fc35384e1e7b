"""Reading the trail back: what happened to one thing, and when something last happened."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from .models import AuditEventRow


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One event of a thing's history.

    :param actor_id: who did it, None for commands and for the system; ``actor_kind`` says which.
    :param change: of each field that changed, its value before and after.
    """

    occurred_at: datetime
    event: str
    actor_kind: str
    actor_id: int | None
    change: dict[str, list[Any]]


def events_of(
    connection: Connection, resource: tuple[str, object], events: Collection[str], *, limit: int = 100
) -> Sequence[PastEvent]:
    """Return what happened to one thing, the newest first.

    :param resource: kind and id, as for ``record``.
    :param events: the names of the events that matter.
    """
    kind, identifier = resource
    rows = connection.execute(
        select(
            AuditEventRow.occurred_at,
            AuditEventRow.event,
            AuditEventRow.actor_kind,
            AuditEventRow.actor_id,
            AuditEventRow.body,
        )
        .where(
            AuditEventRow.target_type == kind,
            AuditEventRow.target_id == str(identifier),
            AuditEventRow.event.in_([str(event) for event in events]),
        )
        .order_by(AuditEventRow.id.desc())
        .limit(limit)
    )
    return [
        PastEvent(row.occurred_at, row.event, row.actor_kind, row.actor_id, json.loads(row.body)["change"])
        for row in rows
    ]


def latest_moments(connection: Connection, event: str, limit: int) -> Sequence[datetime]:
    """Return when something of this name happened last, the newest first."""
    newest = select(AuditEventRow.occurred_at).where(AuditEventRow.event == event)
    return connection.scalars(newest.order_by(AuditEventRow.id.desc()).limit(limit)).all()
