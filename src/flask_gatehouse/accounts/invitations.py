"""Addresses that get a role at their first authoritative sign-in, once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import database_now, now_of
from ..kernel.context import SYSTEM, Actor, acting
from ..kernel.deferred import Deferred
from ..kernel.identifiers import LARGEST_ID
from .errors import (
    AlreadyAUser,
    AlreadyInvited,
    ConcurrentRegistration,
    FieldProblem,
    InvalidField,
    InvitationNotFound,
)
from .fields import checked_role
from .locks import give_role
from .models import Invitation, User
from .rules import Role
from .views import InvitationView

_CHECKED_ADDRESS = Deferred("accounts.addresses:checked_address")
_VIEW = tuple(getattr(Invitation, name) for name in InvitationView.__dataclass_fields__)
# Of one that can still be used.
_USABLE = or_(Invitation.expires_at.is_(None), Invitation.expires_at > database_now())


def invite(
    db: Session,
    address: str,
    role: str,
    *,
    expires_at: datetime | None = None,
    again: bool = True,
    actor: Actor | None = None,
) -> InvitationView:
    """Let the owner of an address in with a role, at her first authoritative sign-in; replaces an older invitation.

    :param address: as typed.
    :param role: as typed.
    :param expires_at: until when; None for ever.
    :param again: whether an invitation may be replaced that could still be used.
    :raises InvalidField: for an ``email``, a ``role`` or an ``expires_at`` that cannot be taken.
    :raises AlreadyInvited: if it is invited already, and is not to be invited again.
    :raises AlreadyAUser: if somebody here has this address.
    :raises ConcurrentRegistration: if somebody else invites the same address at this very moment.
    """
    email: str = _CHECKED_ADDRESS.load()(address)
    wanted, now = checked_role(role), now_of(db)
    if expires_at is not None and expires_at <= now:
        raise InvalidField({"expires_at": FieldProblem.IN_THE_PAST})
    owner = db.scalars(select(User.id).where(User.email == email)).first()
    if owner is not None:
        raise AlreadyAUser(owner)
    who = actor or acting()
    # Whether it can be used is asked of the row that is locked: whoever was first may have made it usable meanwhile.
    found = db.execute(select(Invitation, _USABLE).where(Invitation.email == email).with_for_update()).first()
    invitation, is_usable = (None, False) if found is None else found
    if invitation is not None and is_usable and not again:
        raise AlreadyInvited(_view_of(invitation))
    if invitation is None:
        invitation = Invitation(email=email, role=wanted, created_at=now)
        db.add(invitation)
    invitation.role, invitation.expires_at = wanted, expires_at
    invitation.invited_by, invitation.created_at = who.user_id, now
    try:
        db.flush()
    except IntegrityError as error:
        raise ConcurrentRegistration from error
    record_invitation(db, AuditEvent.INVITE_CREATED, invitation, who)
    return _view_of(invitation)


def withdraw_invitation(db: Session, invitation_id: int, *, actor: Actor | None = None) -> None:
    """Take an invitation back.

    :raises InvitationNotFound: if there is none; it may have been used meanwhile.
    """
    found = select(Invitation).where(Invitation.id == invitation_id).with_for_update()
    invitation = db.scalars(found).first() if 0 < invitation_id <= LARGEST_ID else None
    if invitation is None:
        raise InvitationNotFound
    db.delete(invitation)
    db.flush()
    record_invitation(db, AuditEvent.INVITE_REVOKED, invitation, actor)


def expire_invitations(db: Session, *, batch: int = 500) -> int:
    """Delete invitations whose time is over, which admit nobody any more; return how many."""
    due = (
        select(Invitation)
        .where(Invitation.expires_at <= now_of(db))
        .order_by(Invitation.expires_at, Invitation.id)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    invitations = db.scalars(due).all()
    for invitation in invitations:
        db.delete(invitation)
        record_invitation(db, AuditEvent.INVITE_EXPIRED, invitation, SYSTEM)
    db.flush()
    return len(invitations)


def list_invitations(connection: Connection, *, before: int | None = None, limit: int = 50) -> Sequence[InvitationView]:
    """Return invitations that can still be used, the newest first.

    :param before: the ``id`` of the last one of the page before.
    """
    statement = select(*_VIEW).where(_USABLE)
    if before is not None:
        statement = statement.where(Invitation.id < min(max(before, 0), LARGEST_ID))
    return [InvitationView(*row) for row in connection.execute(statement.order_by(Invitation.id.desc()).limit(limit))]


def find_invitation(connection: Connection, invitation_id: int) -> InvitationView | None:
    """Return an invitation that can still be used, or None."""
    row = connection.execute(select(*_VIEW).where(Invitation.id == invitation_id, _USABLE)).first()
    return None if row is None else InvitationView(*row)


def find_invited_role(db: Session, address: str | None) -> Role | None:
    """Return the role that waits for this address, or None if nobody invited it."""
    invitation = _find_usable(db, address)
    return None if invitation is None else invitation.role


def take_invitation(db: Session, user: User, address: str | None, actor: Actor) -> None:
    """Use up the invitation that waits for this address; it never lowers a role."""
    invitation = _find_usable(db, address)
    if invitation is None:
        return
    db.delete(invitation)
    # By her, whom the provider has just proved: so that her erasure finds what the invitation says of her.
    record_invitation(db, AuditEvent.INVITE_USED, invitation, replace(actor, user_id=user.id, kind="user"))
    if not user.role.includes(invitation.role):
        user.version += 1
        give_role(db, user, invitation.role, actor)


def _find_usable(db: Session, address: str | None) -> Invitation | None:
    if address is None:
        return None
    return db.scalars(select(Invitation).where(Invitation.email == address, _USABLE).with_for_update()).first()


def record_invitation(db: Session, event: AuditEvent, invitation: Invitation, actor: Actor | None) -> None:
    """Write what has happened to an invitation."""
    record(
        event,
        resource=("invitation", invitation.id),
        details={"role": invitation.role},
        personal={"email": invitation.email},
        session=db,
        actor=actor,
    )


def _view_of(invitation: Invitation) -> InvitationView:
    return InvitationView(*(getattr(invitation, name) for name in InvitationView.__dataclass_fields__))
