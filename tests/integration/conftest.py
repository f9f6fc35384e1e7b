"""People, their sessions and what the trail says of them, on a real database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import Profile, SignedInUser, register
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.db.base import Base
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.lookup import Found, find_session
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.sessions.service import Begun, begin_session
from tests.trail import said

ISSUER = "https://accounts.google.com"
SOMEBODY = Actor(ip="192.0.2.7", user_agent="Browser/1")
DAY = timedelta(hours=24)


def profile(who: str, **changes: Any) -> Profile:
    """Return what Google says of a person of this name; ``changes`` override parts of it."""
    said = Profile(
        provider="google",
        issuer=ISSUER,
        subject=f"{who}-at-google",
        name=who.title(),
        email=f"{who}@example.com",
        email_is_authoritative=True,
    )
    return replace(said, **changes)


@dataclass(frozen=True, slots=True)
class House:
    """One database with people in it."""

    database: Database

    def join(self, who: str, role: Role = Role.VIEWER, **changes: Any) -> SignedInUser:
        with self.database.transaction() as db:
            return register(db, profile(who, **changes), role, actor=SOMEBODY)

    def enter(self, user: SignedInUser, **changes: Any) -> Begun:
        """Begin a session for a user, of the generation that she had when she joined."""
        settings: dict[str, Any] = {
            "user_id": user.id,
            "generation": user.session_generation,
            "provider": "google",
            "issuer": ISSUER,
            "subject": "x",
            "previous_sign_in_at": None,
            "lifetime": DAY,
            "actor": SOMEBODY,
        }
        with self.database.transaction() as db:
            return begin_session(db, **settings | changes)

    def find(self, begun: Begun) -> Found:
        found = find_session(self.database, begun.token)
        assert found is not None
        return found

    def age(self, begun: Begun, span: timedelta, *columns: str) -> None:
        """Let a session be older by moving these moments of its row into the past, or all of them."""
        names = columns or ("created_at", "last_seen_at", "expires_at", "confirmed_at")
        found = self.session_row(begun)
        moved = {name: found[name] - span for name in names}
        with self.database.transaction() as db:
            db.execute(update(UserSession).where(UserSession.id == begun.session_id).values(**moved))

    def session_row(self, begun: Begun) -> dict[str, Any]:
        table = UserSession.__table__
        with self.database.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == begun.session_id)).one()
        return dict(row._mapping)

    def contents(self) -> dict[str, Sequence[Row[Any]]]:
        """Return every row of every table of ours."""
        with self.database.reading() as connection:
            return {
                table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
                for table in Base.metadata.sorted_tables
            }

    def trail(self) -> list[AuditEventRow]:
        with self.database.transaction() as db:
            return list(db.scalars(select(AuditEventRow).order_by(AuditEventRow.id)))

    def events(self) -> list[str]:
        return [row.event for row in self.trail()]

    def last_details(self) -> dict[str, Any]:
        """Return what the newest event says besides who and to what: details, change and reason in one."""
        return said(self.trail()[-1].body)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)
