"""Sessions on both databases: from the cookie's value to the row, and every way in which they end."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import product

import pytest
from sqlalchemy import event, update

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, delete_user, toggle_active
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import COMMAND_LINE
from flask_gatehouse.sessions.expiring import expire_sessions, forget_ended_sessions, sessions_due
from flask_gatehouse.sessions.lookup import find_session
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.sessions.rules import EndReason, Limits, ended
from flask_gatehouse.sessions.service import (
    Begun,
    end_other_sessions,
    end_session,
    end_sessions,
    owner_of,
    renew_token,
    touch,
)
from flask_gatehouse.sessions.telling import living_sessions
from tests.integration.conftest import DAY, SOMEBODY, House

LIMITS = Limits(idle=timedelta(minutes=30), absolute=DAY)
ADMIN_LIMITS = Limits(idle=timedelta(minutes=5), absolute=timedelta(hours=4))
MINUTE = timedelta(minutes=1)


def why_ended(house: House, begun: Begun, limits: Limits = LIMITS) -> EndReason | None:
    return ended(house.find(begun).times, limits)


def test_a_session_is_found_by_its_token(house: House) -> None:
    ada = house.join("ada", Role.EDITOR)
    found = house.find(house.enter(ada))
    assert (found.user_id, found.name, found.email, found.role) == (ada.id, "Ada", "ada@example.com", Role.EDITOR)
    assert ended(found.times, LIMITS) is None
    assert found.times.created_at.utcoffset() == timedelta()
    assert abs(found.times.now - found.times.created_at) < timedelta(seconds=30)
    assert found.times.expires_at - found.times.created_at == DAY


def test_a_token_is_stored_nowhere(house: House) -> None:
    begun = house.enter(house.join("ada"))
    assert len(begun.token) == 43
    assert begun.token not in repr(house.contents())
    assert house.session_row(begun)["token_digest"] == sha256(begun.token.encode()).digest()


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 42, "x" * 44, "\u00e9" * 43, "\x00" * 43, "A" * 43, " " * 43, "'" * 43]
)
def test_any_other_token_opens_nothing(house: House, token: str) -> None:
    house.enter(house.join("ada"))
    assert find_session(house.database, token) is None


def test_the_public_id_opens_nothing(house: House) -> None:
    begun = house.enter(house.join("ada"))
    assert find_session(house.database, begun.session_id) is None
    assert find_session(house.database, begun.session_id.ljust(43, "A")) is None


def test_using_it_moves_the_idle_end_and_nothing_else(house: House) -> None:
    begun = house.enter(house.join("ada"))
    house.age(begun, 20 * MINUTE)
    before = house.session_row(begun)
    with house.database.transaction() as db:
        touch(db, begun.session_id)
    after = house.session_row(begun)
    assert after["last_seen_at"] - before["last_seen_at"] >= 20 * MINUTE
    assert after | {"last_seen_at": None} == before | {"last_seen_at": None}


def test_using_one_that_has_ended_does_not_revive_it(house: House) -> None:
    begun = house.enter(house.join("ada"))
    with house.database.transaction() as db:
        end_session(db, begun.session_id, EndReason.LOGOUT)
        touch(db, begun.session_id)
        assert renew_token(db, begun.session_id, proved_at=None, actor=SOMEBODY) is None
    assert why_ended(house, begun) is EndReason.LOGOUT


def test_a_renewed_session_has_another_token_and_the_old_one_is_worthless(house: House) -> None:
    begun = house.enter(house.join("ada"))
    house.age(begun, 20 * MINUTE)
    with house.database.transaction() as db:
        renewed = renew_token(db, begun.session_id, proved_at=None, actor=SOMEBODY)
    assert renewed is not None
    assert renewed.session_id == begun.session_id
    assert find_session(house.database, begun.token) is None
    found = house.find(renewed)
    assert found.times.now - found.confirmed_at < MINUTE
    # A confirmation must not be a way around the absolute limit.
    assert found.times.now - found.times.created_at >= 20 * MINUTE
    assert house.events()[-1] == "session_renewed"


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        (EndReason.LOGOUT, "session_logout"),
        (EndReason.REVOKED, "session_revoked"),
        (EndReason.REPLACED, "session_revoked"),
        (EndReason.IDLE, "session_expired"),
        (EndReason.ABSOLUTE, "session_expired"),
    ],
)
def test_an_end_is_recorded_once_and_its_first_reason_stays(house: House, reason: EndReason, event: str) -> None:
    begun, other = house.enter(house.join("ada")), house.enter(house.join("eve"))
    recorded = len(house.events())
    with house.database.transaction() as db:
        assert end_session(db, begun.session_id, reason)
        assert not end_session(db, begun.session_id, EndReason.LOGOUT)
        assert not end_session(db, "nobody's", reason)
    assert house.events()[recorded:] == [event]
    assert house.last_details() == {"reason": reason}
    assert why_ended(house, begun) is reason
    assert why_ended(house, other) is None


def test_a_session_tells_whose_it_is(house: House) -> None:
    ada = house.join("ada")
    hers = house.enter(ada)
    with house.database.transaction() as db:
        assert owner_of(db, hers.session_id) == ada.id
        assert owner_of(db, "nobody's") is None


def test_of_two_browsers_that_end_each_other_one_is_left(house: House) -> None:
    ada = house.join("ada")
    first, second = house.enter(ada), house.enter(ada)
    with house.database.transaction() as db:
        assert end_other_sessions(db, ada.id, keep=first.session_id) == 1
    with house.database.transaction() as db:
        assert end_other_sessions(db, ada.id, keep=second.session_id) is None
    assert why_ended(house, first) is None


def test_what_ended_long_ago_is_forgotten(house: House) -> None:
    ada = house.join("ada")
    old, recent, living = house.enter(ada), house.enter(ada), house.enter(ada)
    with house.database.transaction() as db:
        for begun in (old, recent):
            end_session(db, begun.session_id, EndReason.LOGOUT)
        db.execute(
            update(UserSession)
            .where(UserSession.id == old.session_id)
            .values(ended_at=datetime(2020, 1, 1, tzinfo=UTC))
        )
    with house.database.transaction() as db:
        assert forget_ended_sessions(db, timedelta(days=30)) == 1
        assert owner_of(db, old.session_id) is None
        assert owner_of(db, recent.session_id) == owner_of(db, living.session_id) == ada.id


@pytest.mark.parametrize("suspended", [True, False])
def test_the_sweep_says_why_the_person_was_sent_away(house: House, suspended: bool) -> None:
    ada = house.join("ada")
    begun = house.enter(ada)
    with house.database.transaction() as db:
        toggle_active(db, ada.id, wanted=False)
        if not suspended:
            toggle_active(db, ada.id, wanted=True)
    with house.database.transaction() as db:
        assert expire_sessions(db, LIMITS, ADMIN_LIMITS, [begun.session_id]) == 1
    assert why_ended(house, begun) is (EndReason.DEACTIVATED if suspended else EndReason.GENERATION)


def test_all_but_this_one(house: House) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    sessions = [house.enter(ada) for _ in range(3)]
    theirs = house.enter(eve)
    with house.database.transaction() as db:
        assert end_other_sessions(db, ada.id, keep=sessions[1].session_id) == 2
    assert [why_ended(house, begun) for begun in (*sessions, theirs)] == [
        EndReason.REVOKED,
        None,
        EndReason.REVOKED,
        None,
    ]


@pytest.mark.parametrize("everybody", [False, True])
def test_all_of_one_person_or_of_everybody(house: House, everybody: bool) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    hers, theirs = house.enter(ada), house.enter(eve)
    with house.database.transaction() as db:
        assert end_sessions(db, None if everybody else ada.id, actor=COMMAND_LINE) == (2 if everybody else 1)
    assert why_ended(house, hers) is EndReason.REVOKED
    assert why_ended(house, theirs) is (EndReason.REVOKED if everybody else None)
    assert house.trail()[-1].actor_kind == "cli"


def test_those_of_everybody_end_by_batches_with_two_statements_each(house: House) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    begun = [house.enter(ada), house.enter(eve), house.enter(ada)]
    statements: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    ended = []
    for _ in range(3):
        with house.database.transaction() as db:
            ended.append(end_sessions(db, None, actor=COMMAND_LINE, batch=2))
    assert ended == [2, 1, 0]
    assert {why_ended(house, one) for one in begun} == {EndReason.REVOKED}
    assert [row.event for row in house.trail()].count("session_revoked") == 3
    writing = [said for said in statements if said.startswith(("WITH", "UPDATE", "INSERT"))]
    assert len(writing) == 5


class TestChangesOfTheUserActOnTheVeryNextLookUp:
    def test_suspending(self, house: House, database: Database) -> None:
        ada = house.join("ada")
        begun = house.enter(ada)
        with database.transaction() as db:
            toggle_active(db, ada.id, wanted=False)
        assert why_ended(house, begun) is EndReason.DEACTIVATED

    def test_reactivating_revives_nothing(self, house: House, database: Database) -> None:
        ada = house.join("ada")
        begun = house.enter(ada)
        with database.transaction() as db:
            toggle_active(db, ada.id, wanted=False)
            toggle_active(db, ada.id, wanted=True)
        assert why_ended(house, begun) is EndReason.GENERATION
        again = house.enter(ada, generation=1)
        assert why_ended(house, again) is None

    def test_a_change_of_role_keeps_the_session(self, house: House, database: Database) -> None:
        house.join("root", Role.ADMIN)
        ada = house.join("ada")
        begun = house.enter(ada)
        with database.transaction() as db:
            change_role(db, ada.id, Role.ADMIN)
        assert house.find(begun).role is Role.ADMIN
        assert why_ended(house, begun) is None
        with database.transaction() as db:
            change_role(db, ada.id, Role.VIEWER)
        assert house.find(begun).role is Role.VIEWER

    def test_deleting(self, house: House, database: Database) -> None:
        ada, eve = house.join("ada"), house.join("eve")
        begun, theirs = house.enter(ada), house.enter(eve)
        with database.transaction() as db:
            delete_user(db, ada.id)
        assert find_session(database, begun.token) is None
        assert why_ended(house, theirs) is None
        assert begun.session_id not in repr(house.contents()["gatehouse_sessions"])


class TestTheSweep:
    def sweep(self, house: House, limits: Limits = LIMITS, admin: Limits = ADMIN_LIMITS, batch: int = 500) -> int:
        with house.database.transaction() as db:
            return expire_sessions(db, limits, admin, sessions_due(db.connection(), limits, admin, limit=batch))

    def test_it_writes_down_what_every_request_already_knows(self, house: House) -> None:
        ada = house.join("ada")
        living, idle, over = (house.enter(ada) for _ in range(3))
        house.age(living, 29 * MINUTE)
        house.age(idle, 31 * MINUTE)
        house.age(over, 25 * timedelta(hours=1), "created_at", "expires_at")
        assert self.sweep(house) == 2
        reasons = [house.session_row(begun)["end_reason"] for begun in (living, idle, over)]
        assert reasons == [None, EndReason.IDLE, EndReason.ABSOLUTE]
        assert self.sweep(house) == 0

    @pytest.mark.parametrize("swapped", [False, True])
    def test_it_says_exactly_what_the_rule_says(self, house: House, swapped: bool) -> None:
        """Also where an administrator's limits are the longer ones."""
        ordinary, admin = (ADMIN_LIMITS, LIMITS) if swapped else (LIMITS, ADMIN_LIMITS)
        people = {role: house.join(role, role) for role in (Role.VIEWER, Role.ADMIN)}
        ages = (MINUTE, 6 * MINUTE, 29 * MINUTE, 31 * MINUTE, 5 * 60 * MINUTE, 25 * 60 * MINUTE)
        moved = ((), ("created_at", "expires_at"), ("created_at",), ("last_seen_at",))
        expected = {}
        for role, age, columns in product(people, ages, moved):
            begun = house.enter(people[role])
            house.age(begun, age, *columns)
            expected[begun] = why_ended(house, begun, admin if role is Role.ADMIN else ordinary)
        self.sweep(house, ordinary, admin)
        assert {begun: house.session_row(begun)["end_reason"] for begun in expected} == expected
        assert set(expected.values()) == {None, EndReason.IDLE, EndReason.ABSOLUTE}

    def test_it_takes_no_more_than_a_batch(self, house: House) -> None:
        ada = house.join("ada")
        for _ in range(3):
            house.age(house.enter(ada), DAY)
        assert [self.sweep(house, batch=2), self.sweep(house, batch=2), self.sweep(house, batch=2)] == [2, 1, 0]

    def test_the_system_itself_is_the_actor(self, house: House) -> None:
        house.age(house.enter(house.join("ada")), DAY)
        self.sweep(house)
        assert (house.events()[-1], house.trail()[-1].actor_kind) == ("session_expired", "system")


def test_the_list_of_living_sessions_holds_exactly_those_that_open_something(house: House) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    first, second, idle, over, out = (house.enter(ada) for _ in range(5))
    house.enter(ada, generation=7)
    house.enter(eve)
    house.age(second, 10 * MINUTE)
    house.age(idle, 31 * MINUTE)
    house.age(over, DAY, "created_at", "expires_at")
    with house.database.transaction() as db:
        end_session(db, out.session_id, EndReason.LOGOUT)
        views = living_sessions(db, ada.id, LIMITS)
    assert [view.id for view in views] == [first.session_id, second.session_id]
    assert (views[0].provider, views[0].ip, views[0].user_agent) == ("google", SOMEBODY.ip, SOMEBODY.user_agent)


def test_the_list_of_somebody_suspended_is_empty(house: House) -> None:
    ada = house.join("ada")
    house.enter(ada)
    with house.database.transaction() as db:
        toggle_active(db, ada.id, wanted=False)
        assert living_sessions(db, ada.id, LIMITS) == []
