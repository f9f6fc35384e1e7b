"""Making a backup, restoring one, and trying out whether it could be restored."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ...audit import AuditEvent, record
from ...audit.checkpoints import highest_epoch_in_folder
from ...audit.keys import believed_keys
from ...audit.origins import host_of
from ...audit.sealing import Sealer, begin_epoch
from ...audit.verifying import Held, Report, verify
from ...db.database import Database, SchemaMissing, said_by_driver
from ...db.migrate import is_known, upgrade
from ...kernel.clock import utc_now
from ...kernel.context import COMMAND_LINE
from ...kernel.errors import DependencyUnavailable, GatehouseError
from ...privacy.errors import UnwritableLedger
from ...privacy.ledger import Known, get_key, highest_numbers, look_into_ledger, name_of, write_out
from ...privacy.replay import Replayed, replay
from ...sessions.service import end_sessions
from ...settings import Settings
from . import postgresql, sqlite
from .archive import Manifest, opened, write_archive
from .contents import Contents, Log, continue_numbers
from .encryption import read_key
from .errors import BackupRefused, DamagedBackup, DrillFailed, FileExists, ForeignBackup, refusing
from .room import room_in

log = logging.getLogger("flask_gatehouse.backups")
# What is being done, how far it is, and of how much.
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done.

    :param kept: where the database before is kept; None if there was none.
    :param lost: how many sealed events are not in the backup.
    :param replayed: who was erased again.
    :param sessions: how many were ended.
    :param torn: the number of the line of the ledger that was cut off and has been written again.
    """

    manifest: Manifest
    kept: str | None
    lost: int
    replayed: Replayed
    sessions: int
    torn: int | None


def make_backup(database: Database, settings: Settings, path: Path, tell: Tell) -> Manifest:
    """Save the whole database into one file while it is in use.

    The key of the trail, the ledger of erasures and the settings are not in it: a backup that held them could
    sign for the trail that it restores, and bring people back.

    :raises BackupRefused: if there is such a file, or the backup cannot be written.
    :raises SchemaMissing: if the database has none of our tables.
    """
    manifest = _save(database, settings, path, tell)
    details = {"bytes": path.stat().st_size, "schema": manifest.schema, "size": manifest.size}
    with database.transaction() as db:
        record(AuditEvent.BACKUP_MADE, details=details, session=db, actor=COMMAND_LINE)
    return manifest


def _save(database: Database, settings: Settings, path: Path, tell: Tell) -> Manifest:
    engine = database.existing_engine()
    secret = _secret(settings)
    _refuse_what_cannot_be_written(path)
    with room_in(_workplace(path, settings)) as folder:
        dumped = folder / "database"
        contents = _store(database.engine).dump(engine, dumped, lambda done, of: tell("Saving", done, of))
        if not contents.schema:
            raise SchemaMissing
        manifest = Manifest(_store(database.engine).KIND, **contents._asdict(), made_at=utc_now().isoformat())
        write_archive(path, manifest, dumped, secret)
    return manifest


