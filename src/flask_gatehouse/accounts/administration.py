"""What administrators do to one user, and what everybody may change about herself."""

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..kernel.context import Actor
from ..kernel.identifiers import LARGEST_ID
from ..kernel.text import plain
from .columns import row_columns, users
from .errors import AlreadySo, EditConflict, InvalidField, RoleNotYours, UserNotFound
from .fields import find_role, name_problem, role_problem
from .fold import NAME_LENGTH
from .locks import get_locked, get_removable, give_role, record_change, refuse_oneself
from .models import User
from .rules import Role
from .views import UserRow


def get_user(db: Session | Connection, user_id: int) -> UserRow:
    """Return one user.

    :raises UserNotFound: if there is no such user.
    """
    row = db.execute(select(*row_columns).where(users.c.id == user_id)).first() if 0 < user_id <= LARGEST_ID else None
    if row is None:
        raise UserNotFound(user_id)
    return UserRow(*row)


def edit_user(
    db: Session,
    user_id: int,
    *,
    name: str,
    role: str | None = None,
    version: int,
    as_administrator: bool,
    actor: Actor | None = None,
) -> UserRow:
    """Write what a form says about a user, and return her as she is then. Nothing is written if nothing changes.

    The name that is written here stays: a provider's does not replace it any more.

    :param role: as typed; None if the form has none.
    :param version: the ``version`` of the row from which the form was made.
    :param as_administrator: whether an administrator does this, who may change roles too.
    :raises InvalidField: for a name and a role that cannot be taken, both at once.
    :raises RoleNotYours: if somebody else than an administrator would change a role.
    :raises EditConflict: if somebody else has changed the user since the form was made.
    :raises LastAdministrator: if this would demote the only administrator.
    :raises UserNotFound: if there is no such user.
    """
    wanted = None if role is None else find_role(role)
    user = get_removable(db, user_id) if _may_demote(wanted, as_administrator) else get_locked(db, user_id)
    _refuse_wrong_fields(user, name, role)
    renamed = name != user.name and plain(name, NAME_LENGTH) != user.name
    changes_role = wanted is not None and wanted is not user.role
    if changes_role and not as_administrator:
        raise RoleNotYours(user_id)
    if not (renamed or changes_role):
        return _row_of(user)
    if version != user.version:
        raise EditConflict(_row_of(user), name, wanted)
    user.version += 1
    if renamed:
        _rename(db, user, name, "administrator" if as_administrator else "user", actor)
    if wanted is not None and changes_role:
        give_role(db, user, wanted, actor)
    return _row_of(user)


def change_role(db: Session, user_id: int, role: Role, *, actor: Actor | None = None) -> UserRow:
    """Give a user another role; her next request has it. Nothing is written if she has it already.

    :raises LastAdministrator: if this would demote the only administrator.
    :raises UserNotFound: if there is no such user.
    """
    user = get_locked(db, user_id) if role is Role.ADMIN else get_removable(db, user_id)
    if user.role is not role:
        user.version += 1
        give_role(db, user, role, actor)
    return _row_of(user)


def toggle_active(db: Session, user_id: int, *, wanted: bool | None = None, actor: Actor | None = None) -> UserRow:
    """Suspend an active user, reactivate a suspended one.

    All her sessions end with a suspension, and do not return with a reactivation.

    :param wanted: whether she shall be active, as whoever asks has seen that she is not, or is; None for whichever she
        is not. Without it, two who deactivate her at once would let her in again.
    :raises AlreadySo: if she is what is wanted already.
    :raises NotOnYourself: if she would do it to herself.
    :raises LastAdministrator: if she is the only administrator.
    :raises UserNotFound: if there is no such user.
    """
    refuse_oneself(user_id, actor)
    user = get_removable(db, user_id)
    if wanted is user.is_active:
        raise AlreadySo(_row_of(user))
    return _suspend(db, user, actor) if user.is_active else _reactivate(db, user, actor)


def _may_demote(wanted: Role | None, as_administrator: bool) -> bool:
    return as_administrator and wanted is not None and wanted is not Role.ADMIN


def _refuse_wrong_fields(user: User, name: str, role: str | None) -> None:
    problems = {
        "name": None if name == user.name else name_problem(name),
        "role": None if role is None else role_problem(role),
    }
    if any(problems.values()):
        raise InvalidField({field: problem for field, problem in problems.items() if problem})


def _rename(db: Session, user: User, name: str, by: str, actor: Actor | None) -> None:
    former, user.name, user.name_is_fixed = user.name, plain(name, NAME_LENGTH), True
    db.flush()
    record(
        AuditEvent.USER_UPDATED,
        resource=("user", user.id),
        details={"by": by},
        personal={"name.before": former, "name.after": user.name},
        session=db,
        actor=actor,
    )


def _suspend(db: Session, user: User, actor: Actor | None) -> UserRow:
    user.is_active, user.session_generation, user.version = False, user.session_generation + 1, user.version + 1
    record_change(db, AuditEvent.USER_ARCHIVED, user.id, {"is_active": [True, False]}, actor)
    return _row_of(user)


def _reactivate(db: Session, user: User, actor: Actor | None) -> UserRow:
    user.is_active, user.version = True, user.version + 1
    record_change(db, AuditEvent.USER_ENABLED, user.id, {"is_active": [False, True]}, actor)
    return _row_of(user)


def _row_of(user: User) -> UserRow:
    return UserRow(
        user.id,
        user.email,
        user.name,
        user.role,
        user.is_active,
        user.created_at,
        user.last_sign_in_at,
        user.version,
        user.held_at is not None,
    )
