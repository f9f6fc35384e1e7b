"""Letting old events leave: archived first, checked as an auditor would check it, and only then deleted."""

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from ..audit import AuditEvent, record, verify_export
from ..audit.checkpoints import newest_in_folder
from ..audit.errors import CutNotAllowed, UnprovableEvent
from ..audit.exporting.selection import moment
from ..audit.exporting.writing import archive_lines
from ..audit.keys import believed_keys
from ..audit.retention import Leaving, cut, find_leaving
from ..audit.snapshot import snapshot
from ..db.database import Database, as_unavailable
from ..kernel.clock import utc_now
from ..kernel.context import SYSTEM
from ..kernel.errors import DependencyUnavailable
from ..settings import Settings

log = logging.getLogger("flask_gatehouse.audit")
_UNFINISHED = ".archive-"
# Nobody writes for so long; what is older was left by a worker that was killed.
ABANDONED_S = 3600.0


class Retention:
    """Archives and cuts the trail of one application; one for each worker.

    Several workers may be at it: one of them cuts, and the others take their archives back.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        """Prepare to let events leave, with the keys and the folders of the settings.

        :raises UnusableKeyFile: if the file of the key cannot be used.
        :raises MalformedKey: if a former key that is named is none.
        """
        self._database, self._settings = database, settings
        self._keys = believed_keys(settings)
        # So that a trail that does not prove itself is told once, and not every minute.
        self._refused = False

    def run(self) -> None:
        """Let everything leave that is old enough, as the worker does it.

        :raises DependencyUnavailable: if the database does not answer, or the folder takes nothing.
        """
        try:
            while self.let_leave():
                pass
        except CutNotAllowed as error:
            if not self._refused:
                log.warning("%s", error)
            self._refused = True

    def let_leave(self) -> Path | None:
        """Let the oldest range leave that is old enough; return its archive, or None if nothing left.

        :raises CutNotAllowed: if the database's role may not delete.
        :raises DependencyUnavailable: if the database does not answer, or the folder takes nothing.
        """
        length, folder = self._settings.audit_retention, self._settings.audit_archive_dir
        if length is None or folder is None:
            return None
        before = moment(utc_now() - length)
        try:
            with as_unavailable():
                archived = self._archive(folder, before)
        except OSError as error:
            raise DependencyUnavailable(f"the folder of archives ({error.strerror})", 30) from error
        except UnprovableEvent as error:
            self._tell(str(error))
            return None
        return None if archived is None else self._cut(*archived)

    def _archive(self, folder: Path, before: str) -> tuple[Leaving, Path] | None:
        """Write the archive of what leaves next; None if nothing does, or not as it is."""
        outside = newest_in_folder(self._settings.checkpoint_dir, self._keys)
        with snapshot(self._database.engine) as trail:
            leaving = find_leaving(trail, self._keys, outside, before)
            if leaving is None:
                return None
            lines = archive_lines(trail, leaving.section, leaving.to, utc_now())
            unfinished = write_unfinished(folder, (line.encode(errors="surrogatepass") for line in lines))
        said: list[str] = []
        keys = {name: key for one in self._keys for name, key in verify_export.read_key(str(one)).items()}
        is_signed = leaving.section.note is not None
        if verify_export.check(unfinished, keys if is_signed else {}, said.append):
            unfinished.unlink()
            self._tell(f"the archive of epoch {leaving.section.epoch} does not verify: {said[-1] if said else ''}")
            return None
        return leaving, finish(unfinished, folder / archive_name(leaving, digest_of(unfinished)))

    def _cut(self, leaving: Leaving, archive: Path) -> Path | None:
        with self._database.transaction() as db:
            is_done = cut(db, leaving, file=archive.name, sha256=digest_of(archive))
        if not is_done:
            # Somebody else was faster, or a person was erased whose values are in this file.
            archive.unlink()
            return None
        self._refused = False
        forget_unfinished(archive.parent)
        first, last, epoch = leaving.section.first, leaving.to - 1, leaving.section.epoch
        log.info("events %s to %s of epoch %s have left for %s", first, last, epoch, archive.name)
        return archive

    def _tell(self, sentence: str) -> None:
        if self._refused:
            return
        self._refused = True
        log.error("no event leaves the trail: %s", sentence)
        with self._database.transaction() as db:
            record(AuditEvent.VERIFY_FAILED, details={"task": "retention"}, reason="archive", session=db, actor=SYSTEM)


def archive_name(leaving: Leaving, digest: str) -> str:
    """Return what an archive is called; names sort as the trail grew, and two that differ have different ones."""
    section = leaving.section
    return f"{section.epoch}-{section.first:012}-{leaving.to:012}-{digest[:16]}.jsonl"


def write_unfinished(folder: Path, pieces: Iterable[bytes]) -> Path:
    """Write pieces into a new file of the folder that only its owner can read, and that is on the disk afterwards.

    :raises OSError: if the folder cannot be made or written; nothing is left then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=folder)
    is_whole = False
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        is_whole = True
    finally:
        if not is_whole:
            Path(name).unlink()
    return Path(name)


def finish(unfinished: Path, path: Path) -> Path:
    """Give a file its name, for good: a power cut after that does not take it back."""
    unfinished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return path


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def forget_unfinished(folder: Path) -> None:
    """Remove what a worker that was killed had begun to write. A whole archive is removed by nobody."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            path.unlink(missing_ok=True)
