"""Gatehouse as it is deployed, and the floor beside it, on one database: what both are told, and who asks them."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench._databases import Place, places_of
from bench._paired import begin_applications, begin_servers
from bench._people import fill
from sqlalchemy import select, update

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.service import begin_session
from tests.services import POSTGRESQL_OPTIONS, running_services

PEOPLE = 1000
GATEHOUSE = "flask_gatehouse.wsgi:app"
FLOOR = "bench._floor:app"
# In production, behind https.
COOKIE = "__Host-gatehouse"


@dataclass(frozen=True, slots=True)
class Site:
    """One database, and what an application that uses it is told.

    :param environment: of a production node behind one proxy, with all that is on by default.
    """

    kind: str
    url: str
    environment: dict[str, str]

    def ways(self) -> dict[str, dict[str, str]]:
        """Return by a title what a node is told: to count by itself, and to count in Redis, if it is there."""
        alone = {name: value for name, value in self.environment.items() if name != "REDIS_URL"}
        together = {f"{self.kind} and Redis": self.environment} if alone != self.environment else {}
        return {self.kind: alone} | together

    def sign_in(self, role: Role) -> tuple[int, str]:
        """Begin a session for somebody of this role, and return who it is and what her browser sends to Gatehouse."""
        engine = make_engine(self.url)
        with Database(lambda: engine).transaction() as db:
            of_this_role = select(User).where(User.role == role, User.is_active, User.email.is_not(None))
            who = db.scalars(of_this_role.order_by(User.id).limit(1)).one()
            begun = begin_session(
                db,
                user_id=who.id,
                generation=who.session_generation,
                provider="google",
                issuer="https://accounts.google.com",
                subject=str(who.id),
                previous_sign_in_at=who.last_sign_in_at,
                lifetime=timedelta(hours=12),
                actor=Actor(user_id=who.id, ip="203.0.113.9"),
            )
            number = who.id
        engine.dispose()
        return number, f"{COOKIE}={begun.token}"


@contextmanager
def sites(folder: Path, only: str | None = None, *, apart: bool = True) -> Iterator[list[Site]]:
    """Yield a site on each kind of database that this machine has; nodes on PostgreSQL count requests in Redis.

    :param only: one kind alone.
    :param apart: whether applications and servers keep to cores of their own.
    """
    # Tests want all statements in the log, and a zone that nobody expects.
    POSTGRESQL_OPTIONS.update(log_statement="none", timezone="UTC")
    if apart:
        begin_servers()
    with running_services() as services:
        if apart:
            begin_applications()
        yield [_site(place) for place in places_of(services, folder, only)]


def _site(place: Place) -> Site:
    url = place.new("people")
    fill(url, PEOPLE)
    engine = make_engine(url)
    with engine.begin() as connection:
        # Everybody has been here before, so that the page says when.
        connection.execute(update(User).values(last_sign_in_at=User.created_at))
    engine.dispose()
    return Site(place.kind, url, environment_of(place, url))


def environment_of(place: Place, url: str) -> dict[str, str]:
    """Return what a node is told that uses a database of this place."""
    metrics = Path(tempfile.mkdtemp(prefix="metrics-", dir=place.folder))
    environment = {
        "GATEHOUSE_BASE_URL": "https://gate.example.com",
        "GATEHOUSE_TRUSTED_PROXIES": "1",
        # Beyond what is asked here in a minute; what a request costs does not depend on it.
        "GATEHOUSE_RATE_LIMIT": "1000000 per minute",
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(32),
        "GOOGLE_CLIENT_ID": "bench",
        "GOOGLE_CLIENT_SECRET": "bench",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    if place.kind == "PostgreSQL" and place.services.redis_url is not None:
        environment["REDIS_URL"] = place.services.redis_url
    return environment
