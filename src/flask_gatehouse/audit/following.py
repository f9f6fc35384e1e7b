"""The trail in the order of its tree, for whoever tells others about it: nothing is missed and nothing comes twice."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from ..kernel.identifiers import id_in
from .models import NEWEST_TREE, AuditEventRow, AuditLeaf, AuditTree
from .understanding import understood, values_beside


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the trail: the epoch of a tree, and a position in it."""

    epoch: int
    position: int


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event with its place.

    :param body: what its text says, parsed.
    :param personal: the personal values that have not been erased.
    """

    place: Place
    event: str
    occurred_at: datetime
    body: dict[str, Any]
    personal: dict[str, str]


def target_number(event: SealedEvent, kind: str) -> int | None:
    """Return the number of the thing that an event is about; None if it is of another kind, or has none."""
    target = event.body["target"]
    return None if target is None or target["type"] != kind else id_in(target["id"])


def end_of_trail(connection: Connection) -> Place:
    """Return the place that the next event gets."""
    row = connection.execute(NEWEST_TREE.with_only_columns(AuditTree.epoch, AuditTree.size)).first()
    return Place(1, 0) if row is None else Place(row.epoch, row.size)


def oldest_from(connection: Connection, place: Place) -> datetime | None:
    """Return when the event at a place happened, or the first one after it; None if there is none yet."""
    return connection.execute(
        select(AuditEventRow.occurred_at)
        .join(AuditLeaf, AuditLeaf.event_id == AuditEventRow.id)
        .where(AuditLeaf.epoch == place.epoch, AuditLeaf.position >= place.position)
        .order_by(AuditLeaf.position)
        .limit(1)
    ).scalar()


def events_from(
    connection: Connection, place: Place, kinds: Collection[str], *, limit: int = 500
) -> tuple[Sequence[SealedEvent], Place]:
    """Return the events of these kinds from a place on, and the place from which to go on.

    A row that is no event is passed over: whoever waits for it would be told of nothing that comes after it.

    :param limit: of how many events of any kind to look at, so that a look costs the same whatever they are.
    """
    tree = connection.execute(select(AuditTree.size).where(AuditTree.epoch == place.epoch)).first()
    if tree is None:
        return [], place
    end = min(tree.size, place.position + limit)
    if end == place.position:
        # Not the next number: between the two there may be epochs that a restore has left behind.
        follower = connection.execute(
            select(AuditTree.epoch).where(AuditTree.epoch > place.epoch).order_by(AuditTree.epoch).limit(1)
        ).first()
        return [], place if follower is None else Place(follower.epoch, 0)
    rows = connection.execute(
        select(
            AuditLeaf.position,
            AuditEventRow.event,
            AuditEventRow.occurred_at,
            AuditEventRow.body,
            AuditEventRow.personal,
        )
        .join(AuditEventRow, AuditEventRow.id == AuditLeaf.event_id)
        .where(
            AuditLeaf.epoch == place.epoch,
            AuditLeaf.position >= place.position,
            AuditLeaf.position < end,
            AuditEventRow.event.in_([str(kind) for kind in kinds]),
        )
        .order_by(AuditLeaf.position)
    )
    found = [
        SealedEvent(Place(place.epoch, row.position), row.event, row.occurred_at, body, values_beside(row.personal))
        for row in rows
        if (body := understood(row.body)) is not None and body["event"] == row.event
    ]
    return found, Place(place.epoch, end)
