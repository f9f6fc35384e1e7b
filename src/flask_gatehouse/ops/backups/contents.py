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


def contents_of(connection: Connection) -> Contents:
    """Look at our tables as they are in the running transaction."""
    there = set(inspect(connection).get_table_names())
    # Our own names, which no question has brought.
    counts = {
        name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608
        for name in sorted(Base.metadata.tables)
        if name in there
    }
    tree = None
    if "gatehouse_audit_trees" in there:
        newest = "SELECT origin, epoch, size FROM gatehouse_audit_trees ORDER BY epoch DESC LIMIT 1"
        tree = connection.execute(text(newest)).first()
    log, epoch, size = (None, 0, 0) if tree is None else (tree.origin.rpartition("/")[0], tree.epoch, tree.size)
    return Contents(current_version(connection) or "", log, epoch, size, counts)
