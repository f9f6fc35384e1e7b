"""Writing a row that may be there already."""

from typing import Any

from sqlalchemy.orm import Session

from ..kernel.deferred import Deferred

# A process speaks to one kind of database, and PostgreSQL's dialect is an eighth of what it would load for SQLite.
_POSTGRESQL, _SQLITE = Deferred("db.postgresql:insert"), Deferred("db.sqlite:insert")


def insert_of(db: Session) -> Any:
    """Return the ``insert`` of the database's own dialect, which knows what to do about a conflict."""
    return (_POSTGRESQL if db.get_bind().dialect.name == "postgresql" else _SQLITE).load()
