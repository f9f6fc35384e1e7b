"""The engine that Gatehouse makes for itself when the host does not bring one."""

import sqlite3
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

# A request that waits longer than this for a lock or an answer is refused with 503 rather than queued.
LOCK_TIMEOUT_MS = 5000
STATEMENT_TIMEOUT_MS = 10000
CONNECT_TIMEOUT_S = 3


def make_engine(database_url: str) -> Engine:
    """Return an engine with deadlines for the given address; nothing is connected yet.

    :param database_url: ``sqlite:///…`` with an absolute path, or ``postgresql://…``.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"options": options, "connect_timeout": CONNECT_TIMEOUT_S},
        pool_recycle=1800,
        # A stale connection is noticed by the one retry of a SELECT; a ping would cost every request a round trip.
        pool_pre_ping=False,
        hide_parameters=True,
    )


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError("this preparation is for the sqlite3 driver alone")
        for pragma in (
            "journal_mode = WAL",
            # NORMAL does not reach the disk at each commit: a power cut could undo a revocation that was shown.
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {LOCK_TIMEOUT_MS}",
            # Erased values must not stay readable in free pages.
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine
