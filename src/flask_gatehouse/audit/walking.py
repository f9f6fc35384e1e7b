"""Walking along the indexes of the trail, so that a page costs the same at ten thousand events and at ten million.

Events are read along one index, from one number to another, and never sorted. Where no index knows all that is asked
for, the one whose next entries reach furthest is followed for a bounded stretch, and the rest is looked up row by row:
whoever asks for what is nowhere is told how far the search has come, and can let it go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select, tuple_

from .events import AuditEvent
from .models import AuditEventRow
from .search import TrailQuery

# How many entries of an index are followed for one page, and how many at the edge of a time are looked at: clocks of
# several nodes differ, so that the first event of a day need not have the lowest number.
REACH, EDGE = 1000, 500

_events = AuditEventRow.__table__.c
# The columns of the indexes that can be followed; the number is the last column of each. A session has none: whose it
# was is known from its first event, and she is followed.
_DRIVERS = {name: (name,) for name in ("request_id", "ip", "actor_id", "event", "outcome")} | {
    "target": ("target_type", "target_id")
}
_COLUMNS = _DRIVERS | {"session_id": ("session_id",)}
# What can be the last that happens to a session: somebody may come with its cookie long after its end.
_SESSION_OVER = (
    AuditEvent.SESSION_LOGOUT,
    AuditEvent.SESSION_EXPIRED,
    AuditEvent.SESSION_REVOKED,
    AuditEvent.SESSION_USE_AFTER_EXPIRE,
)
Conditions = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers of events, in the order of the search.

    :param reached: how far the search has looked, inclusive; None if it has come to its end.
    """

    numbers: list[int]
    reached: int | None


def find_numbers(connection: Connection, query: TrailQuery, count: int) -> Found:
    """Return so many numbers of events that a query means: the newest, or the oldest if it rises."""
    query, person = _within_session(connection, query)
    span = _span(connection, query)
    if span is None:
        return Found([], None)
    walk = _Walk(connection, query, span)
    searches = [walk.search(said, count) for said in query.alternatives(person)]
    stops = [found.reached for found in searches if found.reached is not None]
    # Beyond the nearest stop, one of the searches has not looked yet.
    reached = None if not stops else min(stops) if query.rising else max(stops)
    numbers = {number for found in searches for number in found.numbers if walk.is_within(number, reached)}
    return Found(sorted(numbers, reverse=not query.rising), reached)


def _within_session(connection: Connection, query: TrailQuery) -> tuple[TrailQuery, int | None]:
    """Return a query for what lies between the first and the last event of its session, and whose session it was."""
    if query.session_id is None:
        return query, None
    of_it = (_events.target_type == "session", _events.target_id == query.session_id)
    created = select(_events.id, _events.actor_id).where(*of_it, _events.event == AuditEvent.SESSION_CREATED)
    first = connection.execute(created.order_by(_events.id).limit(1)).first()
    ended = select(func.max(_events.id)).where(*of_it, _events.event.in_(_SESSION_OVER))
    last = connection.execute(ended).scalar()
    low, high = query.numbers
    if first is not None:
        low = max(low, first.id)
    if last is not None:
        # What ran beside its end may have been given a higher number.
        high = min(high, last + EDGE)
    return replace(query, after=low - 1, before=high + 1), None if first is None else first.actor_id


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


class _Walk:
    """A search from one end of a span of numbers to the other."""

    def __init__(self, connection: Connection, query: TrailQuery, span: tuple[int, int]) -> None:
        self._connection, self._query, self._span = connection, query, span

    def is_within(self, number: int, reached: int | None) -> bool:
        """Return whether a number lies where the search has looked."""
        return reached is None or (number <= reached if self._query.rising else number >= reached)

    def search(self, said: Conditions, count: int) -> Found:
        """Return the first numbers of events that have these columns."""
        is_all = len(said) <= 1 and "session_id" not in said and self._query.times == (None, None)
        driver, reached = (next(iter(said), ""), None) if is_all else self._driver(said)
        along = self._along(driver, said.get(driver), self._up_to(reached))
        # What stands in an inner SELECT with a limit is planned by itself: nothing that is asked besides leads a
        # planner to another way. The order outside is the one inside, so that nothing is sorted.
        rows = along.with_only_columns(*_events).limit(count if is_all else REACH).subquery().c
        tests = [test for name, value in said.items() if name != driver for test in _equal(_columns(name, rows), value)]
        order = self._order(*_columns(driver, rows)[-1:], rows.id)
        statement = select(rows.id).where(*tests, *exactly(self._query, rows)).order_by(*order)
        numbers = list(self._connection.execute(statement.limit(count)).scalars())
        return Found(numbers, numbers[-1] if len(numbers) == count else reached)

    def _driver(self, said: Conditions) -> tuple[str, int | None]:
        """Return the index to follow, and up to which number; None is the end."""
        stops = []
        names = [name for name in said if name in _DRIVERS]
        for name in names or [""]:
            stretch = self._along(name, said.get(name), self._span).limit(1).offset(REACH - 1)
            stop = self._connection.execute(stretch).scalar()
            if stop is None:
                return name, None
            stops.append((stop, name))
        stop, name = max(stops) if self._query.rising else min(stops)
        return name, stop

    def _up_to(self, reached: int | None) -> tuple[int, int]:
        low, high = self._span
        if reached is None:
            return low, high
        return (low, min(high, reached)) if self._query.rising else (max(low, reached), high)

    def _along(self, name: str, value: object, span: tuple[int, int]) -> Select[Any]:
        """Return a SELECT of numbers that reads one index in one direction, whatever a planner thinks of it."""
        columns = _columns(name, _events)
        # What is equal for all of them orders nothing.
        before, place = columns[:-1], (*columns[-1:], _events.id)
        if not columns or self._connection.dialect.name == "sqlite":
            tests = [*_equal(columns, value), _events.id.between(*span)]
        else:
            # PostgreSQL may walk all events in their order until enough of them fit, and finds out too late that a
            # value is rare there. A beginning and an order that name all columns of one index are what no other gives.
            # Of rows that are compared only the first column says where a scan ends: what stands before the last one
            # is equal by itself, or whoever asks for one person walks the events about all the others too.
            values, types = _values(value), [column.type for column in place]
            low, high = (tuple_(values[-1], number, types=types) for number in span)
            present = [column.is_not(None) for column in columns[-1:] if column.nullable]
            tests = [*_equal(before, values), tuple_(*place) >= low, tuple_(*place) <= high, *present]
        return select(_events.id).where(*tests).order_by(*self._order(*place))

    def _order(self, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        return [column.asc() if self._query.rising else column.desc() for column in columns]


def exactly(query: TrailQuery, rows: Any) -> list[ColumnElement[bool]]:
    """Return what numbers alone cannot say: the exact time, and the event's own name.

    :param rows: the columns of the events, or of what has been chosen of them.
    """
    since, until = query.times
    tests = []
    if since is not None:
        tests.append(rows.occurred_at >= since)
    if until is not None:
        tests.append(rows.occurred_at < until)
    if query.event_id is not None:
        tests.append(rows.body.contains(f'"id":"{query.event_id}"', autoescape=True))
    return tests


def _columns(name: str, rows: Any) -> list[Column[Any]]:
    return [rows[column] for column in _COLUMNS.get(name, ())]


def _values(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _equal(columns: Sequence[Column[Any]], value: object) -> list[ColumnElement[bool]]:
    return [column == one for column, one in zip(columns, _values(value), strict=False)]
