"""People on both databases: who they are, what binds them, and what each change leaves in the trail."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.errors import (
    AccountDeactivated,
    AddressTaken,
    AlreadyAdministrator,
    UserNotFound,
)
from flask_gatehouse.accounts.models import Identity, Invitation, User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    SignedInUser,
    change_role,
    claim_administration,
    delete_user,
    find_claimant,
    find_invited_role,
    find_user_id,
    identities_of,
    invite_administrator,
    sign_in_known,
    toggle_active,
)
from flask_gatehouse.accounts.signing_in import find_owner
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.clock import utc_now
from tests.integration.conftest import SOMEBODY, House, profile
from tests.trail import said, told


def role_of(house: House, user_id: int) -> Role:
    with house.database.transaction() as db:
        return db.scalars(select(User.role).where(User.id == user_id)).one()


class TestRegistering:
    def test_a_person_becomes_a_user_with_one_identity(self, house: House) -> None:
        ada = house.join("ada", Role.EDITOR, email="Ada@Example.com")
        assert (ada.name, ada.role, ada.is_new, ada.previous_sign_in_at) == ("Ada", Role.EDITOR, True, None)
        with house.database.transaction() as db:
            assert find_user_id(db, " ADA@example.COM ") == ada.id
            (identity,) = identities_of(db, ada.id)
            assert find_owner(db, profile("ada", email="elsewhere@example.com")) == ada.id
            assert find_owner(db, profile("ada", issuer="https://other.example")) is None
            assert find_owner(db, profile("eve")) is None
        assert (identity.provider, identity.email, identity.email_is_authoritative) == (
            "google",
            "Ada@Example.com",
            True,
        )
        assert house.events() == ["user_created"]
        assert house.last_details() == {"provider": "google", "changed": {"role": [None, "editor"]}}

    def test_an_address_that_nobody_vouches_for_binds_nothing(self, house: House) -> None:
        """Whoever writes any address into an account at any provider would get what belongs to it."""
        ada = house.join("ada")
        eve = house.join("eve", email="ada@example.com", email_is_authoritative=False)
        assert eve.id != ada.id
        with house.database.transaction() as db:
            assert find_user_id(db, "ada@example.com") == ada.id

    @pytest.mark.parametrize("address", ["ada@example.com", "ADA@EXAMPLE.COM"])
    def test_an_address_that_is_taken_is_never_merged(self, house: House, address: str) -> None:
        house.join("ada")
        before = house.contents()
        with pytest.raises(AddressTaken) as caught:
            house.join("eve", email=address, provider="corp", issuer="https://login.corp.example")
        assert caught.value.providers == ("google",)
        assert house.contents() == before

    def test_an_address_that_only_looks_alike_is_another(self, house: House) -> None:
        assert house.join("mike").id != house.join("eve", email="mi\u212ae@example.com").id

    def test_the_same_subject_elsewhere_is_another_person(self, house: House) -> None:
        ada = house.join("ada")
        other = house.join("ada", issuer="https://other.example", email=None)
        assert other.id != ada.id

    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"name": None}, "ada"),
            ({"name": "\u200b"}, "ada"),
            ({"name": "\u3164\u2800"}, "ada"),
            ({"name": None, "email": None}, "Somebody"),
            ({"name": "A" * 500}, "A" * 200),
            ({"name": "Ada\x00\r\nLovelace"}, "Ada Lovelace"),
        ],
    )
    def test_everybody_has_a_name_that_can_be_shown(self, house: House, changes: dict[str, str], name: str) -> None:
        assert house.join("ada", **changes).name == name


class TestSigningInAgain:
    def again(self, house: House, who: str = "ada", **changes: object) -> SignedInUser | None:
        with house.database.transaction() as db:
            return sign_in_known(db, profile(who, **changes), actor=SOMEBODY)

    def test_nobody_else_is_found(self, house: House) -> None:
        house.join("ada")
        assert self.again(house, "eve") is None
        assert self.again(house, issuer="https://other.example") is None
        assert self.again(house, subject="ADA-AT-GOOGLE") is None

    def test_her_last_visit_is_told(self, house: House) -> None:
        ada = house.join("ada")
        first, second = self.again(house), self.again(house)
        assert first is not None
        assert second is not None
        assert first.id == second.id == ada.id
        assert not first.is_new
        assert first.previous_sign_in_at is not None
        assert second.previous_sign_in_at is not None
        assert first.previous_sign_in_at < second.previous_sign_in_at
        assert house.events() == ["user_created"]

    def test_what_the_provider_says_today_is_taken_over(self, house: House) -> None:
        ada = house.join("ada")
        self.again(house, name="Ada King", email="king@example.com")
        with house.database.transaction() as db:
            user = db.get_one(User, ada.id)
            assert (user.name, user.email, user.version) == ("Ada King", "king@example.com", 2)
        assert house.events()[-1] == "user_updated"
        assert house.last_details() == {"by": "provider"}
        told_of = told(house.trail()[-1].personal)
        assert (told_of["name.after"], told_of["email.before"]) == ("Ada King", "ada@example.com")

    def test_what_can_be_erased_stands_beside_the_body(self, house: House) -> None:
        ada = house.join("ada")
        self.again(house, name="Ada King", email="king@example.com")
        bodies = [row.body for row in house.trail()]
        assert not [body for body in bodies if "king" in body.lower() or SOMEBODY.ip in body]
        of = {field: entry["of"] for body in bodies for field, entry in json.loads(body)["personal"].items()}
        assert of == dict.fromkeys(of, f"user:{ada.id}")

    def test_an_address_of_somebody_else_is_not_taken_over(self, house: House) -> None:
        ada, eve = house.join("ada"), house.join("eve")
        self.again(house, "eve", email="ada@example.com")
        with house.database.transaction() as db:
            assert (find_user_id(db, "ada@example.com"), find_user_id(db, "eve@example.com")) == (ada.id, eve.id)

    def test_a_name_that_an_administrator_chose_stays(self, house: House) -> None:
        ada = house.join("ada")
        with house.database.transaction() as db:
            db.execute(update(User).values(name="Countess", name_is_fixed=True))
        self.again(house, name="Ada King")
        with house.database.transaction() as db:
            assert db.get_one(User, ada.id).name == "Countess"

    def test_somebody_suspended_stays_outside_and_nothing_changes(self, house: House) -> None:
        ada = house.join("ada")
        with house.database.transaction() as db:
            toggle_active(db, ada.id, wanted=False)
        before = house.contents()
        with pytest.raises(AccountDeactivated) as caught:
            self.again(house, name="Ada King")
        assert caught.value.user_id == ada.id
        assert house.contents() == before


Change = Callable[[Session, int], None]


def to_admin(db: Session, user_id: int) -> None:
    change_role(db, user_id, Role.ADMIN)


@pytest.mark.parametrize("change", [to_admin, toggle_active, delete_user])
def test_nobody_can_be_changed_who_does_not_exist(house: House, change: Change) -> None:
    with pytest.raises(UserNotFound) as caught, house.database.transaction() as db:
        change(db, 4711)
    assert caught.value.user_id == 4711


def test_each_change_is_recorded_once_with_before_and_after(house: House) -> None:
    house.join("root", Role.ADMIN)
    ada = house.join("ada")
    with house.database.transaction() as db:
        for change in (to_admin, to_admin, toggle_active, toggle_active, delete_user):
            change(db, ada.id)  # type: ignore[operator]
    rows = house.trail()[1:]
    assert [row.event for row in rows] == [
        "user_created",
        "authz_change",
        "user_archived",
        "user_enabled",
        "user_deleted",
    ]
    assert {(row.target_type, row.target_id) for row in rows} == {("user", str(ada.id))}
    assert said(rows[1].body) == {"changed": {"role": ["viewer", "admin"]}}
    assert said(rows[2].body) == {"changed": {"is_active": [True, False]}}
    assert said(rows[3].body) == {"changed": {"is_active": [False, True]}}


class TestDeleting:
    def test_her_identities_go_and_she_may_come_back_as_somebody_new(self, house: House) -> None:
        ada, eve = house.join("ada"), house.join("eve")
        with house.database.transaction() as db:
            delete_user(db, ada.id)
        with house.database.transaction() as db:
            assert identities_of(db, ada.id) == []
            assert len(identities_of(db, eve.id)) == 1
            assert sign_in_known(db, profile("ada"), actor=SOMEBODY) is None
        assert house.join("ada").id not in {ada.id, eve.id}

    def test_an_id_is_never_given_twice(self, house: House) -> None:
        """The trail speaks of people by it."""
        ada = house.join("ada")
        with house.database.transaction() as db:
            delete_user(db, ada.id)
        assert house.join("eve").id > ada.id

    def test_it_does_not_lean_on_the_foreign_keys_of_a_hosts_engine(self, sqlite_url: str) -> None:
        """SQLite ignores them unless told; an identity without a user would keep its owner out for good."""
        engine = create_engine(sqlite_url)
        from_the_host = Database(lambda: engine)
        house = House(from_the_host)
        ada = house.join("ada")
        with from_the_host.transaction() as db:
            delete_user(db, ada.id)
            assert db.scalars(select(Identity.id)).all() == []
        assert house.join("ada").is_new
        engine.dispose()


class TestInvitations:
    def test_the_owner_of_an_address_becomes_an_administrator_at_once(self, house: House) -> None:
        ada = house.join("ada")
        with house.database.transaction() as db:
            assert invite_administrator(db, "Ada@Example.com")
        assert role_of(house, ada.id) is Role.ADMIN
        assert (house.events()[-1], house.trail()[-1].actor_kind) == ("authz_change", "cli")
        with pytest.raises(AlreadyAdministrator), house.database.transaction() as db:
            invite_administrator(db, "ada@example.com")

    def test_or_at_the_first_sign_in_with_that_address_and_only_once(self, house: House) -> None:
        with house.database.transaction() as db:
            assert not invite_administrator(db, "Ada@Example.com")
            assert not invite_administrator(db, "ada@example.com")
            assert find_invited_role(db, "ada@example.com") is Role.ADMIN
        assert house.events() == ["invite_created"]
        house.join("root", Role.ADMIN)
        ada = house.join("ada")
        assert ada.role is Role.ADMIN
        assert house.events()[2:] == ["user_created", "invite_used", "authz_change"]
        with house.database.transaction() as db:
            assert find_invited_role(db, "ada@example.com") is None
            delete_user(db, ada.id)
        assert house.join("ada").role is Role.VIEWER

    def test_somebody_known_takes_it_when_her_address_becomes_certain(self, house: House) -> None:
        ada = house.join("ada", email_is_authoritative=False)
        with house.database.transaction() as db:
            invite_administrator(db, "ada@example.com")
            sign_in_known(db, profile("ada", email_is_authoritative=False), actor=SOMEBODY)
        assert role_of(house, ada.id) is Role.VIEWER
        with house.database.transaction() as db:
            user = sign_in_known(db, profile("ada"), actor=SOMEBODY)
        assert user is not None
        assert user.role is Role.ADMIN

    @pytest.mark.parametrize(
        "changes",
        [
            {"email_is_authoritative": False},
            {"email": "ada@example.com.evil.example"},
            {"email": "\u0430da@example.com"},
            {"email": None},
        ],
    )
    def test_nobody_else_takes_it(self, house: House, changes: dict[str, object]) -> None:
        with house.database.transaction() as db:
            invite_administrator(db, "ada@example.com")
        assert house.join("eve", **{"email": "ada@example.com"} | changes).role is Role.VIEWER

    def test_it_never_lowers_a_role(self, house: House) -> None:
        with house.database.transaction() as db:
            db.add(Invitation(email="ada@example.com", role=Role.VIEWER, created_at=utc_now()))
        assert house.join("ada", Role.EDITOR).role is Role.EDITOR
        assert house.events() == ["user_created", "invite_used"]

    def test_one_that_has_expired_admits_nobody_and_can_be_made_again(self, house: House) -> None:
        past = utc_now() - timedelta(minutes=1)
        with house.database.transaction() as db:
            db.add(Invitation(email="ada@example.com", role=Role.EDITOR, created_at=past, expires_at=past))
        with house.database.transaction() as db:
            assert find_invited_role(db, "ada@example.com") is None
        with house.database.transaction() as db:
            assert not invite_administrator(db, "ada@example.com")
            assert find_invited_role(db, "ada@example.com") is Role.ADMIN

    def test_a_smaller_one_is_raised(self, house: House) -> None:
        with house.database.transaction() as db:
            db.add(Invitation(email="ada@example.com", role=Role.EDITOR, invited_by=7, created_at=utc_now()))
        with house.database.transaction() as db:
            assert not invite_administrator(db, "ada@example.com")
            assert find_invited_role(db, "ada@example.com") is Role.ADMIN
            # By whoever gave the command, and not by whoever had invited her as an editor.
            assert db.scalars(select(Invitation.invited_by)).one() is None
        assert house.events() == ["invite_created"]


class TestTheFirstAdministratorOfADevelopmentDatabase:
    def test_whoever_came_first_may_claim_it_while_there_is_none(self, house: House) -> None:
        ada, eve = house.join("ada"), house.join("eve")
        with house.database.transaction() as db:
            assert find_claimant(db) == ada.id
            assert not claim_administration(db, eve.id)
            assert claim_administration(db, ada.id)
            assert find_claimant(db) is None
            for user in (ada, eve):
                assert not claim_administration(db, user.id)
        assert (role_of(house, ada.id), role_of(house, eve.id)) == (Role.ADMIN, Role.VIEWER)
        assert house.events()[2:] == ["bootstrap_admin_used", "authz_change"]

    def test_who_cannot_come_in_keeps_nobody_from_it(self, house: House) -> None:
        ada, eve = house.join("ada"), house.join("eve")
        with house.database.transaction() as db:
            toggle_active(db, ada.id, wanted=False)
            assert find_claimant(db) == eve.id
            with pytest.raises(UserNotFound):
                claim_administration(db, 4711)
