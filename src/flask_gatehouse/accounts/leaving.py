"""What is deleted with a person: her own rows, and those that wait for her address or her account."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, not_, or_, select, true, tuple_
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.folding import case_folded
from ..kernel.context import Actor
from ..kernel.identifiers import id_in
from ..kernel.text import case_folded_address
from .joining import DECLINED
from .locks import get_locked, get_removable, refuse_oneself
from .models import Identity, Invitation, JoinRequest, User

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that is held about a person: what it is, and by what she is known there.

    :param kind: ``user``, ``invitation`` or ``join_request``.
    :param since: when it began to be held.
    :param accounts: issuer and subject of each account with which she signs in.
    :param addresses: case-folded; of a user, those alone about which a provider may be believed.
    :param known_since: when an account or an address became hers, where that was later than ``since``.
    """

    kind: str
    id: int
    since: datetime
    accounts: tuple[tuple[str, str], ...] = ()
    addresses: tuple[str, ...] = ()
    known_since: Mapping[tuple[str, str] | str, datetime] = field(default_factory=dict, compare=False)

    @property
    def subject(self) -> str:
        """Return to whom its values belong in the trail."""
        return f"{self.kind}:{self.id}"


def delete_user(
    db: Session, user_id: int, *, herself: bool = False, even_last: bool = False, actor: Actor | None = None
) -> list[Holding]:
    """Delete a user with her identities, and with the invitations and requests to join that are hers.

    Her sessions end with it. What the trail knows of her is for ``privacy`` to erase, which calls this.

    :param herself: whether it is she who wants it. Without that, nobody does it to herself.
    :param even_last: whether she may be the only administrator, as where she had been deleted before a restore.
    :returns: what was deleted, the user herself first.
    :raises NotOnYourself: if she would do it to herself where another one is meant.
    :raises LastAdministrator: if she is the only administrator.
    :raises UserNotFound: if there is no such user.
    """
    if not herself:
        refuse_oneself(user_id, actor)
    user = get_locked(db, user_id) if even_last else get_removable(db, user_id)
    record(AuditEvent.USER_DELETED, resource=("user", user.id), session=db, actor=actor)
    return delete_rows_of(db, [user])


def delete_rows_of(db: Session, users: Sequence[Any]) -> list[Holding]:
    """Delete locked users and what is theirs; return what was deleted, the users first.

    :param users: with ``id``, ``email`` and ``created_at``.
    """
    held = holdings_of(db, users)
    accounts = [account for one in held for account in one.accounts]
    addresses = [address for one in held for address in one.addresses]
    held += held_for(db, accounts, addresses)
    ids = [user.id for user in users]
    # A host's SQLite may ignore foreign keys; an identity left behind would keep its owner out for good.
    _delete(db, Identity, Identity.user_id.in_(ids))
    delete_holdings(db, held)
    return held


def delete_holdings(db: Session, held: Sequence[Holding]) -> None:
    """Delete the rows of these holdings."""
    for model in (User, Invitation, JoinRequest):
        ids = [one.id for one in held if one.kind == _KINDS[model]]
        if ids:
            _delete(db, model, model.id.in_(ids))


def holdings_of(db: Session, users: Sequence[Any]) -> list[Holding]:
    """Return what is held about users: by which accounts and confirmed addresses they are known."""
    identities: dict[int, list[Any]] = {user.id: [] for user in users}
    names = ("user_id", "issuer", "subject", "email", "email_is_authoritative", "created_at")
    columns = [getattr(Identity, name) for name in names]
    for row in db.execute(select(*columns).where(Identity.user_id.in_(identities)).order_by(Identity.id)):
        identities[row.user_id].append(row)
    return [_user(user, identities[user.id]) for user in users]


