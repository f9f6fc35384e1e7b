"""Coming in: finding or making the user to whom an identity belongs, and what binds them."""

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..kernel.context import Actor
from ..kernel.text import case_folded_address, plain
from .errors import AccountDeactivated, AccountHeld, AddressTaken, ConcurrentRegistration
from .fold import NAME_LENGTH
from .invitations import take_invitation
from .joining import take_join_request
from .linking import is_first
from .locks import now_of
from .models import Identity, User
from .profile import Profile, identifying
from .rules import Role
from .views import IdentityView, SignedInUser


def sign_in_known(db: Session, profile: Profile, *, actor: Actor) -> SignedInUser | None:
    """Refresh the user to whom this identity belongs; None if nobody has it.

    :raises AccountDeactivated: if she may not come in; nothing is changed.
    :raises AccountHeld: if she said that it was not she; nothing is changed.
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
    if user.held_at is not None:
        raise AccountHeld(user.id)
    now = now_of(db)
    before = user.last_sign_in_at
    identity.last_used_at = now
    identity.email, identity.email_is_authoritative = profile.email, profile.email_is_authoritative
    _refresh(db, user, profile, actor, speaks_for_her=is_first(db, identity))
    take_invitation(db, user, profile.binding_address, actor)
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
    now = now_of(db)
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
    record(
        AuditEvent.USER_CREATED,
        resource=("user", user.id),
        details={"provider": profile.provider},
        change={"role": (None, role)},
        personal=identifying(user.name, address),
        session=db,
        actor=actor,
    )
    take_join_request(db, user.id, profile, actor)
    take_invitation(db, user, address, actor)
    db.flush()
    return SignedInUser(user.id, user.name, user.role, user.session_generation, None, is_new=True)


def identities_of(db: Connection, user_id: int) -> Sequence[IdentityView]:
    """Return the accounts with which a person signs in, the oldest first."""
    rows = db.execute(
        select(
            Identity.id,
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


def find_identity_id(db: Connection, issuer: str | None, subject: str | None) -> int | None:
    """Return the id of an account at a provider, if it is anybody's way to sign in."""
    this = select(Identity.id).where(Identity.issuer == issuer, Identity.subject == subject)
    return db.execute(this).scalars().first()


def has_identity(db: Session, user_id: int, issuer: str, subject: str) -> bool:
    """Return whether this account at this provider is one of the person's own."""
    statement = select(Identity.id).where(
        Identity.user_id == user_id, Identity.issuer == issuer, Identity.subject == subject
    )
    return db.scalars(statement).first() is not None


def find_user_id(db: Session | Connection, address: str) -> int | None:
    """Return the id of the user who owns an address, or None."""
    return db.scalars(select(User.id).where(User.email == case_folded_address(address))).first()


def _refresh(db: Session, user: User, profile: Profile, actor: Actor, *, speaks_for_her: bool) -> None:
    """Take over the name, and an authoritative address that is free, from what the provider says today.

    :param speaks_for_her: whether it is the first of her accounts; what another one says would replace that at each
        sign-in, and be replaced again. Only an address that is missing is taken from any of them.
    """
    changed: dict[str, dict[str, str | None]] = {}
    name = plain(profile.name or "", NAME_LENGTH)
    if speaks_for_her and name and name != user.name and not user.name_is_fixed:
        changed["name"], user.name = {"before": user.name, "after": name}, name
    address = profile.binding_address if speaks_for_her or user.email is None else None
    if address and address != user.email and db.scalars(select(User.id).where(User.email == address)).first() is None:
        changed["email"], user.email = {"before": user.email, "after": address}, address
    if changed:
        user.version += 1
        try:
            db.flush()
        except IntegrityError as error:
            raise ConcurrentRegistration from error
        values = {f"{name}.{when}": value for name, pair in changed.items() for when, value in pair.items() if value}
        record(
            AuditEvent.USER_UPDATED,
            resource=("user", user.id),
            details={"by": "provider"},
            personal=values,
            session=db,
            actor=actor,
        )
