"""Reading the trail in pages, and one event of it with its place in the tree. ``walking`` finds which ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from .body import moment
from .events import Outcome
from .models import AuditEventRow, AuditLeaf
from .search import TrailQuery
from .understanding import is_text, understood, values_beside
from .walking import find_numbers

PAGE = 50
LISTED = 200
# In the place of the name of an event.
UNREADABLE = "unreadable"

_events = AuditEventRow.__table__.c


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One event as it was written down.

    :param number: its place in the order of writing; not a part of what is sealed.
    :param content: what its body says.
    :param personal: the values beside it that have not been erased.
    """

    number: int
    occurred_at: datetime
    body: str
    content: dict[str, Any]
    personal: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the body, with its number and, for each personal value, what is left of it."""
        committed: dict[str, Any] = self.content["personal"]
        shown = {name: entry | {"value": self.personal.get(name)} for name, entry in committed.items()}
        return self.content | {"number": self.number, "personal": shown}


@dataclass(frozen=True, slots=True)
class TrailPage:
    """A page of events, the newest first.

    :param next: the ``before`` of the next page, None on the last.
    :param previous: the ``after`` of the page before, to be asked for rising; None on the first.
    :param searched_to: how far the search has come; None if it came as far as it had to.
    """

    events: tuple[TrailEvent, ...]
    next: int | None
    previous: int | None = None
    searched_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class TreePlace:
    """Where an event stands in the tree of its epoch."""

    epoch: int
    position: int
    hash: bytes


def read_page(connection: Connection, query: TrailQuery, *, limit: int = PAGE, fill: bool = True) -> TrailPage:
    """Return a page of the events that a query means: its newest, or if it rises, its oldest.

    :param fill: let a rising page that would not be full be the first page, of which it is a part.
    """
    found = find_numbers(connection, query, limit + 1)
    numbers, is_full = found.numbers[:limit], len(found.numbers) > limit
    if fill and query.rising and not is_full and found.reached is None:
        return read_page(connection, replace(query, rising=False, after=None), limit=limit)
    beyond = numbers[-1] if is_full else found.reached
    searched_to = None if is_full or beyond is None else _time_of(connection, beyond)
    shown = events_of_numbers(connection, numbers)
    if query.rising:
        low = query.numbers[0]
        # Where there is nothing newer, nothing follows; and nothing is older than the first event of all.
        is_end = low == 1 or (not shown and found.reached is None)
        return TrailPage(shown, None if is_end else shown[-1].number if shown else low, beyond, searched_to)
    previous = None if query.before is None else shown[0].number if shown else query.before - 1
    return TrailPage(shown, beyond, previous, searched_to)


def newest_number(connection: Connection) -> int:
    """Return the number of the newest event, 0 if there is none."""
    return connection.execute(select(func.max(_events.id))).scalar_one() or 0


def names_in_use(connection: Connection) -> Sequence[str]:
    """Return the names of all events that there are, of which a host has its own, with one look into an index each."""
    names = select(func.min(_events.event).label("name")).cte("names", recursive=True)
    following = select(func.min(_events.event)).where(_events.event > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    found = connection.execute(select(names.c.name).where(names.c.name.is_not(None)).limit(LISTED)).scalars()
    # A name that no page can show would keep the whole log from being shown.
    return [name for name in found if is_text(name)]


def find_event(connection: Connection, number: int) -> tuple[TrailEvent, TreePlace | None] | None:
    """Return an event and its place in the tree, which it may not have yet; None if there is no such event."""
    found = events_of_numbers(connection, [number])
    if not found:
        return None
    leaf = select(AuditLeaf.epoch, AuditLeaf.position, AuditLeaf.hash).where(AuditLeaf.event_id == number)
    row = connection.execute(leaf).first()
    return found[0], None if row is None else TreePlace(*row)


def holds(connection: Connection, query: TrailQuery) -> bool:
    """Return whether the trail has an event that a query means."""
    return bool(find_numbers(connection, query, 1).numbers)


def events_of_numbers(connection: Connection, numbers: Sequence[int]) -> tuple[TrailEvent, ...]:
    """Return the events that have these numbers, the newest first."""
    statement = (
        select(_events.id, _events.occurred_at, _events.body, _events.personal)
        .where(_events.id.in_(numbers))
        .order_by(_events.id.desc())
    )
    return tuple(_recorded(row) for row in connection.execute(statement)) if numbers else ()


def _recorded(row: Any) -> TrailEvent:
    content = understood(row.body) or unreadable(row.occurred_at)
    return TrailEvent(row.id, row.occurred_at, row.body, content, values_beside(row.personal))


def unreadable(at: datetime) -> dict[str, Any]:
    """Return what is shown of a row that is no event: that it is none."""
    nothing = dict.fromkeys(("reason", "request", "session", "target"))
    return nothing | {
        "actor": {"id": None, "kind": "unknown"},
        "at": f"{moment(at)}Z",
        "change": {},
        "details": {},
        "event": UNREADABLE,
        "id": str(UUID(int=0)),
        "node": "",
        "outcome": Outcome.FAILURE.value,
        "personal": {},
        "v": 1,
    }


def _time_of(connection: Connection, number: int) -> datetime | None:
    return connection.execute(select(_events.occurred_at).where(_events.id == number)).scalar()
