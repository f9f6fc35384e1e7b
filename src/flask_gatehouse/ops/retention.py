"""Letting old events leave: archived first, checked as an auditor would check it, and only then deleted."""

import logging
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..audit import AuditEvent, record, verify_export
from ..audit.body import moment
from ..audit.erasure import take_turn
from ..audit.errors import CutNotAllowed, UnprovableEvent
from ..audit.events import UNDECIDED
from ..audit.exporting.writing import archive_lines
from ..audit.keys import believed_keys
from ..audit.notes import Checkpoint
from ..audit.retention import Leaving, cut, find_leaving, is_named
from ..audit.snapshot import snapshot
from ..db.database import Database, as_unavailable
from ..kernel.clock import utc_now
from ..kernel.context import SYSTEM
from ..kernel.errors import DependencyUnavailable
from ..kernel.files import digest_of, keep_names, write_new
from ..settings import Settings
from .checkpoints import newest_outside

log = logging.getLogger("flask_gatehouse.audit")
_UNFINISHED = ".archive-"
_STAYS = "no event leaves the trail"
# Nobody writes for so long; what is older was left by a worker that was killed.
ABANDONED_S = 3600.0


class Archived(NamedTuple):
    """What can leave, and its file, which is there for good.

    :param sha256: of the file, in hexadecimal.
    """

    leaving: Leaving
    path: Path
    sha256: str


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
        # What has a file and has not left yet, because the database went away between the two.
        self._archived: Archived | None = None
        # So that each of what keeps events from leaving is told once, and not every minute.
        self._told: set[str] = set()

    def run(self) -> None:
        """Let everything leave that is old enough, as the worker does it.

        :raises DependencyUnavailable: if the database does not answer, or the folder takes nothing.
        """
        try:
            while self.let_leave():
                pass
        except CutNotAllowed as error:
            if "forbidden" not in self._told:
                log.warning("%s", error)
            self._told.add("forbidden")

    def let_leave(self) -> Path | None:
        """Let the oldest range leave that is old enough; return its archive, or None if nothing left.

        :raises CutNotAllowed: if the database's role may not delete.
        :raises DependencyUnavailable: if the database does not answer, or the folder takes nothing.
        """
        length, folder = self._settings.audit_retention, self._settings.audit_archive_dir
        if length is None or folder is None:
            return None
        outside = newest_outside(self._settings, self._keys)
        try:
            if self._archived is None or not self._is_whole(self._archived):
                with as_unavailable():
                    self._archived = self._archive(folder, outside, moment(utc_now() - length))
        except OSError as error:
            raise DependencyUnavailable(f"the folder of archives ({error.strerror})", 30) from error
        except UnprovableEvent as error:
            self._tell(f"{_STAYS}: {error}", "archive")
            return None
        if self._archived is None:
            return None
        left = self._cut(self._archived)
        self._archived = None
        return left

    def _is_whole(self, archived: Archived) -> bool:
        """Return whether the file of an archive is what was checked: what leaves for another one is gone.

        One that has changed is removed, unless its events have left for it. They are all in the trail still, and who is
        erased there would stay in a file that nobody takes back.

        :raises OSError: if it cannot be read.
        """
        path = archived.path
        if not path.exists():
            return False
        if digest_of(path) == archived.sha256:
            return True
        self._tell(f"{path} has changed since it was checked: what is in it is archived anew", "archive", "changed")
        with self._database.transaction() as db:
            # A cut whose answer was lost may still be on its way to its COMMIT.
            take_turn(db)
            has_left = is_named(db, path.name)
        if not has_left:
            path.unlink()
        return False

    def _archive(self, folder: Path, outside: Sequence[Checkpoint], before: str) -> Archived | None:
        """Write the archive of what leaves next; None if nothing does, or not as it is."""
        with snapshot(self._database.engine) as trail:
            leaving = find_leaving(trail, self._keys, outside, before)
            if leaving is None:
                return None
            lines = archive_lines(trail, leaving.section, leaving.to, utc_now())
            unfinished = write_unfinished(folder, (line.encode(errors="surrogatepass") for line in lines))
        said: list[str] = []
        keys = {name: key for one in self._keys for name, key in verify_export.read_key(str(one)).items()}
        is_signed = leaving.section.note is not None
        code = verify_export.check(unfinished, keys if is_signed else {}, said.append)
        if code:
            unfinished.unlink()
            # What could not be checked accuses nobody.
            why, word = ("does not verify", "archive") if code == 1 else ("could not be checked", UNDECIDED)
            why += f": {said[-1] if said else ''}"
            self._tell(f"{_STAYS}: the archive of epoch {leaving.section.epoch} {why}", word)
            return None
        sha256 = digest_of(unfinished)
        return Archived(leaving, finish(unfinished, folder / archive_name(leaving, sha256)), sha256)

    def _cut(self, archived: Archived) -> Path | None:
        leaving, path, sha256 = archived
        with self._database.transaction() as db:
            # One that was tried before may have happened, although the answer to its COMMIT was lost.
            has_left = cut(db, leaving, file=path.name, sha256=sha256) or is_named(db, path.name)
        if not has_left:
            # Somebody else was faster, or a person was erased whose values are in this file.
            path.unlink()
            return None
        self._told.clear()
        forget_unfinished(path.parent)
        first, last, epoch = leaving.section.first, leaving.to - 1, leaving.section.epoch
        log.info("events %s to %s of epoch %s have left for %s", first, last, epoch, path.name)
        return path

    def _tell(self, sentence: str, reason: str, what: str | None = None) -> None:
        """Tell the log and the trail, unless they have been told.

        :param what: what of it is told once; the reason, unless told otherwise.
        """
        if (what or reason) in self._told:
            return
        log.error("%s", sentence)
        with self._database.transaction() as db:
            record(AuditEvent.VERIFY_FAILED, details={"task": "retention"}, reason=reason, session=db, actor=SYSTEM)
        # Not before: while the database is away it would be told to nobody.
        self._told.add(what or reason)


def archive_name(leaving: Leaving, digest: str) -> str:
    """Return what an archive is called; names sort as the trail grew, and two that differ have different ones."""
    section = leaving.section
    return f"{section.epoch}-{section.first:012}-{leaving.to:012}-{digest[:16]}.jsonl"


def write_unfinished(folder: Path, pieces: Iterable[bytes]) -> Path:
    """Write pieces into a new file of the folder that only its owner can read, and that is on the disk afterwards.

    :raises OSError: if the folder cannot be made or written; nothing is left then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
    write_new(path, pieces)
    return path


def finish(unfinished: Path, path: Path) -> Path:
    """Give a file its name, for good: a power cut after that does not take it back."""
    unfinished.replace(path)
    keep_names(path.parent)
    return path


def forget_unfinished(folder: Path) -> None:
    """Remove what a worker that was killed had begun to write. A whole archive is removed by nobody."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            path.unlink(missing_ok=True)
