"""Which users a query means, as conditions that stay cheap whatever is asked for and however many there are.

PostgreSQL's planner knows from its statistics what is rare. It gets the values inside of the statement, because
a prepared one is planned for no value in particular: a search for one of a million people would then read them
all. SQLite keeps no statistics unless told to, so that ``sqlite_search`` looks first.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, String, bindparam, func, not_, select

from .columns import users
from .meant import Meant, sought_part
from .queries import Status, UserQuery
from .sampling import SAMPLE, among, sampled_ids
from .sqlite_search import find_meant
from .trigrams import telling_trigrams

_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def meant(connection: Connection, query: UserQuery) -> Meant:
    """Return what must hold of everybody whom a query means, whichever page of it."""
    if connection.dialect.name == "postgresql":
        return Meant(tuple(_planned(connection, query)))
    return find_meant(connection, query)


def _planned(connection: Connection, query: UserQuery) -> Iterator[ColumnElement[bool]]:
    if sought := sought_part(query.text):
        sample, _ = sampled_ids(connection, windows=SAMPLE, width=1)
        texts = connection.execute(select(users.c.search_text).where(among(connection, sample))).scalars().all()
        known = () if any(sought in text for text in texts) else (sought,)
        for part in telling_trigrams(sought, texts) or known:
            yield users.c.search_text.like(_inside(f"%{part.translate(_ESCAPED)}%"), escape="\\")
        yield func.strpos(users.c.search_text, sought) > 0
    if query.role is not None:
        yield users.c.role == _inside(query.role)
    if query.status is not None:
        yield users.c.is_active.is_(query.status is not Status.INACTIVE)
        if query.status is not Status.INACTIVE:
            is_locked = users.c.held_at.is_not(None)
            yield is_locked if query.status is Status.LOCKED else not_(is_locked)


def _inside(value: str) -> ColumnElement[str]:
    """Return a value that the statement holds itself, quoted by SQLAlchemy, instead of one that is sent beside it."""
    return bindparam(None, value, String(), literal_execute=True)
