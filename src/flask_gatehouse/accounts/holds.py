"""Holds: somebody says that it was not she who came in, and nobody does until an administrator has looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import now_of
from ..kernel.context import Actor
from .locks import get_locked, take_turn
from .models import User
from .rules import Role


@dataclass(frozen=True, slots=True)
class HeldUser:
    """Somebody whose account waits for an administrator."""

    id: int
    name: str
    email: str | None
    held_at: datetime


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Somebody as a letter to her needs it.

    :param language: the one in which she last signed in; None if that is not known.
    :param generation: her ``session_generation``, which a link in the letter is bound to.
    """

    id: int
    name: str
    email: str | None
    role: Role
    language: str | None
    generation: int
    held_at: datetime | None


def find_correspondent(connection: Connection | Session, user_id: int) -> Correspondent | None:
    """Return somebody to write to, or None if there is no such user any more."""
    row = connection.execute(
        select(User.id, User.name, User.email, User.role, User.language, User.session_generation, User.held_at).where(
            User.id == user_id
        )
    ).first()
    return None if row is None else Correspondent(*row)


def remember_language(db: Session, user_id: int, language: str) -> None:
    """Write down in which language somebody reads."""
    db.execute(update(User).where(User.id == user_id).values(language=language))


def hold_user(db: Session, user_id: int, generation: int, *, about: str, actor: Actor | None = None) -> bool:
    """End all sessions of a user and let nobody sign in as her; False if that is no longer what the link was for.

    The last administrator can be held too: whoever holds the server lets her in again (``gatehouse release``).

    :param generation: her ``session_generation`` when she was written to. Another one says that all sessions of that
        time have ended, by this very link or otherwise: it works once.
    :param about: the event that she was written to about.
    :raises UserNotFound: if there is no such user.
    """
    # What she does as an administrator at this moment is either done or refused.
    take_turn(db)
    user = get_locked(db, user_id)
    if user.session_generation != generation:
        return False
    user.session_generation, user.version, user.held_at = generation + 1, user.version + 1, user.held_at or now_of(db)
    db.flush()
    record(
        AuditEvent.USER_HELD,
        resource=("user", user_id),
        details={"about": about},
        reason="not_me",
        session=db,
        actor=actor,
    )
    return True


def release_user(db: Session, user_id: int, *, actor: Actor | None = None) -> bool:
    """Let a user sign in again; False if nothing kept her from it. Sessions that have ended stay so.

    :raises UserNotFound: if there is no such user.
    """
    user = get_locked(db, user_id)
    if user.held_at is None:
        return False
    user.held_at, user.version = None, user.version + 1
    db.flush()
    record(AuditEvent.USER_RELEASED, resource=("user", user_id), session=db, actor=actor)
    return True


def list_held(connection: Connection, *, limit: int = 20) -> Sequence[HeldUser]:
    """Return those who wait longest."""
    held = select(User.id, User.name, User.email, User.held_at).where(User.held_at.is_not(None))
    rows = connection.execute(held.order_by(User.held_at, User.id).limit(limit))
    return [HeldUser(row.id, row.name, row.email, row.held_at) for row in rows]
