"""The first administrator, whom no administrator can appoint."""

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import now_of
from ..kernel.context import COMMAND_LINE, Actor
from ..kernel.text import case_folded_address
from .administration import change_role
from .errors import AlreadyAdministrator
from .invitations import record_invitation
from .locks import get_locked, lock_administrators
from .models import Invitation, User
from .rules import Role


def invite_administrator(db: Session, address: str) -> bool:
    """Make the owner of an address an administrator, now or at her first authoritative sign-in.

    :returns: True if she is one now, False while it is pending.
    :raises AlreadyAdministrator: if she is one already.
    """
    email = case_folded_address(address)
    user = db.scalars(select(User).where(User.email == email).with_for_update()).first()
    if user is not None:
        if user.role is Role.ADMIN:
            raise AlreadyAdministrator
        change_role(db, user.id, Role.ADMIN, actor=COMMAND_LINE)
        return True
    # Also one that has expired, which is made anew.
    invitation = db.scalars(select(Invitation).where(Invitation.email == email).with_for_update()).first()
    now = now_of(db)
    if invitation is None:
        invitation = Invitation(email=email)
        db.add(invitation)
    elif invitation.role is Role.ADMIN and invitation.expires_at is None:
        return False
    invitation.role, invitation.created_at, invitation.expires_at = Role.ADMIN, now, None
    # Whoever had invited her has not made her an administrator.
    invitation.invited_by = None
    db.flush()
    record_invitation(db, AuditEvent.INVITE_CREATED, invitation, COMMAND_LINE)
    return False


def appoint_administrator(db: Session, user_id: int) -> None:
    """Make a user an administrator who cannot be named by an address, since no provider vouches for hers.

    :raises AlreadyAdministrator: if she is one already.
    :raises UserNotFound: if there is no such user.
    """
    if get_locked(db, user_id).role is Role.ADMIN:
        raise AlreadyAdministrator
    change_role(db, user_id, Role.ADMIN, actor=COMMAND_LINE)


def find_claimant(db: Session | Connection) -> int | None:
    """Return who may become the first administrator: whoever came first of those who may sign in.

    :returns: None if there is an administrator, or nobody at all.
    """
    if db.execute(select(User.id).where(User.role == Role.ADMIN).limit(1)).first() is not None:
        return None
    first = select(User.id).where(User.is_active.is_(True), User.held_at.is_(None)).order_by(User.id).limit(1)
    row = db.execute(first).first()
    return None if row is None else int(row.id)


def claim_administration(db: Session, user_id: int, *, actor: Actor | None = None) -> bool:
    """Make the first user of a development database its administrator; False for anybody else, or if there is one.

    :raises UserNotFound: if there is no such user.
    """
    lock_administrators(db)
    get_locked(db, user_id)
    if find_claimant(db) != user_id:
        return False
    record(AuditEvent.BOOTSTRAP_ADMIN_USED, resource=("user", user_id), session=db, actor=actor)
    change_role(db, user_id, Role.ADMIN, actor=actor)
    return True
