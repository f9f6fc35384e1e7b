"""What is in a database, for its manifest and for whoever compares."""

from typing import NamedTuple

from sqlalchemy import Connection, inspect, text

from ...db.base import Base
from ...db.schema import current_version


class Contents(NamedTuple):
    """What a manifest says of a database; see ``archive.Manifest``."""

    schema: str
    log: str | None
    epoch: int
    size: int
    counts: dict[str, int]


class Log(NamedTuple):
    """Which trail a database holds; None where nothing was ever sealed."""

    log: str | None = None
    epoch: int = 0
    size: int = 0


def log_of(connection: Connection) -> Log:
    """Return which trail a database holds, and how far it has come."""
    if not inspect(connection).has_table("gatehouse_audit_trees"):
        return Log()
    newest = "SELECT origin, epoch, size FROM gatehouse_audit_trees ORDER BY epoch DESC LIMIT 1"
    tree = connection.execute(text(newest)).first()
    return Log() if tree is None else Log(tree.origin.rpartition("/")[0], tree.epoch, tree.size)


def contents_of(connection: Connection) -> Contents:
    """Look at our tables as they are in the running transaction."""
    there = set(inspect(connection).get_table_names())
    # Our own names, which no question has brought.
    counts = {
        name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608
        for name in sorted(Base.metadata.tables)
        if name in there
    }
    return Contents(current_version(connection) or "", *log_of(connection), counts)