def held_for(
    db: Session, accounts: Sequence[tuple[str, str]], addresses: Sequence[str], *, stated: bool = False
) -> list[Holding]:
    """Return the invitations and requests to join that wait for somebody, locked.

    :param stated: whether a request to join counts by an address that nobody vouches for, too. Only where a person
        has looked at it: whoever states somebody else's address at a provider would take her invitation along.
    """
    invitations = select(Invitation).where(Invitation.email.in_(addresses)).with_for_update()
    counts = true() if stated else JoinRequest.email_is_authoritative
    by_address = and_(case_folded(JoinRequest.email).in_(addresses), counts)
    by_account = tuple_(JoinRequest.issuer, JoinRequest.subject).in_(accounts)
    requests = select(JoinRequest).where(or_(by_account, by_address)).with_for_update()
    return [_invitation(row) for row in db.scalars(invitations)] + [_request(row) for row in db.scalars(requests)]


def held_declined(db: Session, subjects: Iterable[str], *, stated: bool = False) -> list[Holding]:
    """Return which of these are requests to join that were declined, locked: their address is in the trail alone.

    :param stated: whether those count about whose address nobody vouches, see :func:`held_for`.
    """
    ids = _ids(subjects, "join_request")
    counts = true() if stated else JoinRequest.email_is_authoritative
    found = select(JoinRequest).where(JoinRequest.id.in_(ids), DECLINED, counts).with_for_update()
    return [_request(row) for row in db.scalars(found)] if ids else []


def still_open(db: Session, subjects: Collection[str]) -> set[str]:
    """Return which of these invitations and requests wait for somebody still, or again."""
    invitations = db.scalars(select(Invitation.id).where(Invitation.id.in_(_ids(subjects, "invitation"))))
    numbers = _ids(subjects, "join_request")
    requests = db.scalars(select(JoinRequest.id).where(JoinRequest.id.in_(numbers), not_(DECLINED)))
    return {f"invitation:{number}" for number in invitations} | {f"join_request:{number}" for number in requests}


def _ids(subjects: Iterable[str], kind: str) -> list[int]:
    """Return the numbers of those subjects that are of a kind."""
    said = (subject.partition(":") for subject in subjects)
    return [number for name, _, text in said if name == kind and (number := id_in(text)) is not None]


def all_holdings(db: Session) -> Iterator[Holding]:
    """Yield whatever is held about anybody, in batches."""
    last = 0
    users = select(User.id, User.email, User.created_at).order_by(User.id).limit(BATCH)
    while rows := db.execute(users.where(User.id > last)).all():
        yield from holdings_of(db, rows)
        last = rows[-1].id
    yield from (_invitation(row) for row in db.scalars(select(Invitation)))
    yield from (_request(row) for row in db.scalars(select(JoinRequest)))


_KINDS: dict[Any, str] = {User: "user", Invitation: "invitation", JoinRequest: "join_request"}


def _user(user: Any, identities: Sequence[Any]) -> Holding:
    confirmed = [case_folded_address(row.email) for row in identities if row.email and row.email_is_authoritative]
    addresses = dict.fromkeys([*([user.email] if user.email else []), *confirmed])
    accounts = tuple((row.issuer, row.subject) for row in identities)
    since: dict[tuple[str, str] | str, datetime] = {(row.issuer, row.subject): row.created_at for row in identities}
    # Of two ways to the same address the earlier one counts.
    for row in sorted(identities, key=lambda one: one.created_at, reverse=True):
        if row.email and row.email_is_authoritative:
            since[case_folded_address(row.email)] = row.created_at
    return Holding("user", user.id, user.created_at, accounts, tuple(addresses), since)


def _invitation(row: Invitation) -> Holding:
    return Holding("invitation", row.id, row.created_at, (), (row.email,))


def _request(row: JoinRequest) -> Holding:
    address = (case_folded_address(row.email),) if row.email else ()
    return Holding("join_request", row.id, row.requested_at, ((row.issuer, row.subject),), address)


def _delete(db: Session, model: Any, which: ColumnElement[bool]) -> None:
    db.execute(delete(model).where(which).execution_options(synchronize_session=False))
