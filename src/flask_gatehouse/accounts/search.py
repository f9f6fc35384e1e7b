"""Which users a query means, as conditions that stay cheap whatever is asked for and however many there are.

PostgreSQL's planner knows from its statistics what is rare. It gets the values inside of the statement, because
a prepared one is planned for no value in particular: a search for one of a million people would then read them
all. SQLite keeps no statistics unless told to, so that ``sqlite_search`` looks first.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, String, bindparam

from .columns import users
from .meant import Meant, sought_part
from .queries import Status, UserQuery
from .sqlite_search import find_meant

_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def meant(connection: Connection, query: UserQuery) -> Meant:
    """Return what must hold of everybody whom a query means, whichever page of it."""
    if connection.dialect.name == "postgresql":
        return Meant(tuple(_planned(query)))
    return find_meant(connection, query)


def _planned(query: UserQuery) -> Iterator[ColumnElement[bool]]:
    if sought := sought_part(query.text):
        pattern = f"%{sought.translate(_ESCAPED)}%"
        yield users.c.search_text.like(_inside(pattern), escape="\\")
    if query.role is not None:
        yield users.c.role == _inside(query.role)
    if query.status is not None:
        yield users.c.is_active.is_(query.status is Status.ACTIVE)


def _inside(value: str) -> ColumnElement[str]:
    """Return a value that the statement holds itself, quoted by SQLAlchemy, instead of one that is sent beside it."""
    return bindparam(None, value, String(), literal_execute=True)
