"""Which schema this release needs, told without Alembic: a web process asks at every readiness check."""

from sqlalchemy import Connection, column, select, table
from sqlalchemy.exc import DBAPIError

from .database import is_missing_table

HEAD = "0012"
VERSION_TABLE = "gatehouse_alembic_version"


def current_version(connection: Connection) -> str | None:
    """Return the migration that a database stands at, or None if it has none of our tables."""
    try:
        return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    except DBAPIError as error:
        if is_missing_table(error):
            return None
        raise
