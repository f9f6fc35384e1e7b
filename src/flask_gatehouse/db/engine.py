"""The engine that Gatehouse makes for itself when the host does not bring one."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import POLLIN, poll
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

# A request that waits longer than this for a lock or an answer is refused with 503 rather than queued.
LOCK_TIMEOUT_MS = 5000
STATEMENT_TIMEOUT_MS = 10000
CONNECT_TIMEOUT_S = 3
# How long a request waits for a connection while all of them are in use.
POOL_TIMEOUT_S = 5.0
# The limits above are the server's own. A server that is frozen, or that a broken network hides, keeps none of them.
ANSWER_TIMEOUT_S = 12.0


def make_engine(database_url: str) -> Engine:
    """Return an engine with deadlines for the given address; nothing is connected yet.

    :param database_url: ``sqlite:///…`` with an absolute path, or ``postgresql://…``.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return _postgresql(url)


def _postgresql(url: URL) -> Engine:
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"options": options, "connect_timeout": CONNECT_TIMEOUT_S},
        pool_recycle=1800,
        pool_timeout=POOL_TIMEOUT_S,
        # A stale connection is noticed by the one retry of a SELECT; a ping would cost every request a round trip.
        pool_pre_ping=False,
        hide_parameters=True,
    )
    driver: Any = engine.dialect.loaded_dbapi

    def wait(connection: Any, steps: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return driver.Connection.wait(
                connection, steps, interval, connection.patience if timeout is None else timeout
            )
        except driver.OperationalError:
            if connection.pgconn.transaction_status == driver.pq.TransactionStatus.ACTIVE:
                # Its answer may still come, to a question that nobody asks any more.
                connection.pgconn.finish()
            raise

    punctual: Any = type("PunctualConnection", (driver.Connection,), {"wait": wait, "patience": ANSWER_TIMEOUT_S})

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, entry: object, arguments: list[Any], options: dict[str, Any]) -> Any:
        return punctual.connect(*arguments, **options)

    @event.listens_for(engine, "checkout")
    def leave_the_dead(connection: Any, entry: object, proxy: object) -> None:
        # Where nobody has asked, there is nothing to read but that the server has ended the connection. Without this,
        # the first sign-in after a restart of the server would fail; it costs no round trip.
        watched = poll()
        watched.register(connection.fileno(), POLLIN)
        if watched.poll(0):
            raise DisconnectionError

    return engine


@contextmanager
def patient(connection: Connection) -> Iterator[None]:
    """Let a connection of ours wait for as long as it takes, for work that no request waits for."""
    driver: Any = connection.connection.dbapi_connection
    if not hasattr(driver, "patience"):
        yield
        return
    driver.patience = None
    try:
        yield
    finally:
        driver.patience = ANSWER_TIMEOUT_S


def _sqlite(url: URL) -> Engine:
    in_memory = not url.database or url.database == ":memory:"
    # A database in memory has one connection and no pool that could be waited for.
    limits = {} if in_memory else {"pool_timeout": POOL_TIMEOUT_S}
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_MS / 1000}, hide_parameters=True, **limits)

    @event.listens_for(engine, "do_connect")
    def prepare_folder(*_: object) -> None:
        if url.database and not in_memory:
            # Where none can be made, SQLite says that it cannot open the file, which is what everybody listens for.
            with suppress(OSError):
                make_folder_of(Path(url.database))

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError("this preparation is for the sqlite3 driver alone")
        _write_ahead(connection)
        for pragma in (
            # NORMAL does not reach the disk at each commit: a power cut could undo a revocation that was shown.
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {LOCK_TIMEOUT_MS}",
            # Erased values must not stay readable in free pages.
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.text_factory = decoded

    return engine


def make_folder_of(path: Path) -> None:
    """Make the folder of a database's file where there is none."""
    # Ours alone, if it is we who make it: whoever reads the file reads every address and session.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def missing_file(engine: Engine) -> Path | None:
    """Return the file of an SQLite database that is not there, and that a connection would make; None otherwise.

    :raises OSError: if nobody says whether it is there, as in a folder that one may not enter.
    """
    named = engine.url.database
    if engine.dialect.name != "sqlite" or not named or named == ":memory:" or named.startswith("file:"):
        return None
    # Not ``Path.exists()``: from Python 3.14 on it takes a file that one may not look for to be absent.
    try:
        Path(named).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Path(named).absolute()
    return None


def decoded(text: bytes) -> str:
    """Return what SQLite keeps as text, where it keeps anything.

    The driver itself gives up at bytes that are no UTF-8: one row of whoever can write to the file would stop every
    reader of its table. So they are read as what no text may hold, and a reader that compares refuses them.
    """
    return text.decode(errors="surrogateescape")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a database to its write-ahead log, as patiently as any other statement waits.

    SQLite asks no busy handler here: of two processes that open a new database at once, one would fail immediately.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
