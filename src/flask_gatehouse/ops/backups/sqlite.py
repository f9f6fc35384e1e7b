"""Backups of SQLite: whole pages, copied while others write, and put back in one transaction of the live file."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from ...db.engine import make_engine, make_folder_of
from . import contents
from .contents import Contents, Log, contents_of
from .errors import BackupRefused, refusing
from .room import room_in

KIND = "sqlite"
# So many pages at once; in between, whoever wants to write is let in.
PAGES = 2000
Advance = Callable[[int, int], None]


def path_of(engine: Engine) -> Path:
    """Return the file of a database.

    :raises BackupRefused: if it is in memory.
    """
    if engine.url.database in {None, "", ":memory:"}:
        raise BackupRefused("a database in memory cannot be saved")
    return Path(str(engine.url.database))


def dump(engine: Engine, target: Path, advance: Advance) -> Contents:
    """Copy the database into a file as it is at one moment, and say what is in it.

    :raises BackupRefused: if there is no room.
    """
    try:
        _copy(path_of(engine), target, advance, pages=PAGES)
    except sqlite3.Error as error:
        raise BackupRefused(f"the database cannot be copied: {error}") from error
    return _look(target)


def _look(path: Path) -> Contents:
    """Return what is in a copy.

    :raises BackupRefused: if SQLite finds it damaged.
    """
    copy = make_engine(f"sqlite:///{path}")
    try:
        with copy.connect() as connection:
            if (found := connection.exec_driver_sql("PRAGMA quick_check").scalar()) != "ok":
                raise BackupRefused(f"the copy is damaged: {found}")
            return contents_of(connection)
    finally:
        copy.dispose()


def log_of(engine: Engine) -> Log:
    """Return which trail the live database holds; none where it is gone, or is no database any more.

    :raises BackupRefused: if it is there and does not answer, as while it is locked.
    """
    if not path_of(engine).exists():
        # To connect would make an empty one.
        return Log()
    try:
        with engine.connect() as connection:
            return contents.log_of(connection)
    except OperationalError as error:
        raise BackupRefused(f"the database cannot be asked what it holds: {error.orig}") from error
    except DatabaseError:
        return Log()


def look(engine: Engine) -> Contents:
    """Return what is in a database."""
    with engine.connect() as connection:
        return contents_of(connection)


@contextmanager
def scratch(engine: Engine, dumped: Path) -> Iterator[Engine]:
    """Yield a database of its own with what was dumped, which is gone at the end.

    :raises BackupRefused: if there is no room for it beside the live one.
    """
    path = path_of(engine)
    with refusing(f"the folder of the database, {path.parent}, cannot be made"):
        make_folder_of(path)
    with room_in(path.parent) as folder:
        place = folder / "gatehouse.db"
        try:
            _copy(dumped, place, lambda done, total: None)
        except sqlite3.Error as error:
            raise BackupRefused(f"the backup cannot be unpacked in {path.parent}: {error}") from error
        copy = make_engine(f"sqlite:///{place}")
        try:
            yield copy
        finally:
            copy.dispose()


def replace(live: Engine, prepared: Engine, advance: Advance) -> str | None:
    """Put a prepared database in the place of the live one, and return where the one before is kept, if there was one.

    The pages go into the live file in one transaction of SQLite's: whoever has it open sees the old ones or the new
    ones, and after a power cut the old ones are there.

    :raises BackupRefused: if it cannot be written; it is as it was then, unless it was damaged and has been moved.
    """
    path = path_of(live)
    kept = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    live.dispose()
    prepared.dispose()
    is_there, is_moved = path.exists(), False
    try:
        is_moved = is_there and _keep(path, kept)
        _copy(path_of(prepared), path, advance)
    except (sqlite3.Error, OSError) as error:
        if not is_moved:
            kept.unlink(missing_ok=True)
        now = f"the damaged one is kept as {kept}" if is_moved else "it is as it was"
        raise BackupRefused(f"the database cannot be written: {error}; {now}") from error
    return str(kept) if is_there else None


def _keep(path: Path, kept: Path) -> bool:
    """Copy the live database; return whether it had to be moved instead, because it is none any more."""
    # Made for its owner alone before anything is in it: others on the machine could open a copy that is still growing.
    kept.touch(mode=0o600)
    try:
        _copy(path, kept, lambda done, total: None)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        # It is no database any more. Whoever wants to save something of it finds it under the other name.
        kept.unlink(missing_ok=True)
        path.rename(kept)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return True
    return False


def _copy(source: Path, target: Path, advance: Advance, *, pages: int = -1) -> None:
    with closing(sqlite3.connect(source, timeout=30)) as one, closing(sqlite3.connect(target, timeout=30)) as other:
        one.backup(other, pages=pages, progress=lambda _, left, total: advance(total - left, total), sleep=0.05)
        # Everything is in the one file then, and nothing beside it.
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
