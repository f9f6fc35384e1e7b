"""Reading the trail in pages that cost the same at ten thousand events and at ten million.

Events are read backwards along one index, from one number to another, and never sorted. Where no index knows all that
is asked for, the one whose newest entries reach furthest back is followed for a bounded stretch, and the rest is looked
up row by row: whoever asks for what is nowhere is told how far back the search has come, and can let it go on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    func,
    select,
    tuple_,
)

from .models import AuditEventRow, AuditLeaf
from .search import TrailQuery

PAGE = 50
LISTED = 200
# How many entries of an index are followed for one page, and how many at the edge of a time are looked at: clocks of
# several nodes differ, so that the first event of a day need not have the lowest number.
REACH, EDGE = 1000, 500

_events = AuditEventRow.__table__.c
# The columns of the indexes that can be followed, the last column of each being the number.
_DRIVERS = {name: (name,) for name in ("request_id", "session_id", "ip", "actor_id", "event", "outcome")} | {
    "target": ("target_type", "target_id")
}
Conditions = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RecordedEvent:
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
    :param searched_to: how far back the search has come; None if it came as far as it had to.
    """

    events: tuple[RecordedEvent, ...]
    next: int | None
    searched_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the tree of its epoch."""

    epoch: int
    position: int
    hash: bytes


def read_page(connection: Connection, query: TrailQuery, *, limit: int = PAGE) -> TrailPage:
    """Return the newest events that a query means."""
    span = _span(connection, query)
    if span is None:
        return TrailPage((), None)
    searches = [_search(connection, query, said, span, limit + 1) for said in query.alternatives()]
    # Below that, one of the searches has not looked yet.
    floor = max(reached for _, reached in searches)
    numbers = sorted({number for found, _ in searches for number in found if number >= floor}, reverse=True)
    shown = _events_of(connection, numbers[:limit])
    if len(numbers) > limit:
        return TrailPage(shown, numbers[limit - 1])
    if not floor:
        return TrailPage(shown, None)
    return TrailPage(shown, floor, _time_of(connection, floor))


def newest_number(connection: Connection) -> int:
    """Return the number of the newest event, 0 if there is none."""
    return connection.execute(select(func.max(_events.id))).scalar_one() or 0


def names_in_use(connection: Connection) -> Sequence[str]:
    """Return the names of all events that there are, of which a host has its own, with one look into an index each."""
    names = select(func.min(_events.event).label("name")).cte("names", recursive=True)
    following = select(func.min(_events.event)).where(_events.event > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    return connection.execute(select(names.c.name).where(names.c.name.is_not(None)).limit(LISTED)).scalars().all()


def find_event(connection: Connection, number: int) -> tuple[RecordedEvent, Place | None] | None:
    """Return an event and its place in the tree, which it may not have yet; None if there is no such event."""
    found = _events_of(connection, [number])
    if not found:
        return None
    leaf = select(AuditLeaf.epoch, AuditLeaf.position, AuditLeaf.hash).where(AuditLeaf.event_id == number)
    row = connection.execute(leaf).first()
    return found[0], None if row is None else Place(*row)


def _span(connection: Connection, query: TrailQuery) -> tuple[int, int] | None:
    """Return the lowest and the highest number that a query can mean, or None if it can mean nothing."""
    low, high = query.numbers
    since, until = query.times
    if since is not None:
        first = _edge(_events.occurred_at >= since, _events.occurred_at.asc(), _events.id.asc())
        lowest = connection.execute(select(func.min(first.c.id))).scalar_one()
        if lowest is None:
            return None
        low = max(low, lowest)
    if until is not None:
        last = _edge(_events.occurred_at < until, _events.occurred_at.desc(), _events.id.desc())
        highest = connection.execute(select(func.max(last.c.id))).scalar_one()
        if highest is None:
            return None
        high = min(high, highest)
    return (low, high) if low <= high else None


def _edge(where: ColumnElement[bool], *order: ColumnElement[Any]) -> Any:
    return select(_events.id).where(where).order_by(*order).limit(EDGE).subquery()


def _within(query: TrailQuery, rows: Any) -> list[ColumnElement[bool]]:
    """Return what numbers alone cannot say: the exact time, and the event's own name."""
    since, until = query.times
    tests = []
    if since is not None:
        tests.append(rows.occurred_at >= since)
    if until is not None:
        tests.append(rows.occurred_at < until)
    if query.event_id is not None:
        tests.append(rows.body.contains(f'"id":"{query.event_id}"', autoescape=True))
    return tests


