"""What is told of sessions: to the person whose they are, to her activity and her export, and to a gauge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, not_, select
from sqlalchemy.orm import Session

from ..accounts.columns import users
from ..db.base import now_of
from .expiring import is_over
from .models import UserSession
from .rules import Limits, Times, ended

# Of how many sessions the page of a person's activity tells who has ended them.
MOST_SESSIONS = 100
# More sessions than these are not counted for a gauge.
MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a person may see of one of her sessions."""

    id: str
    provider: str
    created_at: datetime
    last_seen_at: datetime
    ip: str | None
    user_agent: str | None


# What a person is not told of her own sessions, and why.
UNTOLD = {
    "gatehouse_sessions.token_digest": "what opens a session is a secret, in its digest too",
    "gatehouse_sessions.user_id": "the id of the user, who is told",
    "gatehouse_sessions.generation": "a counter that ends sessions",
}
_TOLD = tuple(
    one.key for one in UserSession.__table__.columns if f"{UserSession.__tablename__}.{one.name}" not in UNTOLD
)


def tell_sessions(db: Session, user_id: int, limits: Limits) -> list[dict[str, Any]]:
    """Return everything that is held about a person's sessions, also of those that have ended, for her own eyes.

    One that no request would let in any more has its reason, and no moment until its end is written down.
    """
    table, now = UserSession.__table__, now_of(db)
    rows = db.execute(
        select(table, users.c.is_active, users.c.session_generation)
        .join(users, users.c.id == table.c.user_id)
        .where(table.c.user_id == user_id)
        .order_by(table.c.created_at, table.c.id)
    )
    return [_told(row, now, limits) for row in rows]


def _told(row: Any, now: datetime, limits: Limits) -> dict[str, Any]:
    is_current = row.generation == row.session_generation
    times = Times(now, row.created_at, row.last_seen_at, row.expires_at, row.end_reason, row.is_active, is_current)
    return {name: row._mapping[name] for name in _TOLD} | {"end_reason": ended(times, limits)}


def living_sessions(db: Connection, user_id: int, limits: Limits) -> Sequence[SessionView]:
    """Return a person's sessions that still live, the last used one first."""
    now = now_of(db)
    rows = db.execute(
        select(
            UserSession.id,
            UserSession.provider,
            UserSession.created_at,
            UserSession.last_seen_at,
            UserSession.ip,
            UserSession.user_agent,
        )
        .join(users, users.c.id == UserSession.user_id)
        .where(
            UserSession.user_id == user_id,
            UserSession.ended_at.is_(None),
            UserSession.generation == users.c.session_generation,
            # As a whole: for a bare ``last_seen_at`` SQLite would go through the living sessions of everybody.
            not_(is_over(limits, now)),
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id)
    )
    return [SessionView(*row) for row in rows]


def newest_sessions(db: Connection, user_id: int) -> Sequence[str]:
    """Return the public ids of a person's last sessions, whether they live or have ended."""
    newest = select(UserSession.id).where(UserSession.user_id == user_id).order_by(UserSession.created_at.desc())
    return db.execute(newest.limit(MOST_SESSIONS)).scalars().all()


def count_live_sessions(connection: Connection) -> int:
    """Return how many sessions have not ended, and at most ``MOST_COUNTED``: a million are not counted for a gauge."""
    some = select(UserSession.id).where(UserSession.ended_at.is_(None)).limit(MOST_COUNTED).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
