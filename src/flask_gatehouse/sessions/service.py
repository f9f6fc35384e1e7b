"""Beginning, prolonging and ending sessions. Each end is recorded in the transaction that makes it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Connection, Table, and_, insert, select, update
from sqlalchemy.orm import Session

from ..accounts.columns import users
from ..audit import AuditEvent, record
from ..audit.service import Facts, record_each
from ..db.base import database_now, now_of
from ..kernel.context import Actor
from .lookup import digest_of
from .models import UserSession
from .rules import BY_TIME, EndReason

# Built once, and of the table: each sign-in writes one row and needs no entity.
_INSERT = insert(cast("Table", UserSession.__table__)).inline()


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun. The token goes into the cookie and is stored nowhere."""

    session_id: str
    token: str


def begin_session(
    db: Session,
    *,
    user_id: int,
    generation: int,
    provider: str,
    issuer: str | None,
    subject: str | None,
    provider_session_id: str | None = None,
    previous_sign_in_at: datetime | None,
    lifetime: timedelta,
    actor: Actor,
    proved_at: datetime | None = None,
    now: datetime | None = None,
) -> Begun:
    """Begin a session for a person who has just proved who she is.

    :param generation: the user's ``session_generation``, read in this transaction.
    :param lifetime: how long it may last whatever happens.
    :param proved_at: when she proved herself at the provider, if it said; a sign-in there may be days old, and one by a
        clock that is ahead of ours counts as of now.
    :param now: the database's time, if this transaction has asked for it already.
    """
    now = now or now_of(db)
    begun = Begun(session_id=secrets.token_urlsafe(16), token=secrets.token_urlsafe(32))
    row = {
        "id": begun.session_id,
        "token_digest": digest_of(begun.token),
        "user_id": user_id,
        "generation": generation,
        "provider": provider,
        "issuer": issuer,
        "subject": subject,
        "provider_session_id": provider_session_id,
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + lifetime,
        "confirmed_at": min(now, proved_at or now),
        "previous_sign_in_at": previous_sign_in_at,
        "ip": actor.ip,
        "user_agent": actor.user_agent,
    }
    db.connection().execute(_INSERT, row)
    record(AuditEvent.SESSION_CREATED, resource=("session", begun.session_id), session=db, actor=actor)
    return begun


def renew_token(db: Session, session_id: str, *, proved_at: datetime | None, actor: Actor) -> Begun | None:
    """Give a living session a new token after a confirmation; the old one is worthless from then on.

    :param proved_at: when she proved herself at the provider, if it said.
    :returns: None if the session has ended meanwhile.
    """
    now, token = now_of(db), secrets.token_urlsafe(32)
    changed = db.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.ended_at.is_(None))
        .values(token_digest=digest_of(token), confirmed_at=min(now, proved_at or now), last_seen_at=now)
        .returning(UserSession.id)
    ).first()
    if changed is None:
        return None
    record(AuditEvent.SESSION_RENEWED, resource=("session", session_id), session=db, actor=actor)
    return Begun(session_id=session_id, token=token)


def touch(db: Session, session_id: str) -> None:
    """Write down that a person used her session; one that has ended stays as it is."""
    db.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.ended_at.is_(None))
        .values(last_seen_at=database_now())
    )


def note_use_after_end(db: Session, session_id: str, reason: EndReason, *, actor: Actor) -> bool:
    """Record that somebody came with the cookie of a session that had ended; False if that is recorded already.

    Whoever repeats an old cookie, or two who come at once, leave one event: the row knows, for as long as it is kept.
    If its time ran out and nobody has written that down yet, it ends here.

    :param reason: why it had ended.
    :param actor: who came, as whom the session was.
    """
    if reason in BY_TIME:
        end_session(db, session_id, reason, actor=actor)
    first = db.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.used_after_end_at.is_(None))
        .values(used_after_end_at=database_now())
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    ).first()
    if first is None:
        return False
    target = ("session", session_id)
    record(AuditEvent.SESSION_USE_AFTER_EXPIRE, resource=target, reason=reason, session=db, actor=actor)
    return True


