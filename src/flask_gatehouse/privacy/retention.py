"""What nobody needs any longer goes by itself: run by the worker, a batch at a time, each in its own transaction."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.leaving import still_open
from ..audit.erasure import empty_log, erase_personal, erase_unknown
from ..audit.events import Upkeep
from ..audit.traces import ended_subjects
from ..db.base import now_of
from ..db.database import Database
from ..db.upsert import insert_of
from ..kernel.context import SYSTEM
from ..settings import Settings
from .leftovers import overwrite_what_is_deleted
from .models import RetentionCursor

BATCH = 200
# What takes the next batch: from the transaction and the last number to the new one, and how many values went.
Step = Callable[[Session, int], tuple[int, int]]


class PersonalRetention:
    """Erases from the trail what has been there long enough; one for each worker, of whom any number may run."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        # A worker before this one may have died between an erasure and the log of SQLite.
        self._leaves_traces = True

    def run(self) -> None:
        """Erase what is due.

        :raises DependencyUnavailable: if the database does not answer.
        """
        self._repeat("refusals", self._erase_refusals)
        self._repeat("invitations", self._erase_invitations)
        if self._leaves_traces:
            self._leaves_traces = not empty_log(self._database)

    def _repeat(self, name: str, step: Step) -> None:
        while True:
            with self._database.transaction() as db:
                overwrite_what_is_deleted(db)
                cursor = _cursor(db, name)
                before, (after, erased) = cursor.event_id, step(db, cursor.event_id)
                cursor.event_id = after
            self._leaves_traces |= erased > 0
            if after == before:
                return

    def _erase_refusals(self, db: Session, after: int) -> tuple[int, int]:
        """Take the network and the browser of whoever was refused and is unknown."""
        before = now_of(db) - self._settings.refusal_retention
        return erase_unknown(db, before, after)

    def _erase_invitations(self, db: Session, after: int) -> tuple[int, int]:
        """Take the addresses and names of invitations and requests to join that are over."""
        before = now_of(db) - self._settings.invitation_retention
        last, ended = ended_subjects(db, after, before, limit=BATCH)
        # One that has begun again keeps its values until it ends again.
        over = ended - still_open(db, ended)
        return last, erase_personal(db, over, reason=Upkeep.RETENTION, if_any=True, actor=SYSTEM)


def _cursor(db: Session, name: str) -> RetentionCursor:
    """Return how far a rule has come, locked: of two workers the second one waits and finds the new place."""
    found = select(RetentionCursor).where(RetentionCursor.name == name).with_for_update()
    if (row := db.scalars(found).first()) is None:
        # Of two that find none at the same moment, the first one makes it for both.
        db.execute(insert_of(db)(RetentionCursor).values(name=name, event_id=0).on_conflict_do_nothing())
        row = db.scalars(found).one()
    return row
