"""Which users a query means, as conditions that stay cheap whatever is asked for and however many there are.

PostgreSQL's planner knows from its statistics what is rare. It gets the values inside of the statement, because
a prepared one is planned for no value in particular: a search for one of a million people would then read them
all. SQLite keeps no statistics unless told to, so there a few index entries are read first: what is rare becomes
a short list of ids, what is common is tested while walking along the order of the list.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
    union,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from .columns import users
from .fold import folded
from .queries import Status, UserQuery

# So many people are found first and sorted then.
FEW = 1000
# Trigrams say nothing about less.
SHORTEST_PART = 3
# The last code point there is: everything that begins with a text stands before the text and this.
_LAST = "\U0010ffff"
_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})
_TRIGRAMS = table("gatehouse_user_search", column("rowid"), column("gatehouse_user_search", String()))
_HAS_TRIGRAMS = text("SELECT 1 FROM sqlite_master WHERE name = 'gatehouse_user_search'")


def conditions(connection: Connection, query: UserQuery) -> tuple[ColumnElement[bool], ...]:
    """Return what must hold of everybody whom a query means, whichever page of it."""
    if connection.dialect.name == "postgresql":
        return tuple(_planned(query))
    return _walked(connection, query)


def _planned(query: UserQuery) -> Iterator[ColumnElement[bool]]:
    sought = folded(query.text)
    if len(sought) >= SHORTEST_PART:
        pattern = f"%{sought.translate(_ESCAPED)}%"
        yield users.c.search_text.like(_inside(pattern), escape="\\")
    elif sought:
        yield or_(*(_begins(users.c[name], sought) for name in ("search_text", "email")))
    if query.role is not None:
        yield users.c.role == _inside(query.role)
    if query.status is not None:
        yield users.c.is_active.is_(query.status is Status.ACTIVE)


def _inside(value: str) -> ColumnElement[str]:
    """Return a value that the statement holds itself, quoted by SQLAlchemy, instead of one that is sent beside it."""
    return bindparam(None, value, String(), literal_execute=True)


def _begins(searched: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    return and_(searched >= prefix, searched < prefix + _LAST)


def _walked(connection: Connection, query: UserQuery) -> tuple[ColumnElement[bool], ...]:
    tests = list(_tests(connection, query))
    where = tuple(test for test, _ in tests)
    for _, ids in tests:
        found = connection.execute(ids.limit(FEW + 1)).scalars().all()
        if len(found) <= FEW:
            # No other test can make more of them, so that no other index needs to be asked.
            return (users.c.id.in_(found), *where)
    return where


def _tests(connection: Connection, query: UserQuery) -> Iterator[tuple[ColumnElement[bool], Select[Any]]]:
    """Yield each filter twice: as a test of one row, and as the ids that an index gives for it."""
    sought = folded(query.text)
    if len(sought) >= SHORTEST_PART:
        test = func.instr(users.c.search_text, sought) > 0
        yield test, _ids_by_trigrams(sought) if _has_trigrams(connection) else select(users.c.id).where(test)
    elif sought:
        places = (users.c.search_text, users.c.email)
        ids = union(*(select(users.c.id).where(_begins(place, sought)) for place in places)).subquery()
        yield or_(*(_begins(_unindexed(place), sought) for place in places)), select(ids.c.id)
    for searched, value in ((users.c.role, query.role), (users.c.is_active, _wanted(query.status))):
        if value is not None:
            yield _unindexed(searched) == value, select(users.c.id).where(searched == value)


def _wanted(status: Status | None) -> bool | None:
    return None if status is None else status is Status.ACTIVE


def _has_trigrams(connection: Connection) -> bool:
    return connection.execute(_HAS_TRIGRAMS).first() is not None


def _ids_by_trigrams(sought: str) -> Select[Any]:
    phrase = '"' + sought.replace('"', '""') + '"'
    return select(_TRIGRAMS.c.rowid).where(literal_column("gatehouse_user_search").op("MATCH")(phrase))


def _unindexed(searched: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column in a form for which SQLite looks for no index."""
    return UnaryExpression(searched, operator=custom_op("+"), type_=searched.type)