def _search(
    connection: Connection, query: TrailQuery, said: Conditions, span: tuple[int, int], count: int
) -> tuple[list[int], int]:
    """Return the newest numbers, and how far down there are no others: 0 if there are none at all."""
    is_all = len(said) <= 1 and query.times == (None, None)
    driver, floor = (next(iter(said), ""), 0) if is_all else _driver(connection, said, span)
    along = _along(connection, driver, said.get(driver), (max(span[0], floor), span[1]))
    # What stands in an inner SELECT with a limit is planned by itself: nothing that is asked besides leads a planner
    # to another way. The order outside is the one inside, so that nothing is sorted.
    rows = along.with_only_columns(*_events).limit(count if is_all else REACH).subquery().c
    tests = [test for name, value in said.items() if name != driver for test in _equal(_columns(name, rows), value)]
    order = (*_columns(driver, rows), rows.id)
    statement = select(rows.id).where(*tests, *_within(query, rows)).order_by(*(column.desc() for column in order))
    numbers = list(connection.execute(statement.limit(count)).scalars())
    return numbers, numbers[-1] if len(numbers) == count else floor


def _driver(connection: Connection, said: Conditions, span: tuple[int, int]) -> tuple[str, int]:
    """Return the index to follow, and down to which number; 0 is the end."""
    reached = []
    for name, value in said.items() or [("", None)]:
        stretch = _along(connection, name, value, span).limit(1).offset(REACH - 1)
        floor = connection.execute(stretch).scalar() or 0
        if not floor:
            return name, 0
        reached.append((floor, name))
    floor, name = min(reached)
    return name, floor


def _along(connection: Connection, name: str, value: object, span: tuple[int, int]) -> Select[Any]:
    """Return a SELECT of numbers that reads one index backwards, whatever a planner thinks of it."""
    columns = _columns(name, _events)
    place = (*columns, _events.id)
    if not columns or connection.dialect.name == "sqlite":
        tests = [*_equal(columns, value), _events.id.between(*span)]
    else:
        # PostgreSQL may walk all events in their order until enough of them fit, and finds out too late that a value
        # is rare there. A beginning and an order that name all columns of one index are what no other gives.
        types = [column.type for column in place]
        low, high = (tuple_(*_values(value), number, types=types) for number in span)
        present = [column.is_not(None) for column in columns if column.nullable]
        tests = [tuple_(*place) >= low, tuple_(*place) <= high, *present]
    return select(_events.id).where(*tests).order_by(*(column.desc() for column in place))


def _columns(name: str, rows: Any) -> list[Column[Any]]:
    return [rows[column] for column in _DRIVERS.get(name, ())]


def _values(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _equal(columns: Sequence[Column[Any]], value: object) -> list[ColumnElement[bool]]:
    return [column == one for column, one in zip(columns, _values(value), strict=False)]


def _events_of(connection: Connection, numbers: Sequence[int]) -> tuple[RecordedEvent, ...]:
    statement = (
        select(_events.id, _events.occurred_at, _events.body, _events.personal)
        .where(_events.id.in_(numbers))
        .order_by(_events.id.desc())
    )
    return tuple(_recorded(row) for row in connection.execute(statement)) if numbers else ()


def _recorded(row: Any) -> RecordedEvent:
    kept = json.loads(row.personal or "{}")
    return RecordedEvent(
        row.id, row.occurred_at, row.body, json.loads(row.body), {name: entry["value"] for name, entry in kept.items()}
    )


def _time_of(connection: Connection, number: int) -> datetime | None:
    return connection.execute(select(_events.occurred_at).where(_events.id == number)).scalar()
