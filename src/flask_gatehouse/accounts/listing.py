"""The list of users, in pages that cost the same at a thousand people and at a million.

A page begins where another ended (a keyset), and never after a number of rows: the database goes to one place of
an index and reads from there, forwards or backwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, tuple_

from .columns import row_columns, users
from .queries import MAY_BE_MISSING, Cursor, Direction, Sort, UserQuery
from .sampling import among, sampled_ids
from .search import meant
from .views import UserRow

_SORTED = {
    Sort.CREATED: users.c.created_at,
    Sort.NAME: users.c.search_text,
    Sort.EMAIL: users.c.email,
    Sort.ROLE: users.c.role,
    Sort.STATUS: users.c.is_active,
    Sort.LAST_SIGN_IN: users.c.last_sign_in_at,
}
# Groups of ids, spread over all of them, from which a greater number is estimated.
_WINDOWS, _WIDTH = 20, 50
# What is counted exactly, and what an estimate must say to be taken for more than that.
EXACT = 1000
_SURELY_MANY = 5 * EXACT
# With fewer ids given than this, counting a thousand people is as quick as estimating.
_WORTH_ESTIMATING = 20 * EXACT


@dataclass(frozen=True, slots=True)
class UserPage:
    """A page of the list. The first one has no cursor.

    :param next: the cursor of the next page, None on the last.
    :param previous: the cursor of the page before, None on the first.
    :param last: the cursor of the last page, None on it.
    """

    rows: tuple[UserRow, ...]
    next: str | None
    previous: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class UserCount:
    """How many people a query means.

    :param is_exact: false beyond a thousand. Then it is 1,001, which means more than a thousand, or an estimate
        of which two digits say something.
    """

    number: int
    is_exact: bool


def list_users(connection: Connection, query: UserQuery) -> UserPage:
    """Return one page of the users whom a query means."""
    where = meant(connection, query).where
    cursor = query.cursor
    if cursor is not None and cursor.direction is not Direction.AFTER:
        found = _fetch(connection, query, where, cursor, backwards=True)
        if cursor.direction is Direction.END or len(found) >= query.limit:
            rows, before = found[: query.limit][::-1], len(found) > query.limit
            return _page(query, rows, before=before, after=cursor.direction is Direction.BEFORE)
        # Fewer than a page stand before it: the first page is shown whole instead.
        cursor = None
    found = _fetch(connection, query, where, cursor, backwards=False)
    return _page(query, found[: query.limit], before=cursor is not None, after=len(found) > query.limit)


def count_users(connection: Connection, query: UserQuery) -> UserCount:
    """Return how many users a query means: exactly up to a thousand, beyond that about how many."""
    who = meant(connection, query)
    counted = select(users.c.id).where(*who.where)
    if not who.are_few:
        ids, span = sampled_ids(connection, windows=_WINDOWS, width=_WIDTH if who.where else 1)
        if span > _WORTH_ESTIMATING:
            sampled = select(func.count(users.c.id)).where(among(connection, ids), *who.where)
            found = connection.execute(sampled).scalar_one()
            number = _two_digits(round(found * span / len(ids)))
            if number > _SURELY_MANY:
                return UserCount(number, is_exact=False)
        counted = counted.limit(EXACT + 1)
    number = connection.execute(select(func.count()).select_from(counted.subquery())).scalar_one()
    return UserCount(number, is_exact=who.are_few or number <= EXACT)


def _page(query: UserQuery, rows: list[Row[Any]], *, before: bool, after: bool) -> UserPage:
    def cursor(direction: Direction, edge: int) -> str:
        row = rows[edge]
        return query.encoded(Cursor(direction, row.sorted_by, row.id))

    return UserPage(
        rows=tuple(UserRow(*row[: len(row_columns)]) for row in rows),
        next=cursor(Direction.AFTER, -1) if after and rows else None,
        previous=cursor(Direction.BEFORE, 0) if before and rows else None,
        last=query.encoded(Cursor(Direction.END)) if after else None,
    )


def _fetch(
    connection: Connection,
    query: UserQuery,
    where: tuple[ColumnElement[bool], ...],
    cursor: Cursor | None,
    *,
    backwards: bool,
) -> list[Row[Any]]:
    """Return the rows of a page and one more, from the cursor on, in the direction in which they are read."""
    found: list[Row[Any]] = []
    descending = query.descending is not backwards
    searched = _SORTED[query.sort]
    for are_missing, position in _stretches(query.sort, cursor, descending=descending):
        order = [users.c.id] if are_missing else [searched, users.c.id]
        statement = select(users.c.id).where(*where)
        if query.sort in MAY_BE_MISSING:
            statement = statement.where(searched.is_(None) if are_missing else searched.is_not(None))
        if position is not None:
            statement = statement.where(_beyond(searched, position, are_missing=are_missing, descending=descending))
        directed = [item.desc() if descending else item.asc() for item in order]
        # First who, from an index alone where it holds all that is asked for, and then what is shown of them.
        who = statement.order_by(*directed).limit(query.limit + 1 - len(found)).subquery()
        shown = select(*row_columns, searched.label("sorted_by")).join(who, who.c.id == users.c.id)
        found += connection.execute(shown.order_by(*directed))
        if len(found) > query.limit:
            break
    return found


def _stretches(sort: Sort, cursor: Cursor | None, *, descending: bool) -> Iterator[tuple[bool, Cursor | None]]:
    """Yield whether the next rows are those without a value, and the cursor if it stands among them.

    Databases disagree where NULL stands, and none finds its place by comparing: those without a value are read on
    their own, as if it were smaller than all others.
    """
    if cursor is not None and cursor.direction is Direction.END:
        cursor = None
    if sort not in MAY_BE_MISSING:
        yield False, cursor
        return
    stretches = (False, True) if descending else (True, False)
    if cursor is None:
        yield from ((are_missing, None) for are_missing in stretches)
        return
    stands_at = stretches.index(cursor.value is None)
    yield stretches[stands_at], cursor
    yield from ((are_missing, None) for are_missing in stretches[stands_at + 1 :])


def _beyond(
    searched: ColumnElement[Any], cursor: Cursor, *, are_missing: bool, descending: bool
) -> ColumnElement[bool]:
    if are_missing:
        return users.c.id < cursor.id if descending else users.c.id > cursor.id
    place, edge = tuple_(searched, users.c.id), tuple_(cursor.value, cursor.id)
    is_beyond: ColumnElement[bool] = place < edge if descending else place > edge
    return is_beyond


def _two_digits(number: int) -> int:
    digits = len(str(number)) - 2
    return round(number, -digits) if digits > 0 else number
