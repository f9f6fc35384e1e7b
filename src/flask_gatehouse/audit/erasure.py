"""Erasing what the trail knows about a person. What happened stays, and still verifies.

A value and its salt leave the event that they stand beside; of the commitment in the event's body nothing can be
learned then. An event of its own says whose values are gone: verification takes nothing else for an explanation.

What is erased is gone from the tables. It may be elsewhere still: in backups, in exports, in a database's own log.
SQLite's is emptied by :func:`empty_log`; on PostgreSQL, VACUUM and the end of archived logs do the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from ..db.database import Database
from ..kernel.context import SYSTEM, Actor, acting
from ..kernel.identifiers import id_in
from .body import canonical, moment
from .events import AuditEvent, Outcome, Upkeep
from .models import AuditEventRow
from .service import Target, record
from .understanding import kept_values, owners_of

BATCH = 500
# Any fixed number: it names the turn that is taken on PostgreSQL.
_TURN = 7_205_349_414

_events = AuditEventRow.__table__.c
_REMOVE = (
    update(AuditEventRow.__table__)  # type: ignore[arg-type]
    .where(_events.id == bindparam("key"))
    .values(personal=bindparam("kept"), ip=bindparam("address"))
)


def erase_personal(
    session: Session,
    subjects: Collection[str],
    *,
    about: Target | None = None,
    before: datetime | None = None,
    reason: str | None = None,
    if_any: bool = False,
    actor: Actor | None = None,
) -> int:
    """Erase every personal value of these subjects from the trail, and record that; return how many values there were.

    Another person's values in the same events stay. To be called last in its transaction: whatever is recorded
    afterwards on behalf of the same person has her address again, and the erasure itself is recorded without.

    :param subjects: to whom the values belong, as events say it: ``user:12``, ``invitation:7``.
    :param about: what the recorded event is about; a user, mostly.
    :param before: values of later events stay, where an id may have been given to somebody else since.
    :param reason: why, in one word.
    :param if_any: record nothing where there was nothing to erase.
    :param actor: who erases; the person of the running request by default.
    :raises ValueError: if a subject is not of the form ``kind:id``.
    """
    wanted = sorted(set(subjects))
    places = [(subject, *_parsed(subject)) for subject in wanted]
    take_turn(session)
    erased = sum(
        _erase(session, subject, where if before is None else where & (_events.occurred_at < before))
        for subject, kind, number in places
        for where in lookups(kind, number)
    )
    if if_any and not erased:
        return 0
    who = actor or acting()
    if f"user:{who.user_id}" in wanted:
        who = replace(who, ip=None, user_agent=None)
    details = {"subjects": wanted, "values": erased}
    record(AuditEvent.PERSONAL_DATA_ERASED, resource=about, details=details, reason=reason, session=session, actor=who)
    return erased


def erase_unknown(session: Session, before: datetime, after: int, *, limit: int = BATCH) -> tuple[int, int]:
    """Erase of refusals before a moment what nobody knows whose it is, and record that; so many refusals at a time.

    :param after: the number of the last event that was looked at.
    :returns: the number of the last event that was looked at now, and how many values there were.
    """
    take_turn(session)
    columns = (_events.id, _events.ip, _events.body, _events.personal, _events.occurred_at)
    refused = next_numbers(_events.outcome == Outcome.DENIED, after, limit)
    rows = session.execute(select(*columns).where(_events.id.in_(refused)).order_by(_events.id)).all()
    # One that is too young stops it, whatever follows: clocks differ, and the next time comes soon.
    due = list(takewhile(lambda row: row.occurred_at < before, rows))
    changes = [change for row in due if row.personal is not None and (change := _without(row, None)) is not None]
    erased = sum(count for _, count in changes)
    if changes:
        session.execute(_REMOVE, [values for values, _ in changes])
        details = {"subjects": [], "unknown_before": f"{moment(before)}Z", "values": erased}
        why = Upkeep.RETENTION
        record(AuditEvent.PERSONAL_DATA_ERASED, details=details, reason=why, session=session, actor=SYSTEM)
    return due[-1].id if due else after, erased


def next_numbers(where: ColumnElement[bool], after: int, limit: int) -> Select[tuple[int]]:
    """Return a SELECT of the next numbers of events for which one column holds something, which an index answers alone.

    For more than numbers SQLite with statistics walks the whole trail, where all events are much alike and none of them
    is such a one, and as often as the worker asks. Nobody can write meanwhile.

    :param after: the number before them.
    """
    return select(_events.id).where(where, _events.id > after).order_by(_events.id).limit(limit)


def take_turn(session: Session) -> None:
    """Let one erasure happen at a time: of two that take values from one event, the second would put them back."""
    if session.connection().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_TURN)))


def empty_log(database: Database) -> bool:
    """Move what SQLite's write-ahead log holds into the database file, and empty it; return whether that succeeded.

    Until then the log may hold pages as they were before an erasure. Somebody who is reading can prevent it for a
    moment. Other databases have nothing of the kind, and succeed.
    """
    if database.engine.dialect.name != "sqlite":
        return True
    with database.reading() as connection:
        is_busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    return not is_busy


def _parsed(subject: str) -> tuple[str, str]:
    kind, colon, number = subject.partition(":")
    if not (kind and colon and number):
        raise ValueError(f"a subject is a kind and an id, as user:12, and not {subject!r}")
    return kind, number


def lookups(kind: str, number: str) -> Iterator[ColumnElement[bool]]:
    """Yield where events that hold values of a subject can stand: she did it, or it was done to her."""
    yield (_events.target_type == kind) & (_events.target_id == number)
    if kind == "user" and (user_id := id_in(number)) is not None:
        yield _events.actor_id == user_id


def _erase(session: Session, subject: str, where: ColumnElement[bool]) -> int:
    columns = (_events.id, _events.ip, _events.body, _events.personal)
    last, erased = 0, 0
    while True:
        found = select(*columns).where(where, _events.personal.is_not(None), _events.id > last)
        rows = session.execute(found.order_by(_events.id).limit(BATCH)).all()
        changes = [change for row in rows if (change := _without(row, subject)) is not None]
        if changes:
            session.execute(_REMOVE, [values for values, _ in changes])
            erased += sum(count for _, count in changes)
        if len(rows) < BATCH:
            return erased
        last = rows[-1].id


def _without(row: Any, subject: str | None) -> tuple[dict[str, object], int] | None:
    """Return an event's row without a subject's values and how many they are; None if she has none there."""
    kept, owners = kept_values(row.personal), owners_of(row.body)
    # A value that no commitment stands for is somebody's forgery, which is verification's affair.
    hers = {field for field in kept if field in owners and owners[field] == subject}
    if not hers:
        return None
    rest = {field: entry for field, entry in kept.items() if field not in hers}
    address = None if "ip" in hers else row.ip
    return {"key": row.id, "kept": canonical(rest) if rest else None, "address": address}, len(hers)
