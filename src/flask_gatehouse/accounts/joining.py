"""People who were not invited, have proved who they are, and wait for an administrator's word.

What is approved is one account at one provider, never an address: exactly she comes in, and once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, not_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import now_of
from ..kernel.addresses import ADDRESS_LENGTH
from ..kernel.context import SYSTEM, Actor
from ..kernel.identifiers import LARGEST_ID
from ..kernel.text import plain
from .errors import ConcurrentRegistration, JoinRequestChanged, JoinRequestNotFound
from .fields import checked_role
from .models import JoinRequest
from .profile import Profile, identifying
from .rules import Role
from .views import JoinRequestView

# Strangers' addresses are not kept for longer than somebody may reasonably take to decide, or to come back.
WAITS_FOR = timedelta(days=30)
# For so long whoever was declined is not put before an administrator again.
DECLINE_HOLDS = timedelta(days=7)
# For so long at least somebody waits whose approval was taken back, so that she can be decided about anew.
WAITS_AGAIN_FOR = timedelta(days=7)
DECLINED = and_(JoinRequest.approved_role.is_(None), JoinRequest.decided_at.is_not(None))
# A range, which SQLite finds by its index, where "is not null" is none: those who wait may be many.
_APPROVED = and_(JoinRequest.decided_at > datetime(1970, 1, 1, tzinfo=UTC), JoinRequest.approved_role.is_not(None))
_VIEW = tuple(getattr(JoinRequest, name) for name in JoinRequestView.__dataclass_fields__)


class JoinDecision(StrEnum):
    """What an administrator says about somebody who asks to join."""

    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


def request_to_join(db: Session, profile: Profile, *, actor: Actor | None = None) -> timedelta | None:
    """Put somebody into the queue, or refresh what the queue knows of her; only the first time is an event.

    :returns: for how long an administrator's refusal still holds, and nothing was written; None if she waits now.
    :raises ConcurrentRegistration: if she asks twice at this very moment.
    """
    now, request = now_of(db), db.scalars(_of(profile).with_for_update()).first()
    declined_at = _declined_at(request)
    if declined_at is not None and now < declined_at + DECLINE_HOLDS:
        return declined_at + DECLINE_HOLDS - now
    is_new = request is None or declined_at is not None
    if request is None:
        request = JoinRequest(provider=profile.provider, issuer=profile.issuer, subject=profile.subject)
        db.add(request)
    request.email = None if profile.email is None else plain(profile.email, ADDRESS_LENGTH) or None
    request.email_is_authoritative = profile.email_is_authoritative
    request.name = profile.display_name
    request.requested_at = now
    if declined_at is not None:
        request.decided_at = None
    try:
        db.flush()
    except IntegrityError as error:
        raise ConcurrentRegistration from error
    if is_new:
        _record(db, AuditEvent.JOIN_REQUESTED, request, actor, provider=profile.provider)
    return None


def approve_join_request(db: Session, request_id: int, role: str, *, actor: Actor | None = None) -> None:
    """Let somebody in at her next sign-in, with this role; whoever is approved with it already stays so.

    :param role: as typed.
    :raises InvalidField: for a ``role`` that there is not.
    :raises JoinRequestChanged: if she was declined, or approved with another role.
    :raises JoinRequestNotFound: if nobody has asked under this id.
    """
    wanted = checked_role(role)
    request = _get_locked(db, request_id)
    if request.approved_role is not wanted:
        _refuse_decided(request)
        request.approved_role, request.decided_at = wanted, now_of(db)
        db.flush()
        _record(db, AuditEvent.JOIN_APPROVED, request, actor, role=wanted)


def decline_join_request(db: Session, request_id: int, *, actor: Actor | None = None) -> None:
    """Take somebody out of the queue. She may ask again after ``DECLINE_HOLDS``; an invitation lets her in at once.

    Whoever is declined already stays so, for as long as before.

    :raises JoinRequestChanged: if she was approved.
    :raises JoinRequestNotFound: if nobody has asked under this id.
    """
    request = _get_locked(db, request_id)
    if _declined_at(request) is not None:
        return
    _refuse_decided(request)
    _record(db, AuditEvent.JOIN_DECLINED, request, actor)
    request.decided_at = now_of(db)
    # Which account it was is all that the refusal needs.
    request.name, request.email = "", None
    db.flush()


def withdraw_approval(db: Session, request_id: int, role: str = "", *, actor: Actor | None = None) -> None:
    """Put somebody who has been approved and has not come yet back among those who wait; whoever waits stays there.

    :param role: with which she is taken to be approved, as typed; empty for whichever it is.
    :raises InvalidField: for a ``role`` that there is not.
    :raises JoinRequestChanged: if she was declined, or approved with another role.
    :raises JoinRequestNotFound: if nobody has asked under this id, or she has come.
    """
    seen = checked_role(role) if role else None
    request = _get_locked(db, request_id)
    approved = request.approved_role
    # Without this a late click, or a retry, takes back unseen what another administrator has corrected meanwhile.
    if approved is None or seen not in {None, approved}:
        _refuse_decided(request)
        return
    request.approved_role = request.decided_at = None
    request.requested_at = max(request.requested_at, now_of(db) - WAITS_FOR + WAITS_AGAIN_FOR)
    db.flush()
    _record(db, AuditEvent.JOIN_APPROVAL_REVOKED, request, actor, role=approved)


def expire_join_requests(db: Session, *, batch: int = 500) -> int:
    """Forget people about whom nobody has decided, or who have not come since they were approved, and return how many.

    Both are kept for ``WAITS_FOR``: since they last asked, and since the approval. Refusals that no longer hold are
    forgotten, too; that they were given is in the trail.
    """
    now = now_of(db)
    db.execute(delete(JoinRequest).where(DECLINED, JoinRequest.decided_at <= now - DECLINE_HOLDS))
    due = (
        select(JoinRequest)
        .where(
            # By its index; whoever was approved asked before that.
            JoinRequest.requested_at <= now - WAITS_FOR,
            func.coalesce(JoinRequest.decided_at, JoinRequest.requested_at) <= now - WAITS_FOR,
            not_(DECLINED),
        )
        .order_by(JoinRequest.requested_at, JoinRequest.id)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    requests = db.scalars(due).all()
    for request in requests:
        db.delete(request)
        _record(db, AuditEvent.JOIN_EXPIRED, request, SYSTEM)
    db.flush()
    return len(requests)


def list_join_requests(
    connection: Connection, *, before: int | None = None, limit: int = 50
) -> Sequence[JoinRequestView]:
    """Return people about whom nobody has decided yet, the newest first.

    :param before: the ``id`` of the last one of the page before.
    """
    return _listed(connection, JoinRequest.decided_at.is_(None), before, limit)


def list_approved_requests(
    connection: Connection, *, before: int | None = None, limit: int = 50
) -> Sequence[JoinRequestView]:
    """Return people who have been approved and have not come yet, the newest first.

    :param before: the ``id`` of the last one of the page before.
    """
    return _listed(connection, _APPROVED, before, limit)


def _listed(
    connection: Connection, meant: ColumnElement[bool], before: int | None, limit: int
) -> Sequence[JoinRequestView]:
    statement = select(*_VIEW).where(meant)
    if before is not None:
        statement = statement.where(JoinRequest.id < min(max(before, 0), LARGEST_ID))
    return [JoinRequestView(*row) for row in connection.execute(statement.order_by(JoinRequest.id.desc()).limit(limit))]


def find_approved_role(db: Session, profile: Profile) -> Role | None:
    """Return the role with which an administrator has let this very account in, or None."""
    request = db.scalars(_of(profile).with_for_update()).first()
    return None if request is None else request.approved_role


def take_join_request(db: Session, user_id: int, profile: Profile, actor: Actor) -> None:
    """Take a person who has come in out of the queue."""
    request = db.scalars(_of(profile).with_for_update()).first()
    if request is not None:
        db.delete(request)
        db.flush()
        _record(db, AuditEvent.JOIN_USED, request, replace(actor, user_id=user_id, kind="user"))


def _of(profile: Profile) -> Select[JoinRequest]:
    return select(JoinRequest).where(JoinRequest.issuer == profile.issuer, JoinRequest.subject == profile.subject)


def _declined_at(request: JoinRequest | None) -> datetime | None:
    return request.decided_at if request is not None and request.approved_role is None else None


def _refuse_decided(request: JoinRequest) -> None:
    if request.decided_at is not None:
        raise JoinRequestChanged(_view_of(request))


def _view_of(request: JoinRequest) -> JoinRequestView:
    return JoinRequestView(*(getattr(request, name) for name in JoinRequestView.__dataclass_fields__))


def _get_locked(db: Session, request_id: int) -> JoinRequest:
    found = select(JoinRequest).where(JoinRequest.id == request_id).with_for_update()
    request = db.scalars(found).first() if 0 < request_id <= LARGEST_ID else None
    if request is None:
        raise JoinRequestNotFound
    return request


def _record(db: Session, event: AuditEvent, request: JoinRequest, actor: Actor | None, **details: str) -> None:
    record(
        event,
        resource=("join_request", request.id),
        details=details,
        personal=identifying(request.name, request.email),
        session=db,
        actor=actor,
    )
