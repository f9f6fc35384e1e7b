"""Several accounts for one person: adding another way to sign in, and taking one away, never the last."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import now_of
from ..kernel.context import Actor, acting
from ..kernel.identifiers import LARGEST_ID
from .errors import AddressTaken, IdentityNotFound, IdentityTaken, LastIdentity
from .joining import take_join_request
from .locks import get_locked
from .models import Identity
from .profile import Profile
from .signing_in import find_owner, find_user_id


def link_identity(db: Session, user_id: int, profile: Profile, *, actor: Actor | None = None) -> bool:
    """Let a person sign in with this account, too; return whether that is new.

    Nothing of her own changes: neither her name nor her address is taken from an account that was linked later.

    :raises IdentityTaken: if the account belongs to somebody else here.
    :raises AddressTaken: if its authoritative address does. Two people would each have a part of one address.
    :raises UserNotFound: if there is no such user.
    """
    get_locked(db, user_id)
    owner = find_owner(db, profile)
    if owner is not None:
        if owner != user_id:
            raise IdentityTaken(owner)
        return False
    address = profile.binding_address
    if address is not None and find_user_id(db, address) not in {None, user_id}:
        raise AddressTaken(())
    now = now_of(db)
    db.add(Identity.of(user_id, profile, now))
    try:
        db.flush()
    except IntegrityError as error:
        # Somebody else has signed in with it for the first time, at this very moment.
        raise IdentityTaken(None) from error
    take_join_request(db, user_id, profile, actor or acting())
    _record(db, AuditEvent.IDENTITY_LINKED, user_id, profile.provider, profile.email, actor)
    return True


def unlink_identity(db: Session, user_id: int, identity_id: int, *, actor: Actor | None = None) -> tuple[str, str]:
    """Let a person no longer sign in with one of her accounts; return its issuer and subject.

    :raises IdentityNotFound: if it is none of hers, or no longer.
    :raises LastIdentity: if it is the only one, without which she would never come in again.
    :raises UserNotFound: if there is no such user.
    """
    # Of two tabs that take two accounts away at once, the second sees what the first has left.
    get_locked(db, user_id)
    mine = db.scalars(select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)).all()
    identity = next((one for one in mine if one.id == identity_id), None)
    if identity is None:
        raise IdentityNotFound
    if len(mine) == 1:
        raise LastIdentity
    account, provider, email = (identity.issuer, identity.subject), identity.provider, identity.email
    db.delete(identity)
    db.flush()
    _record(db, AuditEvent.IDENTITY_UNLINKED, user_id, provider, email, actor)
    return account


def find_identity(db: Session, user_id: int, identity_id: int) -> tuple[str, str] | None:
    """Return the issuer and the subject of one of a person's accounts, or None."""
    found = select(Identity.issuer, Identity.subject).where(Identity.user_id == user_id, Identity.id == identity_id)
    row = db.execute(found).first() if 0 < identity_id <= LARGEST_ID else None
    return None if row is None else (row.issuer, row.subject)


def _record(
    db: Session, event: AuditEvent, user_id: int, provider: str, email: str | None, actor: Actor | None
) -> None:
    record(
        event,
        resource=("user", user_id),
        details={"provider": provider},
        personal={"email": email} if email else {},
        session=db,
        actor=actor,
    )
