"""The trail as it is at one moment, read without the deadlines of requests and without the cost of objects.

Rows come as the driver has them. What is read is compared with hashes, so that nothing is gained by converting it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeGuard

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ..db.database import as_unavailable, refuse_to_make
from ..db.engine import decoded, patient
from .tree import HASH_LENGTH

# So much is read at once, which is a megabyte or two: more does not fit into a processor's own memory, and is slower.
STRETCH = 1024
# Of octets SQLite would make the text or the number that they look like, by which no index finds them: they are quoted.
# Of PostgreSQL with its era, if that is not ours: years before Christ are written as the same years after. What has no
# end is written as such.
_IN_ITS_ERA = (
    "coalesce(replace(to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD{}HH24:MI:SS.US AD'), ' AD', ''),"
    " CAST(e.occurred_at AS text))"
)
_MOMENT = {
    "sqlite": "CASE WHEN typeof(e.occurred_at) = 'text' AND instr(e.occurred_at, 'T') = 0"
    " THEN replace(e.occurred_at, ' ', 'T') WHEN e.occurred_at IS NOT NULL THEN quote(e.occurred_at) END",
    "postgresql": _IN_ITS_ERA.format('"T"'),
}
_ACTOR = {
    "sqlite": "CASE WHEN typeof(e.actor_id) = 'integer' THEN CAST(e.actor_id AS TEXT)"
    " WHEN e.actor_id IS NOT NULL THEN quote(e.actor_id) END",
    "postgresql": "CAST(e.actor_id AS TEXT)",
}
# In the order of agreement.Row. An event that is gone leaves its leaf with nothing beside it.
_ROWS = """
SELECT l.position, l.event_id, l.hash, {actor}, e.actor_kind, {moment}, e.event, e.outcome,
 e.request_id, e.session_id, e.target_id, e.target_type, e.ip, e.personal, e.body
FROM gatehouse_audit_leaves l LEFT JOIN gatehouse_audit_events e ON e.id = l.event_id
WHERE l.epoch = ? AND l.position >= ? AND l.position < ? ORDER BY l.position
"""
# The same of positions that are named one by one.
_ROWS_AT = _ROWS.replace("l.position >= ? AND l.position < ?", "l.position {named}")
_NAMED = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY(CAST(? AS bigint[]))"}
# Columns that only repeat the body come as one text: to fetch one by one takes longer than to compare them. Moments are
# written as SQLite keeps them.
_COLUMNS = ["e.actor_id", "e.actor_kind", "e.occurred_at", "e.event", "e.outcome", "e.request_id", "e.session_id"]
_COLUMNS += ["e.target_id", "e.target_type"]
_AS_ONE = {
    "sqlite": f"json_array({', '.join(_COLUMNS)})",
    "postgresql": "'[' || concat_ws(',', "
    + ", ".join(f"coalesce(to_json({column})::text, 'null')" for column in _COLUMNS).replace(
        "e.occurred_at", _IN_ITS_ERA.format(" ")
    )
    + ") || ']'",
}
_BRIEF_ROWS = "SELECT l.position, l.hash, e.event, {as_one}, e.ip, e.personal, e.body FROM" + _ROWS.partition("FROM")[2]
# The same of events that have no leaf, which have neither position nor hash.
_UNSEALED_ROWS = (
    _ROWS.partition("FROM")[0].replace("l.position", "NULL").replace("l.event_id", "e.id").replace("l.hash", "NULL")
    + """FROM gatehouse_audit_events e LEFT JOIN gatehouse_audit_leaves l ON l.event_id = e.id
