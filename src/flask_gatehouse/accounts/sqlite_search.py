"""Which users a query means, on SQLite, which does not know what is rare before it has looked.

So a few users are looked at first. Whoever is rare among them is then found by an index, as a short list of ids that
is sorted afterwards; whoever is common is met soon enough on the way along the order of the list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from .columns import users
from .meant import SHORTEST_PART, Meant, sought_part
from .queries import PAGE, Status, UserQuery
from .sampling import SAMPLE, among, sampled_ids
from .trigrams import telling_trigrams

# Of so many in the sample there are enough on the way.
_COMMON = 2
_TRIGRAMS = table("gatehouse_user_search", column("rowid", Integer()))
_HAS_TRIGRAMS = text("SELECT 1 FROM sqlite_master WHERE name = 'gatehouse_user_search'")


@dataclass(frozen=True, slots=True)
class _Filter:
    """One thing that is asked of users, as a test of one of them and as the ids that an index gives for it."""

    test: ColumnElement[bool]
    ids: Select[Any]
    part: str | None = None


def find_meant(connection: Connection, query: UserQuery) -> Meant:
    """Return what must hold of everybody whom a query means, after a look at what is rare."""
    filters = tuple(_filters(query))
    where = tuple(one.test for one in filters)
    if not filters:
        return Meant(where)
    sample, span = sampled_ids(connection, windows=SAMPLE, width=1)
    looked_at = select(users.c.search_text, *where).where(among(connection, sample))
    texts, *answers = list(zip(*connection.execute(looked_at), strict=True)) or [(), *((),) * len(filters)]
    # With a page of the list to find, sorting so few costs as much as walking past many.
    few = isqrt(PAGE * span)
    for one, answer in zip(filters, answers, strict=True):
        if sum(answer) >= _COMMON and span > SAMPLE:
            continue
        ids = one.ids if one.part is None else _by_trigrams(connection, one, texts)
        found = connection.execute(ids.limit(few + 1)).scalars().all()
        if len(found) <= few:
            # No other test can make more of them, so that no other index needs to be asked.
            return Meant((among(connection, found), *where), are_few=True)
    return Meant(where)


def _filters(query: UserQuery) -> Iterator[_Filter]:
    if sought := sought_part(query.text):
        test = func.instr(users.c.search_text, sought) > 0
        yield _Filter(test, select(users.c.id).where(test), sought)
    if query.role is not None:
        yield _Filter(_unindexed(users.c.role) == query.role, select(users.c.id).where(users.c.role == query.role))
    if query.status is not None:
        yield _standing(query.status)


def _standing(status: Status) -> _Filter:
    """Return the filter for how somebody stands; those who are locked are found by the index that holds them alone."""
    is_active = _unindexed(users.c.is_active) == (status is not Status.INACTIVE)
    if status is Status.LOCKED:
        test = and_(is_active, _unindexed(users.c.held_at).is_not(None))
        return _Filter(test, select(users.c.id).where(users.c.held_at.is_not(None), is_active))
    test = and_(is_active, users.c.held_at.is_(None)) if status is Status.ACTIVE else is_active
    return _Filter(test, select(users.c.id).where(users.c.is_active == (status is Status.ACTIVE), test))


def _by_trigrams(connection: Connection, one: _Filter, sample: tuple[str, ...]) -> Select[Any]:
    """Return the ids of those who have a text, found by an index if there is one."""
    sought = one.part or ""
    if len(sought) < SHORTEST_PART or connection.execute(_HAS_TRIGRAMS).first() is None:
        return one.ids
    telling = telling_trigrams(sought, sample)
    phrases = " AND ".join(_quoted(part) for part in telling or (sought,))
    found = select(_TRIGRAMS.c.rowid).where(literal_column("gatehouse_user_search").op("MATCH")(phrases))
    return one.ids.where(users.c.id.in_(found)) if telling else found


def _quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"'


def _unindexed(searched: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column in a form for which SQLite looks for no index."""
    return UnaryExpression(searched, operator=custom_op("+"), type_=searched.type)
