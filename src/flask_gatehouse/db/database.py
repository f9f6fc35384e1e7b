"""How rooms reach the database, whoever owns the engine."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from ..kernel.errors import DependencyUnavailable, GatehouseError
from .engine import missing_file
from .isolation import Isolated, IsolationLevel, isolated
from .prepared import PreparedSelect

# PostgreSQL appendix A: connection, read-only, serialization and deadlock, resources, locks, cancelled, system.
_STATES = ("08", "25006", "40", "53", "55", "57", "58")
_SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


class SchemaMissing(GatehouseError):
    """Our tables are not there, or are those of another release."""

    def __init__(self, said: str = "the database lacks tables of this release; run: gatehouse db upgrade") -> None:
        super().__init__(said)


class DatabaseMissing(SchemaMissing):
    """Nor is there a file of SQLite's that could hold them.

    :ivar path: where none is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"there is no database at {path}; look at its address, or make it: gatehouse db upgrade")


class Database:
    """One application's database.

    A file of SQLite's that is not there is never made by asking it: a mistyped path would look like a database that
    lacks its tables. Whoever makes one takes the ``engine``; whoever asks past these methods, ``existing_engine()``.

    :param engine: returns the engine, at each use: a host's tests may exchange theirs.
    :param info: what each session of ours carries as its ``info``.
    """

    def __init__(self, engine: Callable[[], Engine], info: Mapping[str, Any] | None = None) -> None:
        self._engine = engine
        self._info = dict(info or {})
        self._isolated: dict[IsolationLevel, Isolated] = {}

    @property
    def engine(self) -> Engine:
        return self._engine()

    def existing_engine(self) -> Engine:
        """Return the engine of a database that is there.

        :raises DatabaseMissing: if a connection would make it.
        :raises DependencyUnavailable: if nobody says whether it is there.
        """
        refuse_to_make(engine := self.engine)
        return engine

    def detached(self) -> "Database":
        """Return the same database with the engine that it has now.

        A host's own look-up works within its application's context alone. Threads have none, and neither has an answer
        that is sent piece by piece.
        """
        engine = self.engine
        return Database(lambda: engine, self._info)

    def _at(self, level: IsolationLevel) -> Isolated:
        """Return the engine as its connections are isolated like this.

        :raises DatabaseMissing: as ``refuse_to_make`` does, which is asked for as long as nothing was found there.
        :raises DependencyUnavailable: likewise.
        """
        engine, known = self._engine(), self._isolated.get(level)
        if known is None or known.engine is not engine:
            refuse_to_make(engine)
            known = self._isolated[level] = isolated(engine, level)
        return known

    def first(self, question: PreparedSelect, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
        """Run one SELECT in autocommit and return its first row; the connection is back before this returns.

        A connection that died in the pool costs one more attempt.

        :raises DependencyUnavailable: if the database does not answer.
        """
        with as_unavailable():
            try:
                return question.first(self._at("AUTOCOMMIT"), parameters)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return question.first(self._at("AUTOCOMMIT"), parameters)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield an autocommit connection for SELECTs that need no common snapshot.

        :raises DependencyUnavailable: if the database does not answer.
        """
        with as_unavailable(), self._at("AUTOCOMMIT").view.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose work commits when the block ends, and not at all if it raises.

        On SQLite it begins with ``BEGIN IMMEDIATE``: a deferred transaction that reads and then writes
        fails at the write when another one came between. On PostgreSQL it sees what others have committed by each
        of its statements, whatever a host has chosen for its own: what is asked after a lock must not be older than it.

        :raises DependencyUnavailable: if the database does not answer, also at COMMIT, after which nobody
            knows whether the change happened; whoever asked is told to look again.
        """
        session = Session(self._at("READ COMMITTED").view, expire_on_commit=False, info=self._info)
        with as_unavailable(), session, session.begin():
            begin_immediately(session.connection())
            yield session


def refuse_to_make(engine: Engine) -> None:
    """Return if a database's file is there, or if it has none.

    :raises DatabaseMissing: if a connection would make it.
    :raises DependencyUnavailable: if nobody says whether it is there.
    """
    try:
        missing = missing_file(engine)
    except OSError as error:
        raise DependencyUnavailable(f"the database ({error.strerror})") from error
    if missing is not None:
        raise DatabaseMissing(missing)


def begin_immediately(connection: Connection) -> None:
    """Take SQLite's write lock for a connection, unless it already is in a transaction."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Tell a database that does not answer from a question that is wrong, which stays what it is."""
    try:
        yield
    except TimeoutError as error:
        raise DependencyUnavailable("database") from error
    except DBAPIError as error:
        if is_missing_table(error):
            raise SchemaMissing from error
        if error.connection_invalidated or _is_unavailable(error):
            raise DependencyUnavailable("database") from error
        raise


def said_by_driver(error: DBAPIError) -> str:
    """Return the driver's own first line; what follows may hold values, and a whole statement."""
    return str(error.orig).partition("\n")[0]


def is_missing_table(error: DBAPIError) -> bool:
    """Return whether a statement failed because one of our tables or columns is not there."""
    return getattr(error.orig, "sqlstate", None) in {"42P01", "42703"} or str(error.orig).startswith("no such ")


def _is_unavailable(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        # Busy, locked, full, read-only, a disk that fails: the low byte is the kind (sqlite.org/rescode.html).
        return (getattr(error.orig, "sqlite_errorcode", 0) or 0) & 0xFF in _SQLITE_UNAVAILABLE
    state = getattr(error.orig, "sqlstate", None)
    # A driver that has no state could not even ask.
    return isinstance(error, OperationalError | InterfaceError) if state is None else state.startswith(_STATES)
