"""Changes to users and what they sign in with. Each writes its event in the transaction of the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import database_now
from ..kernel.context import COMMAND_LINE, Actor
from ..kernel.text import case_folded_address, plain
from .errors import AccountDeactivated, AddressTaken, AlreadyAdministrator, ConcurrentRegistration, UserNotFound
from .fold import NAME_LENGTH
from .models import Identity, Invitation, User
from .rules import Role


@dataclass(frozen=True, slots=True)
class Profile:
    """What a provider says of the person who signs in.

    :param email: the address as stated, or None.
    :param email_is_authoritative: whether the provider may be believed about it (``signin.rules``).
    """

    provider: str
    issuer: str
    subject: str
    name: str | None
    email: str | None
    email_is_authoritative: bool

    @property
    def binding_address(self) -> str | None:
        """Return the address that may bind an account or an invitation, or None."""
        return case_folded_address(self.email) if self.email and self.email_is_authoritative else None


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """A user as she was found or made at sign-in."""

    id: int
    name: str
    role: Role
    session_generation: int
    previous_sign_in_at: datetime | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class IdentityView:
    provider: str
    issuer: str
    email: str | None
    email_is_authoritative: bool
    created_at: datetime
    last_used_at: datetime


def find_invited_role(db: Session, address: str | None) -> Role | None:
    """Return the role that waits for this address, or None if nobody invited it."""
    invitation = _find_invitation(db, address)
    return None if invitation is None else invitation.role


def sign_in_known(db: Session, profile: Profile, *, actor: Actor) -> SignedInUser | None:
    """Refresh the user to whom this identity belongs; None if nobody has it.

    :raises AccountDeactivated: if she may not come in; nothing is changed.
    :raises ConcurrentRegistration: if somebody else got the address that is hers now, at this very moment.
    """
    found = db.execute(
        select(User, Identity)
        .join(Identity, Identity.user_id == User.id)
        .where(Identity.issuer == profile.issuer, Identity.subject == profile.subject)
        .with_for_update()
    ).first()
    if found is None:
        return None
    user, identity = found
    if not user.is_active:
        raise AccountDeactivated(user.id)
    now = _now(db)
    before = user.last_sign_in_at
    identity.last_used_at = now
    identity.email, identity.email_is_authoritative = profile.email, profile.email_is_authoritative
    _refresh(db, user, profile, actor)
    _take_invitation(db, user, profile.binding_address, actor)
    user.last_sign_in_at = now
    db.flush()
    return SignedInUser(user.id, user.name, user.role, user.session_generation, before, is_new=False)


def register(db: Session, profile: Profile, role: Role, *, actor: Actor) -> SignedInUser:
    """Make a user for an identity that nobody has, who signs in for the first time.

    :raises AddressTaken: if the authoritative address belongs to somebody else. It is never merged: whoever
        gets hold of an address at any provider would get the account (runbook fault 2).
    :raises ConcurrentRegistration: if another request did the same just now.
    """
    address = profile.binding_address
    if address is not None:
        owner = db.scalars(select(User.id).where(User.email == address)).first()
        if owner is not None and has_identity(db, owner, profile.issuer, profile.subject):
            # Her own other tab was faster: it has committed since this one looked for her.
            raise ConcurrentRegistration
        if owner is not None:
            raise AddressTaken(tuple(db.scalars(select(Identity.provider).where(Identity.user_id == owner).distinct())))
    now = _now(db)
    name = plain(profile.name or "", NAME_LENGTH) or (profile.email or "").partition("@")[0] or "Somebody"
    user = User(email=address, name=plain(name, NAME_LENGTH), role=role, created_at=now, last_sign_in_at=now)
    db.add(user)
    try:
        db.flush()
        db.add(
            Identity(
                user_id=user.id,
                provider=profile.provider,
                issuer=profile.issuer,
                subject=profile.subject,
                email=profile.email,
                email_is_authoritative=profile.email_is_authoritative,
                created_at=now,
                last_used_at=now,
            )
        )
        db.flush()
    except IntegrityError as error:
        raise ConcurrentRegistration from error
    db.refresh(user)
    details = {"provider": profile.provider, "role": role}
    record(AuditEvent.USER_CREATED, resource=("user", user.id), details=details, session=db, actor=actor)
    _take_invitation(db, user, address, actor)
    db.flush()
    return SignedInUser(user.id, user.name, user.role, user.session_generation, None, is_new=True)


def identities_of(db: Connection, user_id: int) -> Sequence[IdentityView]:
    """Return the accounts with which a person signs in, the oldest first."""
    rows = db.execute(
        select(
            Identity.provider,
            Identity.issuer,
            Identity.email,
            Identity.email_is_authoritative,
            Identity.created_at,
            Identity.last_used_at,
        )
        .where(Identity.user_id == user_id)
        .order_by(Identity.id)
    )
    return [IdentityView(*row) for row in rows]


def has_identity(db: Session, user_id: int, issuer: str, subject: str) -> bool:
    """Return whether this account at this provider is one of the person's own."""
    statement = select(Identity.id).where(
        Identity.user_id == user_id, Identity.issuer == issuer, Identity.subject == subject
    )
    return db.scalars(statement).first() is not None


def change_role(db: Session, user_id: int, role: Role, *, actor: Actor | None = None) -> None:
    """Give a user another role; her next request has it. Nothing is written if she has it already.

    :raises UserNotFound: if there is no such user.
    """
    user = _get_locked(db, user_id)
    if user.role is role:
        return
    before, user.role, user.version = user.role, role, user.version + 1
    _record_change(db, AuditEvent.AUTHZ_CHANGE, user, {"role": [before, role]}, actor)