def _refuse_what_cannot_be_written(path: Path) -> None:
    """Refuse a file that is there, and a folder that takes none, before anything is saved for it."""
    if os.path.lexists(path):
        raise FileExists(path)
    folder = path.absolute().parent
    if not os.access(folder, os.F_OK):
        raise BackupRefused(f"{path} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BackupRefused(f"{path} cannot be written: {folder} takes no files of yours")


def look_into(database: Database, settings: Settings, path: Path) -> tuple[Manifest, Known]:
    """Return what a backup says of itself, if it could be restored here, and what the ledger knows. Nothing is changed.

    :raises BackupRefused: with the reason why not.
    :raises UnreadableLedger: if nobody could be erased again.
    :raises DamagedLedger: if a line of the ledger cannot be read.
    """
    with opened(path, _secret(settings), *_workplaces(database, path, settings)) as (manifest, _):
        return manifest, _known(database, settings, _refuse_what_does_not_belong_here(database, path, manifest))


def _known(database: Database, settings: Settings, now: Log) -> Known:
    return look_into_ledger(settings.erasure_ledger, None if now == Log() else database)


def restore(database: Database, settings: Settings, path: Path, tell: Tell) -> Restored:
    """Put a backup in the place of the database, in one step and with nobody signed in.

    Everything is prepared in a copy beside it: migrations, the end of all sessions, erasures that came after the
    backup, and a new epoch of the trail. The database before is kept.

    :raises BackupRefused: with the reason why not; everything is as it was then, unless it says otherwise.
    :raises UnreadableLedger: if nobody could be erased again.
    :raises UnwritableLedger: if an erasure has still to be written there, and is known to this database alone.
    :raises DamagedLedger: if a line of the ledger cannot be read.
    """
    store = _store(database.engine)
    with opened(path, _secret(settings), *_workplaces(database, path, settings)) as (manifest, dumped):
        now = _refuse_what_does_not_belong_here(database, path, manifest)
        torn = _known(database, settings, now).torn
        if now != Log():
            _write_ledger(database, settings)
        with _prepared(database, settings, path, manifest, dumped, now, tell) as (copy, replayed, sessions):
            if now != Log():
                # Once more: that took its time and its room, and people have gone on leaving meanwhile.
                _write_ledger(database, settings)
            kept = store.replace(database.engine, copy.engine, lambda done, of: tell("Replacing", done, of))
    _replay_once_more(database, settings, kept)
    return Restored(manifest, kept, now.newer_than(manifest.epoch, manifest.size), replayed, sessions, torn)


def _replay_once_more(database: Database, settings: Settings, kept: str | None) -> None:
    """Erase whoever was erased while the copy was prepared, and stands in the ledger and in the copy too."""
    try:
        replay(database, settings.erasure_ledger)
    except (GatehouseError, DBAPIError) as error:
        # On PostgreSQL everybody has just been shown out, and a disk may be full by now.
        said = said_by_driver(error) if isinstance(error, DBAPIError) else error
        before = "there was none before" if kept is None else f"the one before is kept as {kept}"
        raise BackupRefused(
            f"the database was restored, and {before}; but whoever was erased meanwhile may be in it, as {said};"
            " restore once more when that is mended"
        ) from error


def drill(database: Database, settings: Settings, tell: Tell) -> tuple[Manifest, Report]:
    """Make a backup, restore it into a database of its own, and verify that; nothing of it stays but an event.

    :raises DrillFailed: if the trail that came back does not verify.
    :raises BackupRefused: if any step of it fails.
    :raises UnwritableLedger: as a restore would.
    """
    # As before a restore: what a power cut has left of a line there waits in the database.
    _write_ledger(database, settings)
    with room_in(Path(tempfile.gettempdir())) as folder:
        path = folder / "drill.backup"
        # Not recorded as one that was made: nothing of it is left to restore.
        keys, notes = believed_keys(settings), settings.checkpoint_dir
        # Before the snapshot that is saved, as it asks for: what is signed later is no witness against that.
        held = Held(keys, folder=notes if keys and notes and notes.is_dir() else None)
        manifest = _save(database, settings, path, tell)
        with (
            opened(path, _secret(settings), folder) as (_, dumped),
            _prepared(database, settings, path, manifest, dumped, Log(), tell) as (copy, _, _),
        ):
            tell("Verifying the trail", 0, 1)
            report = verify(copy.engine, held)
            tell("Verifying the trail", 1, 1)
    if report.findings:
        raise DrillFailed(f"the trail that came back does not verify: {report.sentences(utc_now())[0]}")
    with database.transaction() as db:
        details = {"schema": manifest.schema, "size": manifest.size}
        record(AuditEvent.BACKUP_DRILLED, details=details, session=db, actor=COMMAND_LINE)
    return manifest, report


def _refuse_what_does_not_belong_here(database: Database, path: Path, manifest: Manifest) -> Log:
    """Refuse a backup of something else; return which trail there is now."""
    kind = _store(database.engine).KIND
    if manifest.kind != kind:
        raise ForeignBackup(f"{path} is of {manifest.kind}, and this database is {kind}")
    if not is_known(manifest.schema):
        raise ForeignBackup(
            f"{path} is of migration {manifest.schema}, which this release does not know: restore it with the release"
            " that made it, or a newer one"
        )
    now: Log = _store(database.engine).log_of(database.engine)
    if now.log is not None and manifest.log != now.log:
        raise ForeignBackup(
            f"{path} is of the log {manifest.log}, and this database is {now.log}; into an empty database it could be"
            " restored"
        )
    return now


@contextmanager
def _prepared(
    database: Database, settings: Settings, path: Path, manifest: Manifest, dumped: Path, now: Log, tell: Tell
) -> Iterator[tuple[Database, Replayed, int]]:
    """Yield a copy that is ready for use, who was erased in it again, and how many sessions were ended.

    :param now: the trail that it will replace.
    """
    epoch = max(now.epoch, _highest_epoch_outside(settings, manifest))
    tell("Restoring", 0, 1)
    with _store(database.engine).scratch(database.engine, dumped) as engine:
        _compare(path, manifest, engine)
        tell("Restoring", 1, 1)
        upgrade(engine)
        copy = Database(lambda: engine)
        with refusing("the copy cannot be prepared"):
            with copy.transaction() as db:
                continue_numbers(db.connection(), _given(db, settings, now))
                # Before anything else, so that whatever is done to the copy stands in the tree that it begins.
                begin_epoch(db, after=epoch, actor=COMMAND_LINE)
                sessions = end_sessions(db, None, actor=COMMAND_LINE)
            replayed = replay(copy, settings.erasure_ledger)
        # So that the trail verifies at once, and not only when a worker has come round.
        Sealer(copy, host_of(settings)).seal()
        yield copy, replayed, sessions


def _highest_epoch_outside(settings: Settings, manifest: Manifest) -> int:
    with refusing("the folder of checkpoints cannot be read"):
        return highest_epoch_in_folder(settings.checkpoint_dir, manifest.log)


def _given(db: Session, settings: Settings, now: Log) -> dict[str, int]:
    """Return the highest number that is known to have been given in each table: whose it was, nobody else may be."""
    given = dict(now.given)
    for kind, number in highest_numbers(name_of(get_key(db)), settings.erasure_ledger).items():
        table = f"gatehouse_{kind}s"
        given[table] = max(number, given.get(table, 0))
    return given


def _compare(path: Path, manifest: Manifest, engine: Engine) -> None:
    found = _store(engine).look(engine)
    if found != Contents(manifest.schema, manifest.log, manifest.epoch, manifest.size, dict(manifest.counts)):
        raise DamagedBackup(path, "what comes out of it is not what its manifest says")


def _store(engine: Engine) -> ModuleType:
    return sqlite if engine.dialect.name == sqlite.KIND else postgresql


def _secret(settings: Settings) -> bytes | None:
    return None if settings.backup_key_file is None else read_key(settings.backup_key_file)


def _workplace(path: Path, settings: Settings) -> Path:
    """Return where there is room for a copy. One that is to be encrypted is nowhere to be found beside the file."""
    return path.absolute().parent if settings.backup_key_file is None else Path(tempfile.gettempdir())


def _workplaces(database: Database, path: Path, settings: Settings) -> list[Path]:
    """Return where a backup may be unpacked: it may lie where nobody may write, as on a mount for reading alone."""
    places = [_workplace(path, settings)]
    if database.engine.dialect.name == sqlite.KIND:
        # Where there has to be room for it in any case.
        places.append(sqlite.path_of(database.engine).absolute().parent)
    return [*places, Path(tempfile.gettempdir())]


def _write_ledger(database: Database, settings: Settings) -> None:
    """Write out what erasures have left to do: it stands in the database that is about to be replaced.

    :raises UnwritableLedger: if the ledger takes nothing; once the database is replaced, nobody knows of them any more.
    """
    try:
        while write_out(database, settings.erasure_ledger):
            continue
    except UnwritableLedger:
        raise
    except (DependencyUnavailable, DBAPIError) as error:
        # It may be broken, which is why it is replaced.
        log.warning("erasures that do not stand in the ledger yet could not be written there: %s", error)
