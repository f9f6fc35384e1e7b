"""From the trail to messages: what the rules say of it, gathered for each sink by itself."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ..accounts.errors import UserNotFound
from ..accounts.service import get_user
from ..audit import AuditEvent, record
from ..audit.following import Place, SealedEvent, events_from
from ..db.base import now_of
from ..db.database import Database
from ..kernel.context import SYSTEM
from ..kernel.errors import DependencyUnavailable
from ..kernel.identifiers import id_in
from ..settings import Settings
from .cursor import MOST_FAILURES, Cursor
from .errors import LetterRefused
from .groups import Due, Totals, drop_overdue, due_groups, forget_groups, gather, mark_told, note_overdue, title_of
from .messages import SHOWN, Alert, Message
from .overdue import OVERDUE, Overdue
from .rules import KINDS
from .sinks import Sink

log = logging.getLogger("flask_gatehouse.alerts")
# What happens within this time after a message waits for the next one: a mailbox is not flooded by many groups.
BETWEEN = timedelta(seconds=30)
# Seconds between two looks for what is overdue.
_LOOK_S = 60.0


class Alerts:
    """Follows the trail for one sink, and tells it what the rules say. One worker at a time does it for each sink."""

    def __init__(self, database: Database, settings: Settings, sink: Sink) -> None:
        self._database, self._settings, self._sink = database, settings, sink
        self._cursor = Cursor(database, sink.name)
        self._looked_at: float | None = None

    def run(self) -> None:
        """Count what has been added to the trail, then tell what is due.

        A crash between the two loses nothing; one between sending and writing that down tells it again.

        :raises DependencyUnavailable: if the database does not answer.
        """
        place = self._cursor.lease()
        if place is None or not self._gather(place):
            return
        told = self._tell()
        if told is not None:
            self._cursor.release(pause=BETWEEN if told else timedelta())

    def _gather(self, place: Place) -> bool:
        """Come to the end of the trail before anything is told, so that what waited is one message."""
        while True:
            with self._database.reading() as connection:
                events, following = events_from(connection, place, KINDS)
            if following == place:
                break
            with self._database.transaction() as db:
                if not self._cursor.move(db, place, following):
                    return False
                gather(db, self._sink.name, events)
            place = following
        if self._looked_at is None or time.monotonic() - self._looked_at >= _LOOK_S:
            self._look_for_overdue()
            self._looked_at = time.monotonic()
        return True

    def _look_for_overdue(self) -> None:
        with self._database.reading() as connection:
            now = now_of(connection)
            missing = [rule for rule in OVERDUE if rule.find(connection, self._settings, now)]
        with self._database.transaction() as db:
            for rule in missing:
                note_overdue(db, self._sink.name, rule, now)
            forget_groups(db, self._sink.name, now)

    def _tell(self) -> bool | None:
        """Return whether something was told; None if the sink did not take it, and is tried again later."""
        with self._database.transaction() as db:
            cutoff = now_of(db)
            groups, totals = due_groups(db, self._sink.name, cutoff, limit=SHOWN)
        if not groups:
            return False
        alerts, over = self._alerts(groups, cutoff)
        totals = {name: total for name, total in totals.items() if name not in over}
        message = self._message(alerts, totals) if alerts else None
        lost: str | None = None
        if message is not None:
            try:
                self._sink.send(message)
            except LetterRefused as error:
                lost = str(error)
            except DependencyUnavailable as error:
                if self._cursor.retry_later(error):
                    return None
                lost = f"{error}, {MOST_FAILURES} times"
        with self._database.transaction() as db:
            drop_overdue(db, self._sink.name, over)
            mark_told(db, self._sink.name, cutoff, now_of(db))
            if lost is not None:
                self._give_up(db, lost, totals)
        return message is not None

    def _give_up(self, db: Session, why: str, totals: Totals) -> None:
        """Leave a message behind, and say so where it is found."""
        log.error("a message is given up for %s: %s", self._sink.name, why)
        events = {name: count for name, (_, count) in totals.items()}
        details = {"sink": self._sink.name, "rules": events, "number_of_events": sum(events.values())}
        record(AuditEvent.ALERT_UNDELIVERED, details=details, session=db, actor=SYSTEM)

    def _alerts(self, groups: Sequence[Due], now: datetime) -> tuple[list[Alert], set[str]]:
        """Return what is said, and the names of the rules of which all was overdue and is no longer."""
        with self._database.reading() as connection:
            made = [(due.rule.name, self._alert(connection, due, now)) for due in groups]
        return [alert for _, alert in made if alert is not None], {name for name, alert in made if alert is None}

    def _message(self, alerts: Sequence[Alert], totals: Totals) -> Message:
        shown = Counter(alert.rule for alert in alerts)
        more = [(title_of(name), count - shown[name]) for name, (count, _) in totals.items() if count > shown[name]]
        url = self._settings.external_url("/admin/audit-logs")
        return Message(self._settings.app_name, url, alerts, more)

    def _alert(self, connection: Connection, due: Due, now: datetime) -> Alert | None:
        if isinstance(due.rule, Overdue):
            about = due.rule.find(connection, self._settings, now)
            if about is None:
                return None
            return Alert(due.rule.name, due.rule.title, about, "", 1, due.since, due.until)
        found = [
            event
            for epoch, position in due.examples
            for event in events_from(connection, Place(epoch, position), KINDS, limit=1)[0]
        ]
        return Alert(
            due.rule.name,
            due.rule.title,
            _in_words(connection, due.key) or None,
            due.key,
            due.count,
            due.since,
            due.until,
            [_line(connection, event) for event in found],
        )


def _in_words(connection: Connection, key: str) -> str:
    """Return whom a key means."""
    kind, _, identifier = key.partition(":")
    user_id = id_in(identifier) if kind == "user" else None
    if user_id is None:
        return key
    try:
        user = get_user(connection, user_id)
    except UserNotFound:
        return f"somebody who was deleted (user {user_id})"
    return f"{user.name} ({user.email or f'user {user.id}'})"


def _line(connection: Connection, event: SealedEvent) -> str:
    """Return an event as a line."""
    who, target, body = event.body["actor"], event.body["target"], event.body
    actor = _in_words(connection, f"user:{who['id']}") if who["id"] is not None else who["kind"]
    parts = [f"{event.occurred_at:%Y-%m-%d %H:%M:%S} UTC", event.event, f"by {actor}"]
    if target is not None and f"{target['type']}:{target['id']}" != f"user:{who['id']}":
        parts.append(f"on {_in_words(connection, '{type}:{id}'.format(**target))}")
    changes = [f"{name} from {before} to {after}" for name, (before, after) in body["change"].items()]
    if changes or body["reason"]:
        parts.append(", ".join([*changes, *([body["reason"]] if body["reason"] else [])]))
    if event.personal.get("ip"):
        parts.append(f"from {event.personal['ip']}")
    return " · ".join(parts)
