"""Groups in the database: counting events into them, and taking out what is due."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..audit import AuditEvent
from ..audit.following import SealedEvent
from ..db.base import now_of
from .models import KEY_LENGTH, AlertGroup
from .overdue import OVERDUE, Overdue
from .rules import RULES, Group, Rule, add

_ALL: tuple[Rule | Overdue, ...] = (*RULES, *OVERDUE)
_RULES = {rule.name: rule for rule in _ALL}
# Of each rule, how many groups and how many events are due.
Totals: TypeAlias = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Due:
    """A group that is told now.

    :param examples: epoch and position of some of its events.
    """

    rule: Rule | Overdue
    key: str
    count: int
    since: datetime
    until: datetime
    examples: Sequence[tuple[int, int]]


def gather(db: Session, sink: str, events: Sequence[SealedEvent]) -> None:
    """Count events into the groups of a sink, in the caller's transaction."""
    groups: dict[tuple[str, str], Group] = {}
    now = now_of(db)
    for event in events:
        for rule in RULES:
            key = rule.group(event) if event.event in rule.events and rule.applies(event) else None
            if key is None or _is_of(sink, event):
                continue
            place = (rule.name, key[:KEY_LENGTH])
            if place not in groups:
                groups[place] = _load(db, sink, *place)
            add(groups[place], rule, event, now)
    for (name, key), group in groups.items():
        _store(db, sink, name, key, group)


def note_overdue(db: Session, sink: str, rule: Overdue, now: datetime) -> None:
    """Have the sink told that something is overdue, unless it was not long ago."""
    group = _load(db, sink, rule.name, "")
    if group.due_at is None and (group.quiet_until is None or group.quiet_until <= now):
        group.count, group.since, group.until, group.due_at = 1, now, now, now
        _store(db, sink, rule.name, "", group)


def due_groups(db: Session, sink: str, now: datetime, *, limit: int) -> tuple[Sequence[Due], Totals]:
    """Return the groups that are due, the oldest first, and of each rule how many groups and how many events are.

    :param limit: of how many groups are returned; all are counted.
    """
    due = (AlertGroup.sink == sink, AlertGroup.due_at <= now, AlertGroup.rule.in_(list(_RULES)))
    rows = db.scalars(select(AlertGroup).where(*due).order_by(AlertGroup.due_at, AlertGroup.key).limit(limit)).all()
    totals = db.execute(
        select(AlertGroup.rule, func.count(), func.sum(AlertGroup.count)).where(*due).group_by(AlertGroup.rule)
    )
    found = [
        Due(
            _RULES[row.rule],
            row.key,
            row.count,
            row.since or now,
            row.until or now,
            [(epoch, position) for epoch, position in json.loads(row.examples)],
        )
        for row in rows
    ]
    return found, {name: (groups, int(events)) for name, groups, events in totals}


def drop_overdue(db: Session, sink: str, names: Collection[str]) -> None:
    """Forget what was overdue and is no longer: nobody was told, and once it is so again somebody has to be at once."""
    if names:
        db.execute(
            delete(AlertGroup).where(AlertGroup.sink == sink, AlertGroup.rule.in_(list(names))),
            execution_options={"synchronize_session": False},
        )


def mark_told(db: Session, sink: str, cutoff: datetime, now: datetime) -> None:
    """Begin anew with every group that was due by a moment, and let it be quiet for its rule's window."""
    for name, rule in _RULES.items():
        quiet = now + rule.window
        db.execute(
            update(AlertGroup)
            .where(AlertGroup.sink == sink, AlertGroup.rule == name, AlertGroup.due_at <= cutoff)
            .values(count=0, since=None, until=None, examples="[]", due_at=None, quiet_until=quiet, forget_at=quiet),
            execution_options={"synchronize_session": False},
        )


def forget_groups(db: Session, sink: str, now: datetime) -> None:
    """Delete groups that say nothing any more, and those of rules that this release does not have."""
    over = (AlertGroup.due_at.is_(None)) & (AlertGroup.forget_at < now)
    db.execute(
        delete(AlertGroup).where(AlertGroup.sink == sink, or_(over, AlertGroup.rule.not_in(list(_RULES)))),
        execution_options={"synchronize_session": False},
    )


def title_of(name: str) -> str:
    """Return the title of a rule."""
    return _RULES[name].title


def _is_of(sink: str, event: SealedEvent) -> bool:
    """Return whether an event says that this very sink does not work, which only others can be told."""
    return event.event == AuditEvent.ALERT_UNDELIVERED and event.body["details"].get("sink") == sink


def _load(db: Session, sink: str, rule: str, key: str) -> Group:
    row = db.get(AlertGroup, (sink, rule, key))
    if row is None:
        return Group()
    examples = [(epoch, position) for epoch, position in json.loads(row.examples)]
    return Group(row.count, row.since, row.until, examples, row.due_at, row.quiet_until)


def _store(db: Session, sink: str, name: str, key: str, group: Group) -> None:
    last = group.until or group.since
    forget_at = max(moment for moment in (last and last + _RULES[name].window, group.quiet_until) if moment is not None)
    db.merge(
        AlertGroup(
            sink=sink,
            rule=name,
            key=key,
            count=group.count,
            since=group.since,
            until=group.until,
            examples=json.dumps(group.examples),
            due_at=group.due_at,
            quiet_until=group.quiet_until,
            forget_at=forget_at,
        )
    )
    db.flush()
