"""What ends without anybody coming back to it, and what is forgotten after that: the worker's share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, not_, or_, select
from sqlalchemy.orm import Session

from ..accounts.columns import users
from ..accounts.rules import Role
from ..db.base import now_of
from ..kernel.context import SYSTEM
from .models import UserSession
from .rules import EndReason, Limits, Times, ended
from .service import end_session


def sessions_due(connection: Connection, limits: Limits, admin_limits: Limits, *, limit: int = 500) -> Sequence[str]:
    """Return the ids of sessions that ``expire_sessions`` ends: who only looks through all that live holds no lock."""
    return connection.scalars(_due(now_of(connection), limits, admin_limits).limit(limit)).all()


def expire_sessions(db: Session, limits: Limits, admin_limits: Limits, due: Sequence[str]) -> int:
    """End those of these sessions whose time is over still, and that nobody has come back to; return how many.

    A request refuses such a session by itself; this writes down that it ended, for its owner's list and the trail.

    :param due: what ``sessions_due`` has said a moment ago.
    """
    now = now_of(db)
    still = _due(now, limits, admin_limits).where(UserSession.id.in_(due))
    rows = db.execute(still.with_for_update(skip_locked=True, of=UserSession)).all()
    for session_id, created_at, last_seen_at, expires_at, role, is_active, generation_is_current in rows:
        # The same rule that a request obeys says why, so that the trail and the person are told the same.
        times = Times(now, created_at, last_seen_at, expires_at, None, is_active, generation_is_current)
        reason = ended(times, admin_limits if role is Role.ADMIN else limits)
        end_session(db, session_id, reason or EndReason.ABSOLUTE, actor=SYSTEM)
    return len(rows)


def _due(now: datetime, limits: Limits, admin_limits: Limits) -> Select[Any]:
    is_admin = users.c.role == Role.ADMIN
    is_current = UserSession.generation == users.c.session_generation
    return (
        select(
            UserSession.id,
            UserSession.created_at,
            UserSession.last_seen_at,
            UserSession.expires_at,
            users.c.role,
            users.c.is_active,
            is_current.label("is_current"),
        )
        .join(users, users.c.id == UserSession.user_id)
        .where(
            UserSession.ended_at.is_(None),
            or_(
                not_(users.c.is_active),
                not_(is_current),
                and_(not_(is_admin), is_over(limits, now)),
                and_(is_admin, is_over(admin_limits, now)),
            ),
        )
    )


def forget_ended_sessions(db: Session, kept_for: timedelta, *, batch: int = 500) -> int:
    """Delete sessions that ended long ago, with the addresses and browsers on them; return how many.

    :param kept_for: how long one that has ended stays on its owner's record, and says why to an open page.
    """
    old = select(UserSession.id).where(UserSession.ended_at < now_of(db) - kept_for).limit(batch)
    statement = delete(UserSession).where(UserSession.id.in_(old)).returning(UserSession.id)
    return len(db.scalars(statement.execution_options(synchronize_session=False)).all())


def forget_sessions_of(db: Session, user_ids: Sequence[int]) -> None:
    """Delete all sessions of people who have left. A host's SQLite may ignore the foreign key that would do it."""
    gone = delete(UserSession).where(UserSession.user_id.in_(user_ids))
    db.execute(gone.execution_options(synchronize_session=False))


def is_over(limits: Limits, now: datetime) -> ColumnElement[bool]:
    """Return what holds of a session whose time is over, whatever its row says."""
    return or_(
        UserSession.last_seen_at <= now - limits.idle,
        UserSession.expires_at <= now,
        UserSession.created_at <= now - limits.absolute,
    )
