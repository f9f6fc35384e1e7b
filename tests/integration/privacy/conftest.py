"""A person about whom everything is held that can be, and somebody else with whom she had to do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    Profile,
    SignedInUser,
    approve_join_request,
    edit_user,
    invite,
    list_join_requests,
    register,
    request_to_join,
    withdraw_invitation,
)
from flask_gatehouse.audit import record
from flask_gatehouse.audit.service import Target
from flask_gatehouse.db.base import Base
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.settings import Settings
from tests.integration.conftest import House, profile

# Words that stand nowhere else, so that whatever has been left of her can be searched for.
HERS = ("zoraïda", "zoraida", "quixotic", "quijano", "2001:db8::2024", "windmill browser")
AT_HOME = Actor(ip="2001:db8::2024", user_agent="Windmill Browser/7")
# What no invitation and no request can be called.
STRANGE: tuple[Target, ...] = (
    ("invitation", "x"),
    ("join_request", ""),
    ("join_request", None),
    ("invitation", "9" * 99),
)
ROOT = Actor(user_id=1, session_id="r" * 22, ip="192.0.2.99", user_agent="Root's browser", kind="user")


def zoraida(**changes: Any) -> Profile:
    return profile("zoraida", name="Zoraïda Quixotic", **changes)


@dataclass(frozen=True, slots=True)
class Lives:
    """Zoraïda, who was invited, asked to join, came in, was renamed and is signed in twice; and an administrator."""

    house: House
    settings: Settings
    zoraida: SignedInUser
    root: SignedInUser

    @property
    def database(self) -> Database:
        return self.house.database

    def leftovers(self) -> dict[str, list[str]]:
        """Return which of her words still stand in which table."""
        left = {}
        for table, rows in self.house.contents().items():
            text = repr([tuple(row) for row in rows]).lower()
            if found := [word for word in HERS if word in text]:
                left[table] = found
        return left


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"GATEHOUSE_ENV": "development"}, {}, directory=tmp_path)


@pytest.fixture
def live(settings: Settings) -> Callable[[House], Lives]:
    def live(house: House) -> Lives:
        return _live(house, settings)

    return live


@pytest.fixture
def lives(house: House, live: Callable[[House], Lives]) -> Lives:
    return live(house)


def _live(house: House, settings: Settings) -> Lives:
    root = house.join("root", Role.ADMIN)
    with house.database.transaction() as db:
        earlier = invite(db, "zoraida@example.com", "viewer", actor=ROOT)
        withdraw_invitation(db, earlier.id, actor=ROOT)
        invite(db, "zoraida@example.com", "editor", actor=ROOT)
        request_to_join(db, zoraida(), actor=AT_HOME)
    with house.database.transaction() as db:
        (waiting,) = list_join_requests(db.connection())
        approve_join_request(db, waiting.id, "viewer", actor=ROOT)
    with house.database.transaction() as db:
        user = register(db, zoraida(), Role.VIEWER, actor=AT_HOME)
    herself = Actor(user.id, "z" * 22, AT_HOME.ip, AT_HOME.user_agent, "user")
    for _ in range(2):
        house.enter(user, actor=herself)
    with house.database.transaction() as db:
        version = 2
        edit_user(db, user.id, name="Zoraida Quijano", version=version, as_administrator=True, actor=ROOT)
        record("user_updated", resource=("user", root.id), personal={"name": "Root"}, session=db, actor=herself)
        record("article.published", resource=("article", 7), session=db, actor=herself)
        # Another of her accounts, in the queue; and somebody who states her address at a provider of his own.
        request_to_join(db, zoraida(issuer="https://other.example", subject="quixotic-there"), actor=AT_HOME)
    assert set(_tables_of(Lives(house, settings, user, root).leftovers())) == EVERYWHERE
    return Lives(house, settings, user, root)


EVERYWHERE = {
    "gatehouse_users",
    "gatehouse_identities",
    "gatehouse_join_requests",
    "gatehouse_sessions",
    "gatehouse_audit_events",
}


def _tables_of(left: dict[str, list[str]]) -> list[str]:
    assert set(left) <= set(Base.metadata.tables)
    return list(left)
