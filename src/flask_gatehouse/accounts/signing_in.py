"""Coming in: finding or making the user to whom an identity belongs, and what binds them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, Table, bindparam, exists, not_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import database_now, now_of
from ..kernel.context import Actor
from ..kernel.text import case_folded_address, plain
from .columns import users
from .errors import AccountDeactivated, AccountHeld, AddressTaken, ConcurrentRegistration
from .fold import NAME_LENGTH
from .invitations import take_invitation
from .joining import take_join_request
from .locks import get_locked
from .models import Identity, Invitation, User
from .profile import Profile, identifying
from .rules import Role
from .views import IdentityView, SignedInUser

_identities, _invitations = cast("Table", Identity.__table__), cast("Table", Invitation.__table__)
_earlier = _identities.alias("earlier")
# These are built once, and of tables: to make entities of the rows and to find out what has changed in them would take
# longer than the database does. That somebody is invited is asked only so that nobody else's invitation is looked for;
# ``take_invitation`` asks again. Whoever is invited while this waits for a lock is found at her next sign-in.
_KNOWN: Select[Any] = (
    select(
        *(users.c[name] for name in ("id", "name", "name_is_fixed", "email", "role", "is_active", "held_at")),
        *(users.c[name] for name in ("session_generation", "last_sign_in_at", "language")),
        _identities.c.id.label("identity_id"),
        not_(exists().where(_earlier.c.user_id == _identities.c.user_id, _earlier.c.id < _identities.c.id)).label(
            "is_first"
        ),
        exists().where(_invitations.c.email == bindparam("address")).label("is_invited"),
        database_now().label("now"),
    )
    .join_from(users, _identities, _identities.c.user_id == users.c.id)
    .where(_identities.c.issuer == bindparam("issuer"), _identities.c.subject == bindparam("subject"))
    .with_for_update(of=(users, _identities))
)
_USED = (
    update(_identities)
    .where(_identities.c.id == bindparam("this"))
    .values({name: bindparam(name) for name in ("last_used_at", "email", "email_is_authoritative")})
)
# Whoever comes in is here, which a review of access asks for.
_CAME_IN = (
    update(users)
    .where(users.c.id == bindparam("this"))
    .values(last_sign_in_at=bindparam("now"), idle_since=bindparam("now"))
)


def sign_in_known(db: Session, profile: Profile, *, actor: Actor) -> SignedInUser | None:
    """Refresh the user to whom this identity belongs; None if nobody has it.

    :raises AccountDeactivated: if she may not come in; nothing is changed.
    :raises AccountHeld: if she said that it was not she; nothing is changed.
    :raises ConcurrentRegistration: if somebody else got the address that is hers now, at this very moment.
    """
    connection, address = db.connection(), profile.binding_address
    asked = {"issuer": profile.issuer, "subject": profile.subject, "address": address}
    known = connection.execute(_KNOWN, asked).first()
    if known is None:
        return None
    if not known.is_active:
        raise AccountDeactivated(known.id)
    if known.held_at is not None:
        raise AccountHeld(known.id)
    said = {"email": profile.email, "email_is_authoritative": profile.email_is_authoritative}
    connection.execute(_USED, {"this": known.identity_id, "last_used_at": known.now, **said})
    connection.execute(_CAME_IN, {"this": known.id, "now": known.now})
    user: User | Row[Any] = known
    news = _news(known, profile)
    if news or known.is_invited:
        user = get_locked(db, known.id)
        _take_over(db, user, news, actor)
        take_invitation(db, user, address, actor)
        db.flush()
    return SignedInUser(
        user.id,
        user.name,
        user.role,
        user.session_generation,
        known.last_sign_in_at,
        is_new=False,
        signed_in_at=known.now,
        language=known.language,
    )


def register(db: Session, profile: Profile, role: Role, *, actor: Actor) -> SignedInUser:
    """Make a user for an identity that nobody has, who signs in for the first time.

    :raises AddressTaken: if the authoritative address belongs to somebody else. It is never merged: whoever
        gets hold of an address at any provider would get the account (runbook fault 2).
    :raises ConcurrentRegistration: if another request did the same just now.
    """
    address = profile.binding_address
    if address is not None:
        _refuse_taken(db, address, profile)
    try:
        user = _add_user(db, profile, role)
    except IntegrityError as error:
        raise ConcurrentRegistration from error
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
    return SignedInUser(
        user.id,
        user.name,
        user.role,
        user.session_generation,
        None,
        is_new=True,
        signed_in_at=user.created_at,
        language=None,
    )


def _refuse_taken(db: Session, address: str, profile: Profile) -> None:
    owner = find_user_id(db, address)
    if owner is None:
        return
    if find_owner(db, profile) == owner:
        # Her own other tab was faster: it has committed since this one looked for her.
        raise ConcurrentRegistration
    raise AddressTaken(tuple(db.scalars(select(Identity.provider).where(Identity.user_id == owner).distinct())))


def _add_user(db: Session, profile: Profile, role: Role) -> User:
    now = now_of(db)
    user = User(
        email=profile.binding_address, name=profile.display_name, role=role, created_at=now, last_sign_in_at=now
    )
    db.add(user)
    db.flush()
    db.add(Identity.of(user.id, profile, now))
    db.flush()
    db.refresh(user)
    return user


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


def find_owner(db: Session, profile: Profile) -> int | None:
    """Return the id of the user who signs in with this account at a provider, or None."""
    this = (Identity.issuer == profile.issuer, Identity.subject == profile.subject)
    return db.scalars(select(Identity.user_id).where(*this)).first()


def find_user_id(db: Session | Connection, address: str) -> int | None:
    """Return the id of the user who owns an address, or None."""
    return db.scalars(select(User.id).where(User.email == case_folded_address(address))).first()


def _news(known: Row[Any], profile: Profile) -> Mapping[str, str]:
    """Return the name and the authoritative address that the provider says today, where hers are others.

    Only the first of her accounts speaks for her; what another one says would replace that at each sign-in, and be
    replaced again. An address that is missing is taken from any of them.
    """
    news, name = {}, plain(profile.name or "", NAME_LENGTH)
    if known.is_first and name and name != known.name and not known.name_is_fixed:
        news["name"] = name
    address = profile.binding_address if known.is_first or known.email is None else None
    if address and address != known.email:
        news["email"] = address
    return news


def _take_over(db: Session, user: User, news: Mapping[str, str], actor: Actor) -> None:
    """Take over what the provider says today, except for an address that is somebody else's."""
    address = news.get("email")
    if address and find_user_id(db, address) is not None:
        news = {field: value for field, value in news.items() if field != "email"}
    if not news:
        return
    values = {f"{field}.before": before for field in news if (before := getattr(user, field))}
    values |= {f"{field}.after": value for field, value in news.items()}
    for field, value in news.items():
        setattr(user, field, value)
    user.version += 1
    try:
        db.flush()
    except IntegrityError as error:
        raise ConcurrentRegistration from error
    record(
        AuditEvent.USER_UPDATED,
        resource=("user", user.id),
        details={"by": "provider"},
        personal=values,
        session=db,
        actor=actor,
    )
