"""The rows that a change holds on to, so taken that two changes never wait for each other.

Most changes take one row. Those that take several take their turn first: see ``lock_administrators``.
"""

from collections.abc import Collection

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import now_of
from ..kernel.context import Actor, acting
from ..kernel.identifiers import LARGEST_ID
from .errors import LastAdministrator, NotOnYourself, UserNotFound
from .models import User
from .rules import Role, is_last_administrator

# Any fixed number: it names the turn that is taken on PostgreSQL.
_TURN = 7_205_349_413
# In a form for which SQLite looks for no index: it would go through all who are active, and not through the few
# administrators.
_ABLE = (User.role == Role.ADMIN, User.is_active.is_not(False), User.held_at.is_(None))


def lock_administrators(db: Session) -> Collection[int]:
    """Return the ids of all active administrators, none of whom can be lost until this transaction ends.

    Whoever is held is none of them: she could let nobody in.

    Whoever takes an administrator away, or takes several users at once, comes through here first, one at a time:
    on PostgreSQL by a lock of its own, while SQLite lets one writer in at a time anyway. The order of the rows alone
    would not do. Whoever has waited for one of them holds it even if it is no administrator's any more, and would
    meet another who begins with the administrators of today and comes to that row last.
    """
    take_turn(db)
    return db.scalars(select(User.id).where(*_ABLE).order_by(User.id).with_for_update()).all()


def take_turn(db: Session) -> None:
    """Let no administrator lose her rights until this transaction ends. It comes before any row is locked."""
    if db.connection().dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(_TURN)))


def lock_rights(db: Session, user_id: int, role: Role) -> None:
    """Let nobody change what a user may do until this transaction ends; its first statement.

    Of an administrator that is the turn and not her row: two who change each other would each hold what the other
    waits for. Whoever is none changes only what is her own, and her row is the first that she needs; but
    not where she erases herself, which begins with the turn.

    :param role: the one that she had when the request began.
    """
    if role is Role.ADMIN:
        take_turn(db)
    else:
        db.execute(select(User.id).where(User.id == user_id).with_for_update())


def get_locked(db: Session, user_id: int) -> User:
    """Return a user whom nobody else can change until this transaction ends.

    :raises UserNotFound: if there is no such user.
    """
    if not 0 < user_id <= LARGEST_ID:
        raise UserNotFound(user_id)
    statement = select(User).where(User.id == user_id).with_for_update().execution_options(populate_existing=True)
    user = db.scalars(statement).first()
    if user is None:
        raise UserNotFound(user_id)
    return user


def get_removable(db: Session, user_id: int) -> User:
    """Return a locked user who may stop being an active administrator, or is none.

    :raises LastAdministrator: if she is the only one.
    :raises UserNotFound: if there is no such user.
    """
    administrators = lock_administrators(db)
    user = get_locked(db, user_id)
    if is_last_administrator(administrators, user_id):
        raise LastAdministrator(user_id)
    return user


def is_only_administrator(connection: Connection, user_id: int) -> bool:
    """Return whether a user is the only active administrator at this moment; whoever changes that asks again."""
    found = select(User.id).where(*_ABLE).order_by(User.id).limit(2)
    return is_last_administrator(connection.scalars(found).all(), user_id)


def count_administrators(connection: Connection) -> int:
    """Return how many administrators could let somebody in: they are active, and not held."""
    return connection.execute(select(func.count()).select_from(User).where(*_ABLE)).scalar_one()


def refuse_oneself(user_id: int, actor: Actor | None) -> None:
    """Refuse what nobody does to herself.

    :raises NotOnYourself: if it is she who acts.
    """
    if (actor or acting()).user_id == user_id:
        raise NotOnYourself(user_id)


def record_change(
    db: Session, event: AuditEvent, user_id: int, change: dict[str, list[object]], actor: Actor | None
) -> None:
    """Write what has changed, and the event that says so."""
    db.flush()
    record(event, resource=("user", user_id), change=change, session=db, actor=actor)


def give_role(db: Session, user: User, role: Role, actor: Actor | None) -> None:
    """Give a locked user another role, which is a decision about her as good as a review's."""
    before, user.role = user.role, role
    user.role_confirmed_at = now_of(db)
    record_change(db, AuditEvent.AUTHZ_CHANGE, user.id, {"role": [before, role]}, actor)
