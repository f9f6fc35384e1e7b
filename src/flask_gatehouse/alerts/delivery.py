"""Bringing events to a sink: each at least once, in their order, by one worker at a time."""

import logging
from collections.abc import Callable, Collection
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ..audit.following import Place, SealedEvent, end_of_trail, events_from
from ..db.base import database_now
from ..db.database import Database
from ..kernel.errors import DependencyUnavailable
from .models import AlertSink

log = logging.getLogger("flask_gatehouse.alerts")
LEASE = timedelta(minutes=2)
# Seconds until the next try after one failure, two, three; the last one for all that follow.
PAUSES = (10, 60, 300, 900)
# After about a day an event is given up, so that the ones behind it go out.
MOST_FAILURES = 100


class Delivery:
    """Brings events of some kinds to a sink that begins at the trail's end when it is first asked for."""

    def __init__(
        self, database: Database, name: str, kinds: Collection[str], deliver: Callable[[SealedEvent], None]
    ) -> None:
        """Name the sink, and what brings one event to it.

        :param name: under which it is remembered how far it has come.
        :param deliver: raises ``DependencyUnavailable`` if the event did not arrive; it is brought again then.
        """
        self._database, self._name, self._kinds, self._deliver = database, name, frozenset(kinds), deliver

    def run(self) -> None:
        """Bring what is there. Nothing is held while the sink is spoken to, neither a lock nor a transaction.

        :raises DependencyUnavailable: if the database does not answer.
        """
        while (place := self._lease()) is not None:
            with self._database.reading() as connection:
                events, following = events_from(connection, place, self._kinds)
            for event in events:
                try:
                    self._deliver(event)
                except DependencyUnavailable as error:
                    self._retry_later(event, error)
                    return
                self._move(Place(event.place.epoch, event.place.position + 1))
            self._move(following, keep=False)
            if following == place:
                return

    def _lease(self) -> Place | None:
        """Take the sink for this worker; None if another one has it, or its next try is not due."""
        with self._database.transaction() as db:
            self._remember(db)
            now = db.scalars(select(database_now())).one()
            row = db.execute(
                update(AlertSink)
                .where(
                    AlertSink.name == self._name,
                    (AlertSink.leased_until.is_(None)) | (AlertSink.leased_until < now),
                    (AlertSink.retry_at.is_(None)) | (AlertSink.retry_at <= now),
                )
                .values(leased_until=now + LEASE)
                .returning(AlertSink.epoch, AlertSink.position)
            ).first()
        return None if row is None else Place(row.epoch, row.position)

    def _remember(self, db: Session) -> None:
        if db.get(AlertSink, self._name) is None:
            insert = postgresql_insert if db.connection().dialect.name == "postgresql" else sqlite_insert
            end = end_of_trail(db.connection())
            values = {"name": self._name, "epoch": end.epoch, "position": end.position}
            db.execute(insert(AlertSink).values(**values).on_conflict_do_nothing())

    def _move(self, place: Place, *, keep: bool = True) -> None:
        with self._database.transaction() as db:
            now = db.scalars(select(database_now())).one()
            lease = now + LEASE if keep else None
            values = {"epoch": place.epoch, "position": place.position, "failures": 0, "retry_at": None}
            db.execute(update(AlertSink).where(AlertSink.name == self._name).values(leased_until=lease, **values))

    def _retry_later(self, event: SealedEvent, error: DependencyUnavailable) -> None:
        with self._database.transaction() as db:
            sink = db.get_one(AlertSink, self._name, with_for_update=True)
            sink.failures += 1
            sink.leased_until = None
            if sink.failures >= MOST_FAILURES:
                log.error("%s is given up for %s after %s tries: %s", event.place, self._name, sink.failures, error)
                sink.position, sink.failures, sink.retry_at = event.place.position + 1, 0, None
                return
            pause = PAUSES[min(sink.failures, len(PAUSES)) - 1]
            sink.retry_at = db.scalars(select(database_now())).one() + timedelta(seconds=pause)
            log.warning("%s; %s is tried again in %s seconds", error, self._name, pause)
