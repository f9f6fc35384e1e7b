"""The review of access: who may come in and has not for long, and who has a role about which nobody has decided lately.

Whoever keeps what she has is off the list for as long as a review may stay away; whoever does not becomes a viewer, or
is deactivated. A role that somebody gives is a decision, too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, literal_column, select, true, tuple_, update
from sqlalchemy.orm import Session

from ..audit import AuditEvent, Facts, record, record_each
from ..audit.history import latest_event
from ..db.base import now_of
from ..kernel.context import Actor
from ..kernel.identifiers import LARGEST_ID
from .bulk import Action, BulkResult, Change, Skip, change_many
from .columns import row_columns, users
from .errors import ReviewUnfinished
from .locks import lock_administrators
from .models import User
from .rules import Role
from .views import UserRow

PAGE = 25
# How many people one transaction decides about.
AT_ONCE = 1000


class Part(StrEnum):
    ROLES = "roles"
    DORMANT = "dormant"


class Decision(StrEnum):
    CONFIRM = "confirm"
    WITHDRAW = "withdraw"


# The column that a part is in the order of; those who cannot come in are on neither.
_ORDER = {Part.ROLES: users.c.role_confirmed_at, Part.DORMANT: users.c.idle_since}
# In the words of the partial index: a planner takes it for nothing else.
_HAS_A_ROLE = users.c.role != literal_column("'viewer'")
# Compared, because SQLite looks for no index for a bare column.
_CAN_COME_IN = users.c.is_active == true()
_WITHDRAWN = {Part.ROLES: Change(Action.ROLE, Role.VIEWER), Part.DORMANT: Change(Action.DEACTIVATE)}


@dataclass(frozen=True, slots=True)
class Periods:
    """How long nobody need look.

    :param dormant_after: at an account into which nobody comes.
    :param interval: at a role.
    """

    dormant_after: timedelta
    interval: timedelta

    def of(self, part: Part) -> timedelta:
        return self.interval if part is Part.ROLES else self.dormant_after


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody about whom there is something to decide.

    :param since: when she came in last or was told to stay, or when somebody last decided about her role.
    """

    user: UserRow
    since: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the review stands.

    :param completed_at: when it was last completed; None if it never was.
    :param completed_by: the administrator who did it.
    :param due_at: when it must be completed again, at the latest.
    """

    completed_at: datetime | None
    completed_by: int | None
    due_at: datetime


def list_due(
    connection: Connection,
    part: Part,
    periods: Periods,
    *,
    after: tuple[datetime, int] | None = None,
    limit: int = PAGE,
) -> Sequence[Due]:
    """Return whom somebody has to decide about, the longest forgotten first.

    :param after: ``since`` and id of the last one of the page before.
    """
    moment = _ORDER[part]
    statement = select(*row_columns, moment.label("since")).where(*_due(part, now_of(connection), periods))
    if after is not None:
        statement = statement.where(tuple_(moment, users.c.id) > tuple_(*after))
    rows = connection.execute(statement.order_by(moment, users.c.id).limit(limit))
    return [Due(UserRow(*row[:-1]), row.since) for row in rows]


def review_standing(connection: Connection, interval: timedelta) -> Standing:
    """Return when the review was last completed and when it is due; the first is, so long after the first user came."""
    last = latest_event(connection, {AuditEvent.REVIEW_COMPLETED})
    if last is not None:
        return Standing(last.occurred_at, last.actor_id, last.occurred_at + interval)
    first = connection.execute(select(func.min(users.c.created_at))).scalar()
    return Standing(None, None, (first or now_of(connection)) + interval)


def decide(
    db: Session,
    part: Part,
    chosen: Collection[int] | None,
    decision: Decision,
    periods: Periods,
    *,
    actor_id: int,
    actor: Actor | None = None,
) -> BulkResult:
    """Let people keep what they have, or take it from them, with events that say so.

    Whoever decides, and the last administrator, are left as they are and named; so is whoever is no longer due because
    she has come in, or somebody else has decided.

    :param chosen: ids; None for the first ``AT_ONCE`` who are due.
    """
    # Before any user is locked, as every change of several does.
    lock_administrators(db)
    due = _lock_due(db, part, chosen, periods)
    left = [] if chosen is None else [(gone, Skip.NOT_DUE) for gone in sorted(set(chosen) - due.keys() - {actor_id})]
    if chosen is not None and actor_id in chosen and actor_id not in due:
        left.append((actor_id, Skip.YOURSELF))
    if decision is Decision.WITHDRAW:
        result = change_many(db, due.keys(), _WITHDRAWN[part], actor_id=actor_id, actor=actor)
    else:
        result = _confirm(db, part, due.keys(), actor_id)
    result.skipped += left
    decided = due.keys() - {user_id for user_id, _ in result.skipped}
    facts = [
        Facts(("user", user_id), details={"part": part, "decision": decision, "role": due[user_id]})
        for user_id in sorted(decided)
    ]
    record_each(AuditEvent.ACCESS_REVIEWED, facts, session=db, actor=actor)
    return result


def complete_review(db: Session, periods: Periods, *, actor_id: int, actor: Actor | None = None) -> None:
    """Write down that somebody has decided about everybody.

    :raises ReviewUnfinished: if somebody waits for a decision, other than whoever completes the review.
    """
    now = now_of(db)
    for part in Part:
        others = select(users.c.id).where(*_due(part, now, periods), users.c.id != actor_id)
        if db.execute(others.limit(1)).first() is not None:
            raise ReviewUnfinished(part)
    record(AuditEvent.REVIEW_COMPLETED, session=db, actor=actor)


def _due(part: Part, now: datetime, periods: Periods) -> tuple[ColumnElement[bool], ...]:
    role = (_HAS_A_ROLE,) if part is Part.ROLES else ()
    return *role, _CAN_COME_IN, _ORDER[part] < now - periods.of(part)


def _lock_due(db: Session, part: Part, chosen: Collection[int] | None, periods: Periods) -> dict[int, Role]:
    statement = select(users.c.id, users.c.role).where(*_due(part, now_of(db), periods))
    if chosen is None:
        statement = statement.order_by(_ORDER[part], users.c.id).limit(AT_ONCE)
    else:
        statement = statement.where(users.c.id.in_([one for one in chosen if 0 < one <= LARGEST_ID])).order_by(
            users.c.id
        )
    return {row.id: row.role for row in db.execute(statement.with_for_update())}


def _confirm(db: Session, part: Part, ids: Collection[int], actor_id: int) -> BulkResult:
    """Write down that somebody has decided about these, and of what: who keeps an account has kept no role by that."""
    others = sorted(set(ids) - {actor_id})
    kept = update(User).where(User.id.in_(others)).values({_ORDER[part].name: now_of(db)})
    db.execute(kept, execution_options={"synchronize_session": False})
    return BulkResult(len(others), 0, [(actor_id, Skip.YOURSELF)] if actor_id in ids else [])
