"""What nobody needs any longer goes by itself, and what somebody still needs stays."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, text

from flask_gatehouse.accounts.models import Invitation
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import decline_join_request, invite, register, request_to_join
from flask_gatehouse.audit import record
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.privacy import retention
from flask_gatehouse.privacy.models import RetentionCursor
from flask_gatehouse.privacy.retention import PersonalRetention
from flask_gatehouse.settings import Settings
from tests.integration.accounts.test_races import at_once, both_before
from tests.integration.conftest import SOMEBODY, House, profile
from tests.integration.privacy.conftest import ROOT, STRANGE
from tests.trail import told

AT_ONCE = timedelta(microseconds=1)


@pytest.fixture
def keeping(settings: Settings) -> Callable[..., Settings]:
    def keep(**times: timedelta) -> Settings:
        return replace(settings, **times)

    return keep


@pytest.fixture
def short(keeping: Callable[..., Settings]) -> Settings:
    return keeping(refusal_retention=AT_ONCE, invitation_retention=AT_ONCE)


def values(house: House, event: str) -> list[dict[str, str]]:
    return [told(row.personal) for row in house.trail() if row.event == event]


def refuse(house: House, count: int = 1) -> None:
    with house.database.transaction() as db:
        for _ in range(count):
            record("authn_login_fail", session=db, actor=SOMEBODY)


def test_refusals_of_nobody_known(house: House, short: Settings, settings: Settings) -> None:
    refuse(house, 3)
    PersonalRetention(house.database, settings).run()
    assert all(values(house, "authn_login_fail"))
    PersonalRetention(house.database, short).run()
    assert values(house, "authn_login_fail") == [{}, {}, {}]
    assert house.last_details()["values"] == 6
    Sealer(house.database, "test").seal()
    assert verify(house.database.engine, Held([])).exit_code == 0


def test_in_batches_and_never_from_the_beginning_again(
    house: House, short: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    refuse(house, 5)
    worker = PersonalRetention(house.database, short)
    worker.run()
    with house.database.reading() as connection:
        newest = connection.scalar(
            select(AuditEventRow.id).where(AuditEventRow.event == "authn_login_fail").order_by(AuditEventRow.id.desc())
        )
        cursor = connection.scalar(select(RetentionCursor.event_id).where(RetentionCursor.name == "refusals"))
    assert cursor == newest
    events = house.events()
    worker.run()
    assert house.events() == events


def test_of_two_workers_that_begin_each_goes_on_from_one_place(house: House, short: Settings) -> None:
    refuse(house, 3)
    workers = [PersonalRetention(house.database, short) for _ in range(2)]
    with both_before(house.database, "INSERT INTO gatehouse_retention_cursors"):
        assert at_once(*(worker.run for worker in workers)) == [None, None]
    assert values(house, "authn_login_fail") == [{}, {}, {}]
    assert house.events().count("personal_data_erased") == 1


class TestInvitationsAndRequests:
    def test_those_that_are_over_lose_their_values(self, house: House, short: Settings) -> None:
        with house.database.transaction() as db:
            invite(db, "eve@example.com", "editor", actor=ROOT)
            register(db, profile("eve"), Role.VIEWER, actor=SOMEBODY)
        assert values(house, "invite_created")[0]["email"] == "eve@example.com"
        PersonalRetention(house.database, short).run()
        # Who has invited her is another's affair.
        assert values(house, "invite_created") == [{"ip": ROOT.ip, "user_agent": ROOT.user_agent}]
        assert "email" not in values(house, "invite_used")[0]
        assert values(house, "user_created")[0]["email"] == "eve@example.com"
        assert house.last_details() == {"reason": "retention", "subjects": ["invitation:1"], "values": 2}

    def test_what_somebody_else_says_has_ended_stops_nothing_and_takes_nobody_along(
        self, house: House, short: Settings
    ) -> None:
        """The names of our events are open to a host."""
        root = house.join("root", Role.ADMIN)
        with house.database.transaction() as db:
            for target in (*STRANGE, ("user", root.id), None):
                record("invite_revoked", resource=target, session=db, actor=ROOT)
            request_to_join(db, profile("bob"), actor=SOMEBODY)
            decline_join_request(db, 1, actor=ROOT)
        PersonalRetention(house.database, short).run()
        assert "name" not in values(house, "join_requested")[0]
        assert [said["name"] for said in values(house, "user_created")] == ["Root"]

    def test_those_that_wait_keep_them(self, house: House, short: Settings) -> None:
        with house.database.transaction() as db:
            invite(db, "eve@example.com", "editor", actor=ROOT)
            request_to_join(db, profile("bob"), actor=SOMEBODY)
        PersonalRetention(house.database, short).run()
        assert values(house, "invite_created")[0]["email"] == "eve@example.com"
        assert values(house, "join_requested")[0]["name"] == "Bob"

    def test_one_that_was_declined_and_asks_again_keeps_what_it_says(self, house: House, short: Settings) -> None:
        with house.database.transaction() as db:
            request_to_join(db, profile("bob"), actor=SOMEBODY)
            decline_join_request(db, 1, actor=ROOT)
            db.execute(text("UPDATE gatehouse_join_requests SET approved_at = NULL"))
        PersonalRetention(house.database, short).run()
        assert values(house, "join_requested")[0]["name"] == "Bob"

    def test_one_that_was_declined(self, house: House, short: Settings) -> None:
        with house.database.transaction() as db:
            request_to_join(db, profile("bob"), actor=SOMEBODY)
            decline_join_request(db, 1, actor=ROOT)
        PersonalRetention(house.database, short).run()
        assert "name" not in values(house, "join_requested")[0]
        Sealer(house.database, "test").seal()
        assert verify(house.database.engine, Held([])).exit_code == 0

    def test_one_that_ended_with_a_clock_that_was_ahead_is_not_passed_over(
        self, house: House, keeping: Callable[..., Settings]
    ) -> None:
        worker = PersonalRetention(house.database, keeping(invitation_retention=timedelta(days=30)))
        now = utc_now()
        # The second one was recorded by a node that took it for five days earlier.
        for who, days in (("eve", 28), ("bob", 33)):
            with time_machine.travel(now - timedelta(days=days), tick=False), house.database.transaction() as db:
                request_to_join(db, profile(who), actor=SOMEBODY)
                decline_join_request(db, 1 if who == "eve" else 2, actor=ROOT)
        worker.run()
        assert values(house, "join_requested")[0]["name"] == "Eve"
        PersonalRetention(house.database, keeping(invitation_retention=timedelta(days=27))).run()
        assert [said for said in values(house, "join_requested") if "name" in said] == []

    def test_ids_of_invitations_are_given_once(self, house: House) -> None:
        numbers = []
        for _ in range(2):
            with house.database.transaction() as db:
                numbers.append(invite(db, "eve@example.com", "viewer", actor=ROOT).id)
                db.delete(db.scalars(select(Invitation)).one())
        assert numbers == [1, 2]


@pytest.fixture
def on_disk(sqlite_url: str) -> Iterator[tuple[House, Path]]:
    engine = make_engine(sqlite_url)
    yield House(Database(lambda: engine)), Path(sqlite_url.removeprefix("sqlite:///"))
    engine.dispose()


def test_nothing_is_left_in_the_files_of_sqlite(on_disk: tuple[House, Path], short: Settings) -> None:
    house, path = on_disk
    stranger: Any = replace(SOMEBODY, ip="2001:db8::dead:beef", user_agent="Unmistakable/9")
    with house.database.transaction() as db:
        record("authn_login_fail", session=db, actor=stranger)
    assert any(b"Unmistakable" in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    PersonalRetention(house.database, short).run()
    for file in path.parent.glob(f"{path.name}*"):
        assert b"Unmistakable" not in file.read_bytes()
        assert b"dead:beef" not in file.read_bytes()
