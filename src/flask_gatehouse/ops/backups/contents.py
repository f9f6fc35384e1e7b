"""What is in a database, for its manifest and for whoever compares."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text

from ...audit import origins
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
    """Which trail a database holds; None where nothing was ever sealed.

    :param sizes: of the tree of each epoch.
    :param given: the highest number that was given in each of our tables, also to what has been deleted since.
    """

    log: str | None = None
    sizes: Mapping[int, int] = {}
    given: Mapping[str, int] = {}

    @property
    def epoch(self) -> int:
        return max(self.sizes, default=0)

    def newer_than(self, epoch: int, size: int) -> int:
        """Return how many sealed events there are that a trail does not hold which has come so far."""
        return sum(max(0, ours - (size if one == epoch else 0)) for one, ours in self.sizes.items() if one >= epoch)


_GIVEN = {
    "sqlite": "SELECT name, seq FROM sqlite_sequence WHERE name LIKE 'gatehouse%'",
    "postgresql": "SELECT replace(sequencename, '_id_seq', ''), last_value FROM pg_sequences"
    " WHERE schemaname = current_schema() AND sequencename LIKE 'gatehouse%' AND last_value IS NOT NULL",
}
_CONTINUE = {
    "sqlite": "UPDATE sqlite_sequence SET seq = max(seq, :number) WHERE name = :table",
    "postgresql": "SELECT setval(quote_ident(sequencename)::regclass, greatest(last_value, :number)) FROM pg_sequences"
    " WHERE schemaname = current_schema() AND sequencename = :table || '_id_seq'",
}

# SQLite has no row for a table in which nothing ever stood.
_BEGIN = (
    "INSERT INTO sqlite_sequence (name, seq) SELECT :table, :number"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :table)"
)


def log_of(connection: Connection) -> Log:
    """Return which trail a database holds, how far it has come, and which numbers it has given."""
    if not inspect(connection).has_table("gatehouse_audit_trees"):
        return Log()
    trees = connection.execute(text("SELECT epoch, origin, size FROM gatehouse_audit_trees ORDER BY epoch")).all()
    given = connection.execute(text(_GIVEN[connection.dialect.name])).all()
    log = origins.log_of(trees[-1].origin) if trees else None
    return Log(log, {tree.epoch: tree.size for tree in trees}, {row[0]: row[1] for row in given})


def continue_numbers(connection: Connection, given: Mapping[str, int]) -> None:
    """Let the numbers of our tables go on after those that were given elsewhere, so that nobody gets another's."""
    for table, number in given.items():
        named = {"table": table, "number": number}
        connection.execute(text(_CONTINUE[connection.dialect.name]), named)
        if connection.dialect.name == "sqlite":
            connection.execute(text(_BEGIN), named)


def contents_of(connection: Connection) -> Contents:
    """Look at our tables as they are in the running transaction."""
    there = set(inspect(connection).get_table_names())
    # Our own names, which no question has brought.
    counts = {
        name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608
        for name in sorted(Base.metadata.tables)
        if name in there
    }
    log = log_of(connection)
    return Contents(current_version(connection) or "", log.log, log.epoch, log.sizes.get(log.epoch, 0), counts)
