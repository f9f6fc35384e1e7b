"""One change for many users. Whoever may not be changed is left as she is and named, and the others are changed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from ..audit import AuditEvent, Facts, record_each
from ..db.base import database_now
from ..kernel.context import Actor
from ..kernel.identifiers import LARGEST_ID
from .errors import FieldProblem, InvalidField
from .fields import find_role, role_problem
from .leaving import Holding, delete_rows_of
from .locks import lock_administrators
from .models import User
from .queries import UserQuery
from .rules import LAST_ADMINISTRATOR, Role, is_last_administrator
from .search import meant

# How many people one transaction changes at most: whoever else wants to write waits for one of them.
BATCH = 1000


class Action(StrEnum):
    ROLE = "role"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    REMOVE = "remove"


class Skip(StrEnum):
    """Why somebody was left as she is."""

    YOURSELF = "yourself"
    LAST_ADMINISTRATOR = "last_administrator"
    NOT_FOUND = "not_found"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of many users.

    :param role: for ``Action.ROLE`` alone.
    :param removed: for ``Action.REMOVE``: called with what was deleted, so many users at a time.
    """

    action: Action
    role: Role | None = None
    removed: Callable[[Session, Sequence[Holding]], None] | None = None

    @classmethod
    def parse(cls, word: str, role: str | None = None) -> "Change":
        """Return what ``role`` with ``editor``, ``activate``, ``deactivate`` or ``remove`` means.

        :param role: as typed; it may be there without being meant, and is empty then, or one of the roles.
        :raises InvalidField: for ``change`` or for ``new_role`` if it means nothing.
        """
        if word not in set(Action):
            raise InvalidField({"change": FieldProblem.UNKNOWN if word else FieldProblem.MISSING})
        action = Action(word)
        if (action is Action.ROLE or role) and (problem := role_problem(role or "")):
            raise InvalidField({"new_role": problem})
        return cls(action, find_role(role or "") if action is Action.ROLE else None)

    def touches(self, user: Row[Any]) -> bool:
        """Return whether a user would be another afterwards."""
        if self.action is Action.ROLE:
            return bool(user.role is not self.role)
        return self.action is Action.REMOVE or bool(user.is_active is not (self.action is Action.ACTIVATE))

    @property
    def takes_administration(self) -> bool:
        """Whether an active administrator would be none afterwards."""
        return self.action in {Action.DEACTIVATE, Action.REMOVE} or self.role in {Role.EDITOR, Role.VIEWER}


@dataclass(slots=True)
class BulkResult:
    """What became of many users.

    :param changed: how many are another now.
    :param unchanged: how many were so already.
    :param skipped: the ids of those who were left as they are, and why.
    :param next: after whom to go on, of a query that means more; None if that was everybody.
    :param lets_administrators_in: whether an administrator was deactivated and is active again.
    """

    changed: int = 0
    unchanged: int = 0
    skipped: list[tuple[int, Skip]] = field(default_factory=list)
    next: int | None = None
    lets_administrators_in: bool = False

    def add(self, other: "BulkResult") -> None:
        """Add what became of the next ones."""
        self.changed, self.unchanged = self.changed + other.changed, self.unchanged + other.unchanged
        self.skipped += other.skipped
        self.next = other.next
        self.lets_administrators_in |= other.lets_administrators_in


def change_many(
    db: Session,
    selection: Iterable[int] | UserQuery,
    change: Change,
    *,
    actor_id: int | None,
    actor: Actor | None = None,
    after: int = 0,
) -> BulkResult:
    """Change many users in one transaction, with one event for each who is another afterwards.

    :param selection: ids, all of whom are changed; or a query, of all whom it means whatever its page, a thousand at
        a time: everybody else who writes would wait for as long as a transaction over all of them takes.
    :param actor_id: whoever asks for it, and is left as she is; None for the command line.
    :param after: the ``next`` of the result before, of a query.
    """
    # Also where nobody loses a role: two that take several users each could wait for each other otherwise.
    administrators = set(lock_administrators(db))
    result = BulkResult()
    for users in _batches(db, selection, result, after):
        chosen = []
        for user in users:
            skip = _reason_to_skip(user, change, actor_id, administrators)
            if skip is not None:
                result.skipped.append((user.id, skip))
            elif not change.touches(user):
                result.unchanged += 1
            else:
                chosen.append(user)
                result.lets_administrators_in |= change.action is Action.ACTIVATE and user.role is Role.ADMIN
                if change.takes_administration:
                    administrators.discard(user.id)
        if chosen:
            _APPLY[change.action](db, chosen, change, actor)
        result.changed += len(chosen)
    _record_refusals(db, result, actor)
    return result


