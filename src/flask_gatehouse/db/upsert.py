"""Writing a row that may be there already."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert_of(db: Session) -> Any:
    """Return the ``insert`` of the database's own dialect, which knows what to do about a conflict."""
    return postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
