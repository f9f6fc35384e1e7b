"""How far one reader of the trail has come, kept so that one worker at a time goes on from there."""

import logging
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from ..audit.following import Place, end_of_trail
from ..db.base import now_of
from ..db.database import Database
from ..db.upsert import insert_of
from ..kernel.errors import DependencyUnavailable
from .models import AlertSink

log = logging.getLogger("flask_gatehouse.alerts")
LEASE = timedelta(minutes=2)
# Seconds until the next try after one failure, two, three; the last one for all that follow.
PAUSES = (10, 60, 300, 900)
# After about a day something is given up, so that what is behind it goes out.
MOST_FAILURES = 100


class Cursor:
    """The place of one reader, which begins at the trail's end when it is first asked for.

    :param name: under which it is remembered how far it has come.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database, self.name = database, name

    def lease(self) -> Place | None:
        """Take the place for this worker; None if another one has it, or its next try is not due.

        :raises DependencyUnavailable: if the database does not answer.
        """
        with self._database.transaction() as db:
            self._remember(db)
            now = now_of(db)
            row = db.execute(
                update(AlertSink)
                .where(
                    AlertSink.name == self.name,
                    (AlertSink.leased_until.is_(None)) | (AlertSink.leased_until < now),
                    (AlertSink.retry_at.is_(None)) | (AlertSink.retry_at <= now),
                )
                .values(leased_until=now + LEASE)
                .returning(AlertSink.epoch, AlertSink.position)
            ).first()
        return None if row is None else Place(row.epoch, row.position)

    def _remember(self, db: Session) -> None:
        if db.get(AlertSink, self.name) is None:
            end = end_of_trail(db.connection())
            values = {"name": self.name, "epoch": end.epoch, "position": end.position}
            db.execute(insert_of(db)(AlertSink).values(**values).on_conflict_do_nothing())

    def move(self, db: Session, before: Place, after: Place) -> bool:
        """Go on in the caller's transaction, and keep the lease; False if another worker has gone on from there."""
        now = now_of(db)
        moved = db.execute(
            update(AlertSink)
            .where(AlertSink.name == self.name, AlertSink.epoch == before.epoch, AlertSink.position == before.position)
            .values(epoch=after.epoch, position=after.position, leased_until=now + LEASE)
            .returning(AlertSink.name)
        ).first()
        return moved is not None

    def release(self, *, pause: timedelta = timedelta()) -> None:
        """Give the place back after something went well.

        :param pause: for how long nobody takes it again.
        """
        with self._database.transaction() as db:
            values: dict[str, object] = {"leased_until": None, "failures": 0, "retry_at": None}
            if pause:
                values["retry_at"] = now_of(db) + pause
            db.execute(update(AlertSink).where(AlertSink.name == self.name).values(**values))

    def retry_later(self, error: DependencyUnavailable) -> bool:
        """Give the place back after a failure, and say in the log when the next try is; False after the last one."""
        with self._database.transaction() as db:
            sink = db.get_one(AlertSink, self.name, with_for_update=True)
            sink.failures += 1
            sink.leased_until = None
            if sink.failures >= MOST_FAILURES:
                sink.failures, sink.retry_at = 0, None
                return False
            pause = PAUSES[min(sink.failures, len(PAUSES)) - 1]
            sink.retry_at = now_of(db) + timedelta(seconds=pause)
        log.warning("%s; %s is tried again in %s seconds", error, self.name, pause)
        return True