WHERE l.event_id IS NULL AND e.id > ? ORDER BY e.id LIMIT ?
"""
)
_WITHOUT_LEAF = """
SELECT e.id, e.event, e.body FROM gatehouse_audit_events e
LEFT JOIN gatehouse_audit_leaves l ON l.event_id = e.id WHERE l.event_id IS NULL AND
"""


class Snapshot:
    """One transaction that only reads, in which the trail stands still.

    :ivar connection: for what is asked by SQLAlchemy.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver: Any = connection.connection.dbapi_connection
        self.dialect = connection.dialect.name
        said = {"moment": _MOMENT[self.dialect], "actor": _ACTOR[self.dialect], "named": _NAMED[self.dialect]}
        self._rows, self._rows_at, self._unsealed = (text.format(**said) for text in (_ROWS, _ROWS_AT, _UNSEALED_ROWS))
        self._brief_rows = _BRIEF_ROWS.format(as_one=_AS_ONE[self.dialect])

    def all(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT with question marks, which few rows answer."""
        if self.dialect == "sqlite":
            rows: list[tuple[Any, ...]] = self._driver.execute(statement, parameters).fetchall()
            return rows
        cursor = self._driver.cursor(binary=True)
        rows = cursor.execute(statement.replace("?", "%s"), parameters).fetchall()
        cursor.close()
        return rows

    def number(self, statement: str, *parameters: object) -> int:
        """Return the one number that answers a SELECT; 0 where the answer is NULL."""
        return int(self.all(statement, *parameters)[0][0] or 0)

    def rows(self, epoch: int, start: int, end: int) -> list[tuple[Any, ...]]:
        """Return the leaves of a stretch with their events, by position."""
        return self._all_text(self._rows, epoch, start, end)

    def rows_at(self, epoch: int, positions: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return the same of some leaves, by position."""
        named = list(positions)
        return self._all_text(self._rows_at, epoch, str(named) if self.dialect == "sqlite" else named)

    def brief_rows(self, epoch: int, start: int, end: int) -> list[tuple[Any, ...]]:
        """Return the same as is quickest to compare: position, hash, name, columns as JSON, ip, personal, body.

        The columns are None where one of the stretch cannot be JSON.
        """
        try:
            return self._driven(str, self._brief_rows, epoch, start, end)
        except sqlite3.OperationalError:
            rows = self.rows(epoch, start, end)
            return [(row[0], row[2], row[6], None, *row[12:]) for row in rows]

    def unsealed_rows(self, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Return events above a number that have no leaf, by their numbers, in the same columns."""
        return self._all_text(self._unsealed, after, limit)

    def _all_text(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            # The driver's own way, which takes a third less time, gives up at text that is none.
            return self._driven(str, statement, *parameters)
        except sqlite3.OperationalError:
            # What cannot be decoded is kept for the comparison, which refuses it.
            return self._driven(decoded, statement, *parameters)

    def _driven(self, text_factory: Any, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        if self.dialect != "sqlite":
            return self.all(statement, *parameters)
        before = self._driver.text_factory
        try:
            self._driver.text_factory = text_factory
            return self.all(statement, *parameters)
        finally:
            self._driver.text_factory = before

    def trees(self) -> list[tuple[Any, ...]]:
        return self.all(
            "SELECT epoch, origin, size, root, frontier, watermark, cut FROM gatehouse_audit_trees ORDER BY epoch"
        )

    def tiles(self, epoch: int, level: int, first: int, last: int) -> dict[int, bytes]:
        """Return the tiles of a level from an index up to, and without, another."""
        return dict(
            self.all(
                'SELECT "index", hash FROM gatehouse_audit_tiles WHERE epoch = ? AND level = ?'
                ' AND "index" >= ? AND "index" < ?',
                *(epoch, level, first, last),
            )
        )

    def hashes(self, epoch: int, level: int, first: int, last: int) -> list[bytes]:
        """Return the hashes of leaves (level 0) or of tiles, as far as they are there, as proofs ask for them."""
        if level:
            return [value for _, value in sorted(self.tiles(epoch, level, first, last).items())]
        rows = self.all(
            "SELECT hash FROM gatehouse_audit_leaves WHERE epoch = ? AND position >= ? AND position < ?"
            " ORDER BY position",
            *(epoch, first, last),
        )
        return [row[0] for row in rows]

    def newest_checkpoints(self, epoch: int, limit: int) -> list[tuple[Any, ...]]:
        """Return size and note of an epoch's newest checkpoints, the newest first."""
        return self.all(
            "SELECT size, note FROM gatehouse_audit_checkpoints WHERE epoch = ? ORDER BY size DESC LIMIT ?",
            *(epoch, limit),
        )

    def checkpoints(self) -> Iterator[tuple[Any, ...]]:
        """Yield epoch, size and note of the checkpoints that the database keeps, the earliest first."""
        epoch, size = 0, -1
        while rows := self.all(
            "SELECT epoch, size, note FROM gatehouse_audit_checkpoints"
            " WHERE epoch > ? OR epoch = ? AND size > ? ORDER BY epoch, size LIMIT 500",
            *(epoch, epoch, size),
        ):
            yield from rows
            epoch, size = rows[-1][:2]

    def events_without_leaf(self, *, after: int, limit: int, only: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Return id, name and body of events above a number that have no place, the oldest first.

        :param only: the names that are asked for; all of them by default.
        """
        named = f" AND e.event IN ({', '.join('?' * len(only))})" if only else ""
        return self.all(f"{_WITHOUT_LEAF} e.id > ?{named} ORDER BY e.id LIMIT ?", after, *only, limit)

    def misplaced_events(self, watermark: int, limit: int) -> list[int]:
        """Return the ids of events that had to be sealed, and are not."""
        rows = self.all(f"{_WITHOUT_LEAF} e.id <= ? ORDER BY e.id LIMIT ?", watermark, limit)
        return [row[0] for row in rows]

    def highest_id_given(self) -> int:
        """Return the highest number that the database ever gave to an event, as it remembers it."""
        if self.dialect == "sqlite":
            return self.number("SELECT max(seq) FROM sqlite_sequence WHERE name = 'gatehouse_audit_events'")
        return self.number("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM gatehouse_audit_events_id_seq")


def is_hash(value: object) -> TypeGuard[bytes]:
    """Return whether a column holds a hash; SQLite would hold anything."""
    return isinstance(value, bytes) and len(value) == HASH_LENGTH


@contextmanager
def snapshot(engine: Engine) -> Iterator[Snapshot]:
    """Yield the trail as it is now, for as long as it takes to read.

    :raises SchemaMissing: if there is no trail at all.
    :raises DependencyUnavailable: if the database does not answer.
    """
    refuse_to_make(engine)
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with as_unavailable(), engine.connect() as connection, patient(connection):
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        try:
            yield Snapshot(connection)
        except connection.dialect.loaded_dbapi.Error as error:
            # Rows come past SQLAlchemy, and so does what the driver raises.
            raise DBAPIError.instance(None, None, error, connection.dialect.loaded_dbapi.Error) from error
        finally:
            connection.rollback()