def suspend_user(db: Session, user_id: int, *, actor: Actor | None = None) -> None:
    """Deactivate a user. All her sessions end with it, and do not return with a reactivation.

    :raises UserNotFound: if there is no such user.
    """
    user = _get_locked(db, user_id)
    if not user.is_active:
        return
    user.is_active, user.session_generation, user.version = False, user.session_generation + 1, user.version + 1
    _record_change(db, AuditEvent.USER_ARCHIVED, user, {"is_active": [True, False]}, actor)


def reactivate_user(db: Session, user_id: int, *, actor: Actor | None = None) -> None:
    """Let a deactivated user sign in again.

    :raises UserNotFound: if there is no such user.
    """
    user = _get_locked(db, user_id)
    if user.is_active:
        return
    user.is_active, user.version = True, user.version + 1
    _record_change(db, AuditEvent.USER_ENABLED, user, {"is_active": [False, True]}, actor)


def delete_user(db: Session, user_id: int, *, actor: Actor | None = None) -> None:
    """Delete a user with her identities and sessions; the trail keeps her id.

    :raises UserNotFound: if there is no such user.
    """
    user = _get_locked(db, user_id)
    record(AuditEvent.USER_DELETED, resource=("user", user.id), session=db, actor=actor)
    # A host's SQLite may ignore foreign keys; an identity left behind would keep its owner out for good.
    db.execute(delete(Identity).where(Identity.user_id == user.id))
    db.delete(user)
    db.flush()


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
    if invitation is None:
        invitation = Invitation(email=email, role=Role.ADMIN, created_at=_now(db))
        db.add(invitation)
    elif invitation.role is Role.ADMIN and invitation.expires_at is None:
        return False
    invitation.role, invitation.created_at, invitation.expires_at = Role.ADMIN, _now(db), None
    db.flush()
    details = {"role": Role.ADMIN}
    record(
        AuditEvent.INVITE_CREATED,
        resource=("invitation", invitation.id),
        details=details,
        session=db,
        actor=COMMAND_LINE,
    )
    return False


def may_claim_administration(db: Session | Connection, user_id: int) -> bool:
    """Return whether this person is the only user there is, and not an administrator yet."""
    row = db.execute(select(func.count(User.id), func.max(User.id), func.max(User.role))).one()
    return (row[0], row[1]) == (1, user_id) and row[2] != Role.ADMIN


def claim_administration(db: Session, user_id: int, *, actor: Actor | None = None) -> bool:
    """Make the only user of a development database its administrator; False if she is not alone."""
    _get_locked(db, user_id)
    if not may_claim_administration(db, user_id):
        return False
    record(AuditEvent.BOOTSTRAP_ADMIN_USED, resource=("user", user_id), session=db, actor=actor)
    change_role(db, user_id, Role.ADMIN, actor=actor)
    return True


def find_user_id(db: Session, address: str) -> int | None:
    """Return the id of the user who owns an address, or None."""
    return db.scalars(select(User.id).where(User.email == case_folded_address(address))).first()


def _refresh(db: Session, user: User, profile: Profile, actor: Actor) -> None:
    """Take over the name, and an authoritative address that is free, from what the provider says today."""
    changed: dict[str, list[str | None]] = {}
    name = plain(profile.name or "", NAME_LENGTH)
    if name and name != user.name and not user.name_is_fixed:
        changed["name"], user.name = [user.name, name], name
    address = profile.binding_address
    if address and address != user.email and db.scalars(select(User.id).where(User.email == address)).first() is None:
        changed["email"], user.email = [user.email, address], address
    if changed:
        user.version += 1
        try:
            db.flush()
        except IntegrityError as error:
            raise ConcurrentRegistration from error
        # Which fields, not which values: a name and an address are personal, and the trail is for good.
        fields = {"fields": sorted(changed), "by": "provider"}
        record(AuditEvent.USER_UPDATED, resource=("user", user.id), details=fields, session=db, actor=actor)


def _find_invitation(db: Session, address: str | None) -> Invitation | None:
    if address is None:
        return None
    invitation = db.scalars(select(Invitation).where(Invitation.email == address).with_for_update()).first()
    if invitation is None or (invitation.expires_at is not None and invitation.expires_at <= _now(db)):
        return None
    return invitation


def _take_invitation(db: Session, user: User, address: str | None, actor: Actor) -> None:
    """Use up the invitation that waits for this address; it never lowers a role."""
    invitation = _find_invitation(db, address)
    if invitation is None:
        return
    db.delete(invitation)
    details = {"role": invitation.role}
    record(AuditEvent.INVITE_USED, resource=("invitation", invitation.id), details=details, session=db, actor=actor)
    if not user.role.includes(invitation.role):
        before, user.role, user.version = user.role, invitation.role, user.version + 1
        _record_change(db, AuditEvent.AUTHZ_CHANGE, user, {"role": [before, user.role]}, actor)


def _record_change(
    db: Session, event: AuditEvent, user: User, changed: dict[str, list[object]], actor: Actor | None
) -> None:
    db.flush()
    record(event, resource=("user", user.id), details={"changed": changed}, session=db, actor=actor)


def _get_locked(db: Session, user_id: int) -> User:
    user = db.scalars(select(User).where(User.id == user_id).with_for_update()).first()
    if user is None:
        raise UserNotFound(user_id)
    return user


def _now(db: Session) -> datetime:
    return db.scalars(select(database_now())).one()
