"""Letting checkpoints leave the database: when, and where to."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..alerts import webhook
from ..audit import AuditEvent, record
from ..audit.checkpoints import (
    make_checkpoint,
    mark_delivered,
    newest_in_folder,
    newest_undelivered,
    note_name,
    unsigned,
)
from ..audit.errors import InconsistentTree
from ..audit.keys import former_keys
from ..audit.note_keys import SigningKey, VerifierKey
from ..audit.notes import Checkpoint
from ..db.database import Database
from ..kernel.context import SYSTEM
from ..kernel.errors import DependencyUnavailable
from ..kernel.files import keep_names, write_new
from ..settings import Settings

log = logging.getLogger("flask_gatehouse.audit")
# An edit that is newer than the last checkpoint cannot be shown: whichever comes first.
EVERY_S = 60.0
EVERY_EVENTS = 1000


class Witness:
    """Signs how the trail stands, and carries it out of the database; one for each worker."""

    def __init__(
        self, database: Database, settings: Settings, key: SigningKey, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare to sign.

        :raises MalformedKey: if the settings name a former key that is none.
        """
        self._database, self._settings, self._key, self._clock = database, settings, key, clock
        self._former = former_keys(settings)
        self._signed_at: float | None = None
        # So that a trail that does not fit is told once, and not every second.
        self._refused = False

    def sign_if_due(self) -> None:
        """Sign after a minute, or after a thousand events; carry out what has not left yet.

        :raises DependencyUnavailable: if the database or the webhook does not answer.
        """
        with self._database.reading() as connection:
            waiting = unsigned(connection)
        idle = self._signed_at is None or self._clock() - self._signed_at >= EVERY_S
        if waiting >= EVERY_EVENTS or (waiting and idle):
            self.sign()
        self.publish()

    def sign(self) -> str | None:
        """Sign now; return the note, or None if there is nothing new to sign, or nothing may be signed.

        :raises DependencyUnavailable: if the database does not answer, or the folder cannot be read.
        """
        try:
            return self.sign_or_refuse()
        except InconsistentTree as error:
            self._tell(error)
            return None

    def sign_or_refuse(self) -> str | None:
        """Sign now; return the note, or None if there is nothing new to sign.

        :raises InconsistentTree: if the trail does not continue what was signed before.
        :raises DependencyUnavailable: if the database does not answer, or the folder cannot be read.
        """
        self._signed_at = self._clock()
        outside = newest_outside(self._settings, [self._key.verifier, *self._former])
        with self._database.transaction() as db:
            note = make_checkpoint(db, self._key, outside, self._former)
        self._refused = False
        if note:
            log.info("checkpoint %s", note.replace("\n", " | ").strip(" |"))
        return note

    def publish(self) -> None:
        """Carry the newest checkpoint that has not left yet into the folder and to the webhook.

        :raises DependencyUnavailable: if the database or the webhook does not answer, or the folder takes nothing.
        """
        with self._database.reading() as connection:
            found = newest_undelivered(connection)
        if found is None:
            return
        epoch, size, note = found
        if self._settings.checkpoint_dir:
            with _folder_as_unavailable():
                write_note(self._settings.checkpoint_dir, note_name(epoch, size), note)
        hook = self._settings.checkpoint_webhook_url
        if hook is not None:
            secret = self._settings.alert_webhook_secret
            content = {"type": "audit.checkpoint", "epoch": epoch, "size": size, "note": note}
            webhook.post(hook.reveal(), secret.reveal() if secret else None, content)
        with self._database.transaction() as db:
            mark_delivered(db, epoch, size)

    def _tell(self, error: InconsistentTree) -> None:
        if self._refused:
            return
        self._refused = True
        log.error("%s", error)
        details = {"size": error.size, "signed_size": error.signed_size}
        with self._database.transaction() as db:
            record(AuditEvent.VERIFY_FAILED, details=details, reason="inconsistent", session=db, actor=SYSTEM)


def newest_outside(settings: Settings, keys: Sequence[VerifierKey]) -> list[Checkpoint]:
    """Return the newest checkpoint of the folder that one of the keys has signed, if there is one.

    :raises DependencyUnavailable: if the folder cannot be read.
    """
    with _folder_as_unavailable():
        return newest_in_folder(settings.checkpoint_dir, keys)


@contextmanager
def _folder_as_unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DependencyUnavailable(f"the folder of checkpoints ({error.strerror})", 30) from error


def write_note(folder: Path, name: str, note: str) -> None:
    """Write a note so that whoever looks sees all of it or nothing, and a power cut does not take it back.

    :raises OSError: if the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{secrets.token_hex(8)}"
    write_new(unfinished, [note.encode()])
    try:
        # What it says is for everybody.
        unfinished.chmod(0o644)
        unfinished.replace(folder / name)
    finally:
        unfinished.unlink(missing_ok=True)
    keep_names(folder)