_EVENTS = {
    EndReason.LOGOUT: AuditEvent.SESSION_LOGOUT,
    EndReason.REVOKED: AuditEvent.SESSION_REVOKED,
    EndReason.REPLACED: AuditEvent.SESSION_REVOKED,
    EndReason.DEACTIVATED: AuditEvent.SESSION_REVOKED,
    EndReason.GENERATION: AuditEvent.SESSION_REVOKED,
    EndReason.IDLE: AuditEvent.SESSION_EXPIRED,
    EndReason.ABSOLUTE: AuditEvent.SESSION_EXPIRED,
}


def end_session(db: Session, session_id: str, reason: EndReason, *, actor: Actor | None = None) -> bool:
    """End one session and record it; False if it had ended already, or never was."""
    return bool(_end(db, UserSession.id == session_id, reason, actor))


def owner_of(db: Session, session_id: str) -> int | None:
    """Return whose session this is or was, or None if there is no such session."""
    return db.scalars(select(UserSession.user_id).where(UserSession.id == session_id)).first()


def account_of(db: Session | Connection, session_id: str) -> tuple[str | None, str | None]:
    """Return the issuer and the subject of the account at a provider with which a session was begun."""
    row = db.execute(select(UserSession.issuer, UserSession.subject).where(UserSession.id == session_id)).first()
    return (None, None) if row is None else (row.issuer, row.subject)


def end_other_sessions(db: Session, user_id: int, keep: str) -> int | None:
    """End all sessions of a person but one, and return how many; None if that one has ended itself.

    Of two browsers that do this to each other at the same moment, one is left. One whose person was deactivated, or
    whose sessions were ended all at once, has ended too, whatever its row says.
    """
    hers = select(UserSession.id).join(users, users.c.id == UserSession.user_id)
    living = hers.where(
        UserSession.user_id == user_id,
        UserSession.ended_at.is_(None),
        UserSession.generation == users.c.session_generation,
        users.c.is_active,
    )
    # The user's own row is not locked: whoever signs in as her takes it first, and a session after it.
    if keep not in db.scalars(living.order_by(UserSession.id).with_for_update(of=UserSession)).all():
        return None
    return len(_end(db, and_(UserSession.user_id == user_id, UserSession.id != keep), EndReason.REVOKED, None))


def end_sessions_of_account(db: Session, user_id: int, issuer: str, subject: str, *, actor: Actor) -> int:
    """End all sessions of a person that were begun with this account at this provider; return how many."""
    hers = and_(UserSession.user_id == user_id, UserSession.issuer == issuer, UserSession.subject == subject)
    return len(_end(db, hers, EndReason.REVOKED, actor))


def end_sessions(db: Session, user_id: int | None, *, actor: Actor, batch: int | None = None) -> int:
    """End all sessions of one person, or of everybody if ``user_id`` is None; return how many.

    :param batch: end no more than these: all of a large site's would keep everybody else from writing meanwhile.
    """
    which = UserSession.id.is_not(None) if user_id is None else UserSession.user_id == user_id
    if batch is not None:
        some = select(UserSession.id).where(which, UserSession.ended_at.is_(None)).order_by(UserSession.id).limit(batch)
        # PostgreSQL evaluates a subquery that is limited once for each row, and this once.
        which = UserSession.id.in_(select(some.with_for_update().cte("some").c.id))
    return len(_end(db, which, EndReason.REVOKED, actor))


def _end(db: Session, which: ColumnElement[bool], reason: EndReason, actor: Actor | None) -> Sequence[str]:
    ids = db.scalars(
        update(UserSession)
        .where(which, UserSession.ended_at.is_(None))
        .values(ended_at=database_now(), end_reason=reason)
        .returning(UserSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    record_each(
        _EVENTS[reason], [Facts(("session", session_id), reason=reason) for session_id in ids], session=db, actor=actor
    )
    return ids
