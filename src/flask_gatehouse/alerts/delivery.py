"""Bringing events to a sink: each at least once, in their order, by one worker at a time."""

import logging
from collections.abc import Callable, Collection

from ..audit import AuditEvent, record
from ..audit.following import Place, SealedEvent, events_from
from ..db.database import Database
from ..kernel.context import SYSTEM
from ..kernel.errors import DependencyUnavailable
from .cursor import MOST_FAILURES, Cursor
from .errors import LetterRefused

log = logging.getLogger("flask_gatehouse.alerts")


class Delivery:
    """Brings events of some kinds to a sink that begins at the trail's end when it is first asked for."""

    def __init__(
        self, database: Database, name: str, kinds: Collection[str], deliver: Callable[[SealedEvent], None]
    ) -> None:
        """Name the sink, and what brings one event to it.

        :param name: under which it is remembered how far it has come.
        :param deliver: raises ``DependencyUnavailable`` if the event did not arrive, which is brought again then, and
            ``LetterRefused`` if it never will.
        """
        self._database, self._kinds, self._deliver = database, frozenset(kinds), deliver
        self._cursor = Cursor(database, name)

    def run(self) -> None:
        """Bring what is there. Nothing is held while the sink is spoken to, neither a lock nor a transaction.

        :raises DependencyUnavailable: if the database does not answer.
        """
        place = self._cursor.lease()
        if place is None:
            return
        while True:
            with self._database.reading() as connection:
                events, following = events_from(connection, place, self._kinds)
            for event in events:
                if not self._bring(event):
                    return
                after = Place(event.place.epoch, event.place.position + 1)
                if not self._move(place, after):
                    return
                place = after
            if following == place:
                break
            if not self._move(place, following):
                return
            place = following
        self._cursor.release()

    def _bring(self, event: SealedEvent) -> bool:
        """Return whether the event has been dealt with."""
        try:
            self._deliver(event)
        except LetterRefused as error:
            self._give_up(event, str(error))
        except DependencyUnavailable as error:
            if self._cursor.retry_later(error):
                return False
            self._give_up(event, f"{error}, {MOST_FAILURES} times")
        return True

    def _give_up(self, event: SealedEvent, why: str) -> None:
        """Leave an event behind, and say so where it is found: nobody has been told of it."""
        log.error("an event is given up for %s: %s", self._cursor.name, why)
        details = {"sink": self._cursor.name, "event": event.body["id"], "number_of_events": 1}
        with self._database.transaction() as db:
            record(AuditEvent.ALERT_UNDELIVERED, details=details, session=db, actor=SYSTEM)

    def _move(self, before: Place, after: Place) -> bool:
        with self._database.transaction() as db:
            return self._cursor.move(db, before, after)
