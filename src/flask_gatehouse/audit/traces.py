"""Where the trail speaks of a person: for her export, and for her erasure."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, union_all
from sqlalchemy.orm import Session

from ..db.database import Database
from ..kernel.identifiers import id_in
from ..kernel.text import case_folded_address
from .erasure import lookups, next_numbers
from .events import AuditEvent
from .models import AuditEventRow
from .understanding import understood, values_beside

BATCH = 500
_events = AuditEventRow.__table__.c
_CAME_IN = (AuditEvent.INVITE_USED, AuditEvent.JOIN_USED)
_ENDED = (
    *_CAME_IN,
    *(AuditEvent.INVITE_REVOKED, AuditEvent.INVITE_EXPIRED),
    *(AuditEvent.JOIN_DECLINED, AuditEvent.JOIN_EXPIRED),
)
_KINDS = {"invitation", "join_request"}


def subjects_of_user(db: Session, user_id: int) -> set[str]:
    """Return the invitations and requests with which a user came in: what the trail says of them is about her."""
    found = select(_events.target_type, _events.target_id).where(
        _events.actor_id == user_id, _events.event.in_(_CAME_IN)
    )
    return _subjects(db.execute(found))


def subjects_named(db: Session, addresses: Collection[str], since: datetime) -> set[str]:
    """Return the invitations and requests to one of these addresses that have ended since a moment.

    :param addresses: case-folded.
    :param since: what ended before has lost its values by retention.
    """
    # By numbers, as in ``next_numbers``: SQLite with statistics would walk all that has happened since.
    ended = select(_events.id).where(_events.event.in_(_ENDED))
    rows = db.execute(
        select(_events.target_type, _events.target_id, _events.personal)
        .where(_events.id.in_(ended), _events.occurred_at >= since, _events.personal.is_not(None))
        .execution_options(yield_per=BATCH)
    )
    return _subjects(row for row in rows if _address(row.personal) in addresses)


def ended_subjects(db: Session, after: int, before: datetime, *, limit: int) -> tuple[int, set[str]]:
    """Return the next invitations and requests that ended before a moment, after the number of the last event of those.

    :param after: the number that was returned the last time.
    """
    each = (next_numbers(_events.event == name, after, limit).subquery() for name in _ENDED)
    numbers = union_all(*(select(found.c.id) for found in each)).subquery()
    next_of_all = select(numbers.c.id).order_by(numbers.c.id).limit(limit)
    columns = (_events.id, _events.target_type, _events.target_id, _events.occurred_at)
    rows = db.execute(select(*columns).where(_events.id.in_(next_of_all)).order_by(_events.id))
    # One that is too young stops it, whatever follows: clocks differ, and nobody comes back to a lower number.
    due = list(takewhile(lambda row: row.occurred_at < before, rows))
    return due[-1].id if due else after, _subjects(due)


def _subjects(rows: Iterable[Any]) -> set[str]:
    """Return what such events are about.

    Whoever may add events can let one be about anything: somebody else, whom an erasure would take along, or what has
    no number, at which each erasure would fail.
    """
    return {f"{row.target_type}:{row.target_id}" for row in rows if row.target_type in _KINDS and id_in(row.target_id)}


def count_events_about(connection: Connection | Session, subject: str) -> int:
    """Return how many events name somebody, as who did something or to whom it was done."""
    kind, _, number = subject.partition(":")
    counts = [select(func.count()).where(where) for where in _apart(kind, number)]
    return sum(connection.execute(count).scalar_one() for count in counts)


def events_about(database: Database, subjects: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield every event that names one of these, the oldest first; of personal values theirs alone.

    No connection is held between two batches: whoever reads may be slow.

    :param subjects: as events say it: ``user:12``, ``invitation:7``.
    """
    ways = [where for subject in subjects for where in _apart(*subject.split(":", 1))]
    last = 0
    for row in heapq.merge(*(_batches(database, where) for where in ways), key=lambda row: row.id):
        if row.id > last:
            last = row.id
            content = understood(row.body)
            # What is no event says nothing of anybody.
            if content is not None:
                yield _shown(content, values_beside(row.personal), subjects)


def _apart(kind: str, number: str) -> Iterator[ColumnElement[bool]]:
    """Yield where events of a subject can stand, so that none stands in two places."""
    first, *rest = lookups(kind, number)
    yield first
    for where in rest:
        yield where & (_events.target_type.is_distinct_from(kind) | _events.target_id.is_distinct_from(number))


def _batches(database: Database, where: ColumnElement[bool]) -> Iterator[Any]:
    last = 0
    while True:
        with database.reading() as connection:
            found = select(_events.id, _events.body, _events.personal).where(where, _events.id > last)
            rows = connection.execute(found.order_by(_events.id).limit(BATCH)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def _shown(content: dict[str, Any], kept: Mapping[str, str], subjects: Collection[str]) -> dict[str, Any]:
    """Return an event for the person whom it names."""
    hers = {field: entry["of"] for field, entry in content["personal"].items() if entry["of"] in subjects}
    names = ("id", "at", "event", "outcome", "reason", "actor", "target", "change", "details")
    shown = {name: content[name] for name in names}
    if f"user:{content['actor']['id']}" in subjects:
        # Whose session and request it was otherwise is somebody else's affair.
        shown |= {"session": content["session"], "request": content["request"]}
    return shown | {"personal": {field: kept.get(field) for field in hers}}


def _address(personal: str) -> str | None:
    address = values_beside(personal).get("email")
    return None if address is None else case_folded_address(address)
