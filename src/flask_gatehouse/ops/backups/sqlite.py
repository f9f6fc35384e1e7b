"""Backups of SQLite: whole pages, copied while others write, and put back in one transaction of the live file."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from ...db.engine import make_engine, make_folder_of
from . import contents
from .contents import Contents, Log, contents_of
from .errors import ONCE_MORE, BackupRefused, refusing
from .room import room_in

KIND = "sqlite"
# So many pages at once; in between, whoever wants to write is let in.
PAGES = 2000
Advance = Callable[[int, int], None]
# What SQLite says of a step of its copy, how many pages are left, and of how many.
Progress = Callable[[int, int, int], None]
# SQLITE_DONE (https://sqlite.org/rescode.html#done): the copy is whole and committed.
_DONE = 101


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
        _copy(path_of(engine), target, lambda _, left, total: advance(total - left, total), pages=PAGES)
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
            _copy(dumped, place)
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

    :raises BackupRefused: if it cannot be written; the sentence says whether it is as it was, or where that is kept.
    """
    path = path_of(live)
    kept = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    before = log_of(live)
    live.dispose()
    prepared.dispose()
    is_there = path.exists()
    is_copied = is_there and _keep(path, kept)
    is_committed = False

    def note(status: int, left: int, total: int) -> None:
        nonlocal is_committed
        is_committed = status == _DONE
        advance(total - left, total)

    try:
        _copy(path_of(prepared), path, note)
    except (sqlite3.Error, OSError) as error:
        if is_committed:
            # What has failed is to tidy up. Whoever was erased meanwhile has still to be erased in it.
            return str(kept) if is_there else None
        may_be = f"; it may have been replaced, and what was there before is kept as {kept}; {ONCE_MORE}"
        now = may_be if is_there else ""
        if is_copied and _is_still(live, before):
            # Nobody misses the copy, which takes as much room again on a disk that may be full.
            with suppress(OSError):
                kept.unlink()
                now = "; it is as it was"
        raise BackupRefused(f"the database cannot be written: {error}{now}") from error
    return str(kept) if is_there else None


def _is_still(live: Engine, before: Log) -> bool:
    """Return whether the live database answers, and is in the same epoch: what takes its place has begun another."""
    try:
        with live.connect() as connection:
            now = contents.log_of(connection)
    except DatabaseError:
        return False
    finally:
        live.dispose()
    return (now.log, now.epoch) == (before.log, before.epoch)


def _keep(path: Path, kept: Path) -> bool:
    """Copy the live database, or move it where it is none any more; return whether it is where it was.

    :raises BackupRefused: if it can be neither copied nor moved; the sentence says where it is then.
    """
    with refusing(f"the database is as it was, as it cannot be kept as {kept}"):
        # Made for its owner alone before anything is in it: others on the machine could open a copy that is still
        # growing. It is never one of an earlier restore.
        kept.touch(mode=0o600, exist_ok=False)
    try:
        _copy(path, kept)
    except sqlite3.OperationalError as error:
        with suppress(OSError):
            kept.unlink()
        raise BackupRefused(f"the database cannot be kept as {kept}: {error}; it is as it was") from error
    except sqlite3.DatabaseError:
        _move(path, kept)
        return False
    return True


def _move(path: Path, kept: Path) -> None:
    """Give another name to what is no database any more, under which whoever wants to save something of it finds it."""
    with refusing(f"the database is damaged, and as it was: it cannot be moved to {kept}"):
        kept.unlink()
        path.rename(kept)
    with refusing(f"what belonged to the damaged database cannot be removed; what was there before is kept as {kept}"):
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _copy(source: Path, target: Path, progress: Progress | None = None, *, pages: int = -1) -> None:
    with closing(sqlite3.connect(source, timeout=30)) as one, closing(sqlite3.connect(target, timeout=30)) as other:
        one.backup(other, pages=pages, progress=progress, sleep=0.05)
        # Everything is in the one file then, and nothing beside it.
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
