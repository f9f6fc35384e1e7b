"""The one SELECT of an ordinary authenticated request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ..accounts.columns import actor_columns, users
from ..accounts.rules import Role
from ..db.base import database_now
from ..db.database import Database
from ..db.prepared import PreparedSelect
from .models import UserSession
from .rules import EndReason, Times

# secrets.token_urlsafe(32): 256 bits in 43 characters.
TOKEN_LENGTH = 43
_sessions = UserSession.__table__

# What has ended is selected too, because its reason is told to the person.
_EVERYTHING = select(
    _sessions.c.id,
    _sessions.c.provider,
    _sessions.c.created_at,
    _sessions.c.last_seen_at,
    _sessions.c.expires_at,
    _sessions.c.confirmed_at,
    _sessions.c.previous_sign_in_at,
    _sessions.c.end_reason,
    _sessions.c.used_after_end_at,
    (_sessions.c.generation == users.c.session_generation).label("generation_is_current"),
    database_now().label("now"),
    *actor_columns,
).join_from(_sessions, users, _sessions.c.user_id == users.c.id)
LOOKUP = PreparedSelect(_EVERYTHING.where(_sessions.c.token_digest == bindparam("digest")))
_WITHIN = _EVERYTHING.where(_sessions.c.id == bindparam("session_id"))


@dataclass(frozen=True, slots=True)
class Found:
    """A session and its user as they were at ``times.now``.

    :param used_after_end_at: when its cookie first came after it had ended; None while it has not.
    """

    session_id: str
    provider: str
    confirmed_at: datetime
    previous_sign_in_at: datetime | None
    used_after_end_at: datetime | None
    times: Times
    user_id: int
    email: str | None
    name: str
    role: Role
    created_at: datetime
    last_sign_in_at: datetime | None


def digest_of(token: str) -> bytes:
    """Return what the database holds instead of a token."""
    return sha256(token.encode()).digest()


def find_session(database: Database, token: str) -> Found | None:
    """Return the session that a cookie's value opens, ended or not; None if there is no such session.

    :raises DependencyUnavailable: if the database does not answer.
    """
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    row = database.first(LOOKUP, {"digest": digest_of(token)})
    return None if row is None else _found(row)


def find_session_within(db: Session, session_id: str) -> Found | None:
    """Return a session as a transaction sees it, with all that others have committed by now.

    Its cookie may have changed meanwhile, which happens when it is confirmed in another tab.
    """
    row = db.execute(_WITHIN, {"session_id": session_id}).first()
    return None if row is None else _found(row)


def _found(row: Sequence[Any]) -> Found:
    (
        session_id, provider, session_created_at, last_seen_at, expires_at, confirmed_at, previous_sign_in_at,
        end_reason, used_after_end_at, generation_is_current, now,
        user_id, email, name, role, is_active, created_at, last_sign_in_at,
    ) = row  # fmt: skip
    times = Times(
        now=now,
        created_at=session_created_at,
        last_seen_at=last_seen_at,
        expires_at=expires_at,
        ended=None if end_reason is None else EndReason(end_reason),
        user_is_active=bool(is_active),
        generation_is_current=bool(generation_is_current),
    )
    return Found(
        session_id,
        provider,
        confirmed_at,
        previous_sign_in_at,
        used_after_end_at,
        times,
        user_id,
        email,
        name,
        role,
        created_at,
        last_sign_in_at,
    )
