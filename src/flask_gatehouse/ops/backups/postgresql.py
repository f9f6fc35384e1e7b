"""Backups of PostgreSQL with its own programs, and a restored database that takes the place of the live one."""

import logging
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from ...db.database import said_by_driver
from ...db.engine import make_engine, patient
from . import contents
from .contents import Contents, Log, contents_of
from .errors import ONCE_MORE, BackupRefused, ToolFailed

log = logging.getLogger("flask_gatehouse.backups")
KIND = "postgresql"
# They refuse a server that is newer than they are.
DUMP, RESTORE = "pg_dump", "pg_restore"
# Nodes that are running connect again at once: so often they are shown out before the names are changed.
ATTEMPTS = 50
# Databases to stand in while names change. No other has to exist.
_OUTSIDE = ("postgres", "template1")
Advance = Callable[[int, int], None]


def dump(engine: Engine, target: Path, advance: Advance) -> Contents:
    """Write a dump of one snapshot while others write, and say what is in it.

    :raises ToolFailed: if ``pg_dump`` fails or is not there.
    """
    advance(0, 1)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        found = _unhurried(connection)
        name = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        _run(DUMP, engine.url, "--format=custom", f"--snapshot={name}", "--no-owner", f"--file={target}")
    advance(1, 1)
    return found


def look(engine: Engine) -> Contents:
    """Return what is in a database, however long it takes to count."""
    with engine.connect() as connection:
        return _unhurried(connection)


def _unhurried(connection: Connection) -> Contents:
    # No request waits for it, and a large table takes longer to count than one may.
    connection.exec_driver_sql("SET statement_timeout = 0")
    with patient(connection):
        found = contents_of(connection)
    connection.exec_driver_sql("SET statement_timeout = DEFAULT")
    return found


def log_of(engine: Engine) -> Log:
    """Return which trail the live database holds; none where there is no such database any more.

    :raises BackupRefused: if it does not answer.
    """
    try:
        with engine.connect() as connection:
            return contents.log_of(connection)
    except DBAPIError as error:
        with _outside(engine.url) as connection:
            if not _exists(connection, str(engine.url.database)):
                return Log()
        raise BackupRefused(f"the database cannot be asked what it holds: {said_by_driver(error)}") from error


def _exists(connection: Connection, name: str) -> bool:
    statement = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    return bool(connection.execute(statement, {"name": name}).scalar_one())


@contextmanager
def scratch(engine: Engine, dumped: Path) -> Iterator[Engine]:
    """Yield a database of its own with what was dumped, which is gone at the end unless it was renamed.

    :raises BackupRefused: if the role may not make databases.
    """
    name = f"{engine.url.database}_scratch_{secrets.token_hex(4)}"
    with _outside(engine.url) as connection:
        try:
            connection.exec_driver_sql(f"CREATE DATABASE {_quoted(name)} TEMPLATE template0")
        except DBAPIError as error:
            raise BackupRefused(
                f"the role {engine.url.username} may not make the database that a backup is restored into: "
                "do it as the owner of the database, whom a superuser gives CREATEDB"
            ) from error
    copy = make_engine(engine.url.set(database=name).render_as_string(hide_password=False))
    try:
        _run(RESTORE, copy.url, "--no-owner", "--exit-on-error", "--single-transaction", str(dumped))
        yield copy
    finally:
        copy.dispose()
        _drop(engine.url, name)


def _drop(url: URL, name: str) -> None:
    """Remove a database, or say that it is there still: everybody's data is in it."""
    try:
        with _outside(url) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
    except (BackupRefused, DBAPIError) as error:
        # A server that is away by now must not take the place of what has failed before.
        said = said_by_driver(error) if isinstance(error, DBAPIError) else error
        log.warning("the scratch database %s could not be removed: %s; drop it", name, said)