def _record_refusals(db: Session, result: BulkResult, actor: Actor | None) -> None:
    """Write down that somebody would have taken the last administrator away, as for one user."""
    kept = [user_id for user_id, skip in result.skipped if skip is Skip.LAST_ADMINISTRATOR]
    refused = [Facts(("user", user_id), reason=LAST_ADMINISTRATOR) for user_id in kept]
    record_each(AuditEvent.AUTHZ_FAIL, refused, session=db, actor=actor)


def _reason_to_skip(user: Row[Any], change: Change, actor_id: int | None, administrators: set[int]) -> Skip | None:
    if user.id == actor_id:
        return Skip.YOURSELF
    if change.takes_administration and is_last_administrator(administrators, user.id):
        return Skip.LAST_ADMINISTRATOR
    return None


def _batches(
    db: Session, selection: Iterable[int] | UserQuery, result: BulkResult, after: int
) -> Iterable[list[Row[Any]]]:
    """Yield the selected users in the order of their ids, locked, so many at a time; ids of nobody are noted."""
    if isinstance(selection, UserQuery):
        users = _lock(db, *meant(db.connection(), selection).where, User.id > after)
        result.next = users[-1].id if len(users) == BATCH else None
        yield users
        return
    ids = sorted(set(selection))
    for start in range(0, len(ids), BATCH):
        part = [identifier for identifier in ids[start : start + BATCH] if 0 < identifier <= LARGEST_ID]
        users = _lock(db, User.id.in_(part))
        found = {user.id for user in users}
        result.skipped += [(gone, Skip.NOT_FOUND) for gone in ids[start : start + BATCH] if gone not in found]
        yield users


def _lock(db: Session, *where: ColumnElement[bool]) -> list[Row[Any]]:
    chosen = (
        select(User.id, User.role, User.is_active, User.email, User.created_at)
        .where(*where)
        .order_by(User.id)
        .limit(BATCH)
    )
    return list(db.execute(chosen.with_for_update()))


def _change_roles(db: Session, users: Sequence[Row[Any]], change: Change, actor: Actor | None) -> None:
    _update(db, users, role=change.role, role_confirmed_at=database_now())
    _record(db, AuditEvent.AUTHZ_CHANGE, users, lambda user: {"role": [user.role, change.role]}, actor)


def _activate(db: Session, users: Sequence[Row[Any]], change: Change, actor: Actor | None) -> None:
    _update(db, users, is_active=True)
    _record(db, AuditEvent.USER_ENABLED, users, lambda user: {"is_active": [False, True]}, actor)


def _deactivate(db: Session, users: Sequence[Row[Any]], change: Change, actor: Actor | None) -> None:
    _update(db, users, is_active=False, session_generation=User.session_generation + 1)
    _record(db, AuditEvent.USER_ARCHIVED, users, lambda user: {"is_active": [True, False]}, actor)


def _remove(db: Session, users: Sequence[Row[Any]], change: Change, actor: Actor | None) -> None:
    record_each(AuditEvent.USER_DELETED, [Facts(("user", user.id)) for user in users], session=db, actor=actor)
    held = delete_rows_of(db, users)
    if change.removed is not None:
        change.removed(db, held)


def _update(db: Session, users: Sequence[Row[Any]], **values: object) -> None:
    statement = update(User).where(User.id.in_([user.id for user in users]))
    db.execute(statement.values(version=User.version + 1, **values), execution_options={"synchronize_session": False})


def _record(
    db: Session,
    event: AuditEvent,
    users: Sequence[Row[Any]],
    change: Callable[[Row[Any]], dict[str, list[object]]],
    actor: Actor | None,
) -> None:
    happenings = [Facts(("user", user.id), change=change(user)) for user in users]
    record_each(event, happenings, session=db, actor=actor)


_APPLY: dict[Action, Callable[[Session, Sequence[Row[Any]], Change, Actor | None], None]] = {
    Action.ROLE: _change_roles,
    Action.ACTIVATE: _activate,
    Action.DEACTIVATE: _deactivate,
    Action.REMOVE: _remove,
}
