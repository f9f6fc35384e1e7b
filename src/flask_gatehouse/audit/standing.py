"""How the trail stands: what is sealed, what a verification said last, and what has been signed. For pages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from .events import AuditEvent
from .models import NEWEST_TREE, AuditCheckpoint, AuditEventRow, AuditTree
from .reading import TrailEvent, events_of_numbers
from .sealing import UNSEALED

# Nobody needs to know how many more than that wait.
COUNTED = 1000

_events = AuditEventRow.__table__.c


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest checkpoint.

    :param size: how many events it is of.
    :param left_at: when it left the database; None while it has not.
    """

    epoch: int
    size: int
    created_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the newest tree stands.

    :param sealed: how many events have a place in it.
    :param waiting: how many have none yet, of which no more than ``COUNTED`` are counted.
    :param waiting_since: when the first of those happened.
    :param verification: the newest event of a verification, whichever way it ended.
    """

    epoch: int
    sealed: int
    waiting: int
    waiting_since: datetime | None
    verification: TrailEvent | None
    signed: Signed | None


def find_standing(connection: Connection) -> Standing:
    """Return how the trail stands, with a few looks into indexes and none at the events themselves."""
    newest = NEWEST_TREE.with_only_columns(AuditTree.epoch, AuditTree.size, AuditTree.watermark)
    tree = connection.execute(newest).first()
    epoch, sealed, watermark = (0, 0, 0) if tree is None else tree
    above, waiting = {"watermark": watermark}, UNSEALED.with_only_columns(_events.occurred_at)
    count = connection.execute(select(func.count()).select_from(waiting.limit(COUNTED).subquery()), above).scalar_one()
    since = connection.execute(waiting.limit(1), above).scalar() if count else None
    return Standing(
        epoch,
        sealed,
        count,
        since,
        _verification(connection),
        _signed(connection),
    )


def _verification(connection: Connection) -> TrailEvent | None:
    numbers = [
        connection.execute(select(func.max(_events.id)).where(_events.event == event)).scalar()
        for event in (AuditEvent.VERIFIED, AuditEvent.VERIFY_FAILED)
    ]
    newest = max((number for number in numbers if number is not None), default=None)
    return None if newest is None else next(iter(events_of_numbers(connection, [newest])), None)


def _signed(connection: Connection) -> Signed | None:
    newest = select(
        AuditCheckpoint.epoch, AuditCheckpoint.size, AuditCheckpoint.created_at, AuditCheckpoint.delivered_at
    ).order_by(AuditCheckpoint.epoch.desc(), AuditCheckpoint.size.desc())
    row = connection.execute(newest.limit(1)).first()
    return None if row is None else Signed(*row)