def replace(live: Engine, prepared: Engine, advance: Advance) -> str | None:
    """Give a prepared database the name of the live one, and return the name under which that one is kept, if any.

    Both names change in one transaction. Whoever is connected is shown out, and finds the new one with the next
    connection.

    :raises BackupRefused: if the names cannot be changed; the sentence says which of the two is the live one.
    """
    current, new = str(live.url.database), str(prepared.url.database)
    kept = f"{current}_before_{datetime.now(UTC):%Y%m%d%H%M%S}"
    live.dispose()
    prepared.dispose()
    with _outside(live.url) as connection:
        is_there = _exists(connection, current)
        away = f"ALTER DATABASE {_quoted(current)} RENAME TO {_quoted(kept)}; " if is_there else ""
        into_place = f"ALTER DATABASE {_quoted(new)} RENAME TO {_quoted(current)}"
        for attempt in range(ATTEMPTS):
            advance(0, 1)
            try:
                _show_out(connection, current, new)
                # One message with several statements is one transaction.
                connection.exec_driver_sql(f"BEGIN; {away}{into_place}; COMMIT")
            except DBAPIError as error:
                if error.connection_invalidated:
                    now = _found_afterwards(live.url, new, kept if is_there else None)
                    if now is None:
                        return kept if is_there else None
                    raise BackupRefused(f"the database cannot be replaced: {said_by_driver(error)}; {now}") from error
                connection.exec_driver_sql("ROLLBACK")
                # 55006: somebody has connected again.
                if getattr(error.orig, "sqlstate", None) != "55006" or attempt == ATTEMPTS - 1:
                    said = said_by_driver(error)
                    raise BackupRefused(f"the database cannot be replaced: {said}; it is as it was") from error
                time.sleep(0.1)
            else:
                advance(1, 1)
                return kept if is_there else None
    raise AssertionError("the last attempt returns or raises")


def _found_afterwards(url: URL, new: str, kept: str | None) -> str | None:
    """Return which of the two is the live database, where the server has answered nobody whether it has committed.

    None if it has: whoever was erased while the copy was prepared has still to be erased in that.
    """
    try:
        with _outside(url) as connection:
            return "it is as it was" if _exists(connection, new) else None
    except (BackupRefused, DBAPIError):
        before = "there was none before" if kept is None else f"the one before is kept as {kept}"
        return f"it may have been all the same, and then {before}; {ONCE_MORE}"


def _show_out(connection: Connection, *names: str) -> None:
    # The server's own processes have no user; they give way by themselves, and only a superuser may end them.
    statement = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(:names) AND usesysid IS NOT NULL"
    )
    connection.execute(statement, {"names": list(names)})


@contextmanager
def _outside(url: URL) -> Iterator[Connection]:
    """Yield an autocommit connection to another database of the same server."""
    failure: DBAPIError | None = None
    for name in _OUTSIDE:
        engine = create_engine(url.set(drivername="postgresql+psycopg", database=name), hide_parameters=True)
        try:
            connection = engine.execution_options(isolation_level="AUTOCOMMIT").connect()
        except DBAPIError as error:
            failure = error
            engine.dispose()
            continue
        try:
            yield connection
        finally:
            connection.close()
            engine.dispose()
        return
    said = "" if failure is None else said_by_driver(failure)
    raise BackupRefused(f"neither the database postgres nor template1 lets this role in: {said}") from failure


def _run(program: str, url: URL, *options: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise ToolFailed(program, "it is not installed; it comes with PostgreSQL's client programs")
    with _passfile(url) as address:
        command = [found, *options, f"--dbname={address}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise ToolFailed(program, (done.stderr.strip() or "no reason given").splitlines()[-1])


@contextmanager
def _passfile(url: URL) -> Iterator[str]:
    """Yield the address without its password, which stands in a file: a command line can be read by everybody."""
    # Not set(password=None), which leaves it as it is.
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    if url.password is None:
        yield plain.render_as_string()
        return
    escaped = str(url.password).replace("\\", "\\\\").replace(":", "\\:")
    # Made with mode 0600, which libpq insists on.
    with tempfile.NamedTemporaryFile("w", prefix="gatehouse-", encoding="utf-8") as file:
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        yield plain.update_query_dict({"passfile": file.name}).render_as_string()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
