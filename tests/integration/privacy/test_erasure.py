"""Whoever is erased is gone from every table, with all that is hers, or not at all."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from flask_gatehouse.accounts.errors import LastAdministrator, NotOnYourself, UserNotFound
from flask_gatehouse.accounts.models import Identity, Invitation, JoinRequest, User
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import Profile, decline_join_request, invite, register, request_to_join
from flask_gatehouse.audit import record
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import COMMAND_LINE, Actor
from flask_gatehouse.kernel.text import case_folded_address
from flask_gatehouse.privacy.erasure import erase_address, erase_many, erase_user
from flask_gatehouse.privacy.errors import NothingHeld
from flask_gatehouse.privacy.leftovers import scrub, settle
from flask_gatehouse.sessions.models import UserSession
from tests.integration.accounts.test_last_administrator import administrators, met_before_checking, met_before_writing
from tests.integration.accounts.test_races import at_once
from tests.integration.audit.test_one_transaction import refuse_events_after
from tests.integration.conftest import SOMEBODY, House, profile
from tests.integration.privacy.conftest import AT_HOME, HERS, ROOT, STRANGE, Lives, zoraida
from tests.trail import said, sealed, told


def erase(lives: Lives, **how: object) -> None:
    erase_user(lives.database, lives.settings, lives.zoraida.id, actor=ROOT, **how)  # type: ignore[arg-type]


def test_nothing_of_her_is_left_in_any_table(lives: Lives) -> None:
    before = lives.house.contents()
    erase(lives)
    assert lives.leftovers() == {}
    after = lives.house.contents()
    # Whoever is not meant keeps everything, and of the trail only personal values have gone.
    assert [row.id for row in after["gatehouse_users"]] == [lives.root.id]
    bodies = [row.body for row in before["gatehouse_audit_events"]]
    assert [row.body for row in after["gatehouse_audit_events"]][: len(bodies)] == bodies
    assert ROOT.ip in {row.ip for row in after["gatehouse_audit_events"]}
    assert "Root" in {told(row.personal).get("name") for row in after["gatehouse_audit_events"]}


def test_what_was_done_is_recorded_without_her(lives: Lives) -> None:
    erase(lives)
    deleted, erased = lives.house.trail()[-2:]
    assert (deleted.event, deleted.target_id, said(deleted.body)) == ("user_deleted", str(lives.zoraida.id), {})
    assert (erased.event, erased.target_id) == ("personal_data_erased", str(lives.zoraida.id))
    subjects = said(erased.body)["subjects"]
    # The one that was withdrawn, the one with which she came in, both of her requests, and herself.
    assert subjects == ["invitation:1", "invitation:2", "join_request:1", "join_request:2", "user:2"]


def test_she_does_it_herself_and_leaves_no_address_with_it(lives: Lives) -> None:
    herself = replace(AT_HOME, user_id=lives.zoraida.id, kind="user")
    with pytest.raises(NotOnYourself):
        erase_user(lives.database, lives.settings, lives.zoraida.id, actor=herself)
    erase_user(lives.database, lives.settings, lives.zoraida.id, herself=True, actor=herself)
    assert lives.leftovers() == {}
    assert lives.house.trail()[-1].actor_id == lives.zoraida.id


def test_the_trail_still_adds_up(lives: Lives) -> None:
    Sealer(lives.database, "test").seal()
    erase(lives)
    Sealer(lives.database, "test").seal()
    assert sealed(lives.database)[-2:] == ["user_deleted", "personal_data_erased"]


@pytest.mark.parametrize("nth", [0, 1])
def test_all_or_nothing(lives: Lives, nth: int) -> None:
    """The database refuses one of the two events: nothing at all has happened, and nothing stands in the ledger."""
    contents = lives.house.contents()
    refuse_events_after(lives.database, len(contents["gatehouse_audit_events"]) + nth)
    with pytest.raises(DBAPIError, match="the trail is full"):
        erase(lives)
    assert lives.house.contents() == contents
    assert not lives.settings.erasure_ledger.exists()


def test_signing_in_again_makes_a_new_person(lives: Lives) -> None:
    erase(lives)
    with lives.database.transaction() as db:
        again = register(db, zoraida(), Role.VIEWER, actor=SOMEBODY)
    assert again.is_new
    assert again.id > lives.zoraida.id
    # The invitation as an editor waits for nobody any more.
    assert again.role is Role.VIEWER


def test_whoever_states_her_address_takes_nothing_along(lives: Lives) -> None:
    """At a provider that is believed about nothing, anybody can have her address."""
    with lives.database.transaction() as db:
        invitation = invite(db, "victim@example.com", "editor", actor=ROOT)
        thief = zoraida(
            subject="thief", issuer="https://evil.example", email="victim@example.com", email_is_authoritative=False
        )
        user = register(db, thief, Role.VIEWER, actor=SOMEBODY)
    erase_user(lives.database, lives.settings, user.id, actor=ROOT)
    with lives.database.reading() as connection:
        assert connection.scalars(select(Invitation.id)).all() == [invitation.id]
        emails = {told(row.personal).get("email") for row in lives.house.trail()}
    assert "victim@example.com" in emails


def test_many_are_erased_as_one_is(lives: Lives) -> None:
    eve = lives.house.join("eve")
    result = erase_many(lives.database, lives.settings, UserQuery(), actor_id=lives.root.id)
    assert (result.changed, [user_id for user_id, _ in result.skipped]) == (2, [lives.root.id])
    assert lives.leftovers() == {}
    assert "Eve" not in {told(row.personal).get("name") for row in lives.house.trail()}
    assert {f"user:{eve.id}", f"user:{lives.zoraida.id}"} <= set(lives.house.last_details()["subjects"])


def test_the_rows_of_a_host_that_ignores_foreign_keys_go_too(sqlite_url: str, live: Callable[[House], Lives]) -> None:
    engine = create_engine(sqlite_url)
    lives = live(House(Database(lambda: engine)))
    erase(lives)
    with lives.database.reading() as connection:
        for model in (Identity, UserSession, JoinRequest):
            of = {Identity: Identity.user_id == 2, UserSession: UserSession.user_id == 2}.get(model, text("1"))  # type: ignore[call-overload]
            assert connection.scalar(select(func.count()).select_from(model).where(of)) == 0
    engine.dispose()


class TestSomebodyWhoIsNoUser:
    def test_her_invitation_and_her_requests_go(self, lives: Lives) -> None:
        with lives.database.transaction() as db:
            invite(db, "quixotic@example.com", "editor", actor=ROOT)
            unconfirmed = zoraida(subject="s", email="Quixotic@example.com", email_is_authoritative=False)
            request_to_join(db, unconfirmed, actor=AT_HOME)
        erase_address(lives.database, lives.settings, ["quixotic@example.com"], actor=COMMAND_LINE)
        with lives.database.reading() as connection:
            assert connection.scalar(select(func.count(Invitation.id))) == 0
            assert connection.scalar(select(func.count(JoinRequest.id)).where(JoinRequest.subject == "s")) == 0
        assert "quixotic@example.com" not in {
            told(row.personal).get("email", "").lower() for row in lives.house.trail()
        }
        assert lives.settings.erasure_ledger.read_text().count("\n") == 1

    @pytest.mark.parametrize("believed", [False, True], ids=["stated", "confirmed"])
    def test_that_she_was_declined_is_forgotten_too(self, lives: Lives, believed: bool) -> None:
        who = zoraida(subject="s", email="Quixotic@example.com", email_is_authoritative=believed)
        request = self.declined(lives, who)
        erase_address(lives.database, lives.settings, ["quixotic@example.com"], actor=COMMAND_LINE)
        with lives.database.transaction() as db:
            assert db.get(JoinRequest, request) is None
            assert request_to_join(db, who, actor=AT_HOME) is None

    @pytest.mark.parametrize("believed", [False, True], ids=["stated", "confirmed"])
    def test_with_a_user_goes_what_was_declined_for_her_confirmed_address_alone(
        self, lives: Lives, believed: bool
    ) -> None:
        """Whoever states somebody else's address does not get another chance by that one's leaving."""
        who = zoraida(subject="s", email="zoraida@example.com", email_is_authoritative=believed)
        request = self.declined(lives, who)
        erase(lives)
        with lives.database.transaction() as db:
            assert (db.get(JoinRequest, request) is None) is believed

    def declined(self, lives: Lives, who: Profile) -> int:
        with lives.database.transaction() as db:
            request_to_join(db, who, actor=AT_HOME)
            request = db.scalars(select(func.max(JoinRequest.id))).one()
            decline_join_request(db, request, actor=ROOT)
        return request

    def test_of_nobody_nothing_is_held(self, lives: Lives) -> None:
        contents = lives.house.contents()
        with pytest.raises(NothingHeld):
            erase_address(lives.database, lives.settings, ["nobody@example.com"], actor=COMMAND_LINE)
        assert lives.house.contents() == contents

    @pytest.mark.parametrize("ended", [False, True], ids=["waiting", "declined"])
    def test_letters_beyond_ascii_are_folded_nowhere(self, lives: Lives, ended: bool) -> None:
        """Where the database folds them, as most PostgreSQL do, she was not found, and somebody else was."""
        hers, another = (case_folded_address(address) for address in ("ÄDA@Example.com", "äda@example.com"))
        with lives.database.transaction() as db:
            if db.get_bind().dialect.name == "postgresql":
                kind = 'varchar(254) COLLATE "und-x-icu"'
                db.execute(text(f"ALTER TABLE gatehouse_join_requests ALTER COLUMN email TYPE {kind}"))
        with lives.database.transaction() as db:
            who = profile("ada", email="ÄDA@Example.com", email_is_authoritative=False)
            request_to_join(db, who, actor=SOMEBODY)
            if ended:
                decline_join_request(db, db.scalars(select(func.max(JoinRequest.id))).one(), actor=ROOT)
        with pytest.raises(NothingHeld):
            erase_address(lives.database, lives.settings, [another], actor=COMMAND_LINE)
        erase_address(lives.database, lives.settings, [hers], actor=COMMAND_LINE)
        assert "da@example.com" not in repr(lives.house.contents()).lower().replace("zoraida@example.com", "")


class TestTheLastAdministrator:
    @pytest.mark.parametrize("herself", [True, False])
    def test_alone_she_stays(self, lives: Lives, herself: bool) -> None:
        contents = lives.house.contents()
        who = Actor(user_id=lives.root.id if herself else lives.zoraida.id, kind="user")
        with pytest.raises(LastAdministrator):
            erase_user(lives.database, lives.settings, lives.root.id, herself=herself, actor=who)
        assert lives.house.contents() == contents

    @pytest.mark.parametrize("meeting", [met_before_writing, met_before_checking])
    def test_two_who_leave_at_once_never_both_go(self, lives: Lives, meeting: Callable[..., object]) -> None:
        eve = lives.house.join("eve", Role.ADMIN)

        def leave(user_id: int) -> Callable[[], object]:
            who = Actor(user_id=user_id, kind="user")
            return lambda: erase_user(lives.database, lives.settings, user_id, herself=True, actor=who)

        with meeting(lives.database):  # type: ignore[attr-defined]
            results = at_once(leave(lives.root.id), leave(eve.id))
        assert administrators(lives.house) == 1
        assert sum(isinstance(result, LastAdministrator) for result in results) == 1


def test_of_two_who_erase_her_at_once_one_finds_nobody(lives: Lives) -> None:
    results = at_once(lambda: erase(lives), lambda: erase(lives))
    assert sorted(type(result) for result in results if result is not None) == [UserNotFound]
    assert lives.house.events().count("personal_data_erased") == 1


def test_nothing_is_left_in_the_files_of_sqlite(sqlite_url: str, live: Callable[[House], Lives]) -> None:
    """Neither in tables nor in indexes, the index of the search, free pages and the write-ahead log."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    engine = make_engine(sqlite_url)
    lives = live(House(Database(lambda: engine)))
    scrub(lives.database)
    searched = ("Zoraïda", "zoraida-at-google", "2001:db8::2024", "Windmill")
    words = {word.encode() for word in searched}
    assert [word for word in words if word not in path.read_bytes()] == []
    assert _searched(path, "uij") == 1
    erase(lives)
    settle(lives.database, lives.settings)
    # The search's index knows names in parts of three letters.
    for file in path.parent.glob(f"{path.name}*"):
        content = file.read_bytes().lower()
        assert [word for word in (*HERS, "zor") if word.encode() in content] == [], file
    assert _searched(path, "uij") == 0
    engine.dispose()


def _searched(path: Path, part: str) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT count(*) FROM gatehouse_user_search WHERE gatehouse_user_search MATCH ?", [part])
    number: int = found.fetchone()[0]
    connection.close()
    return number


def test_with_what_somebody_else_says_she_came_is_nobody_elses(lives: Lives) -> None:
    """The names of our events are open to a host."""
    herself = replace(AT_HOME, user_id=lives.zoraida.id)
    with lives.database.transaction() as db:
        for target in (*STRANGE, ("user", lives.root.id), None):
            record("invite_used", resource=target, session=db, actor=herself)
    erase(lives)
    assert lives.leftovers() == {}
    created = [told(row.personal) for row in lives.house.trail() if row.event == "user_created"]
    assert [personal.get("name") for personal in created] == ["Root", None]


def test_a_user_of_no_number_is_nobody(lives: Lives) -> None:
    with pytest.raises(UserNotFound):
        erase_user(lives.database, lives.settings, 4711, actor=ROOT)
    with lives.database.reading() as connection:
        assert connection.scalar(select(func.count(User.id))) == 2
