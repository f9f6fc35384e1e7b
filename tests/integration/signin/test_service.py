"""From what a provider has said to a session, on both databases: who comes in, as what, and what is written down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from flask_gatehouse.accounts.errors import ConcurrentRegistration
from flask_gatehouse.accounts.models import Identity
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    approve_join_request,
    change_role,
    invite,
    invite_administrator,
    list_join_requests,
    toggle_active,
)
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.rules import EndReason, is_confirmed
from flask_gatehouse.sessions.service import end_session
from flask_gatehouse.settings import ProviderKind
from flask_gatehouse.signin import service
from flask_gatehouse.signin.attempt import Purpose
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.models import SpentAttempt
from flask_gatehouse.signin.rules import CLOCK_SKEW
from flask_gatehouse.signin.service import REMEMBER_SPENT, forget_spent_attempts, record_refusal
from tests.integration.conftest import SOMEBODY, House, profile
from tests.integration.signin.conftest import Gate, new_attempt, reason, refusal, settings_with
from tests.unit.signin.test_oidc import Provider

INVITED = {"GATEHOUSE_SIGNUP": "invited"}
DOMAINS = {"GATEHOUSE_SIGNUP": "domains", "GATEHOUSE_ALLOWED_DOMAINS": "corp.example"}
HOUR = timedelta(hours=1)


class TestComingIn:
    def test_somebody_new_becomes_a_user_with_a_session(self, gate: Gate, house: House) -> None:
        inside = gate.complete(profile("ada"), provider_session_id="sid-1")
        assert (inside.user.is_new, inside.user.role) == (True, Role.VIEWER)
        row = house.session_row(inside.session)
        assert (row["user_id"], row["provider"], row["provider_session_id"]) == (inside.user.id, "google", "sid-1")
        assert (row["ip"], row["user_agent"]) == (SOMEBODY.ip, SOMEBODY.user_agent)
        assert house.events() == ["user_created", "session_created", "authn_login_success"]
        assert house.last_details() == {"provider": "google", "first": True, "new_device": False}
        assert house.trail()[-1].session_id == inside.session.session_id

    def test_whoever_comes_again_is_the_same_person(self, gate: Gate, house: House) -> None:
        first, again = gate.complete(profile("ada")), gate.complete(profile("ada"))
        assert first.user.id == again.user.id
        assert not again.user.is_new
        assert house.last_details() == {"provider": "google", "first": False, "new_device": True}

    def test_whoever_comes_again_costs_seven_statements(self, gate: Gate, house: House) -> None:
        gate.complete(profile("ada"))
        asked: list[str] = []

        def note(connection: object, cursor: object, statement: str, *more: object) -> None:
            asked.append(statement.split(maxsplit=1)[0])

        event.listen(house.database.engine, "before_cursor_execute", note)
        gate.complete(profile("ada"))
        event.remove(house.database.engine, "before_cursor_execute", note)
        # The attempt, the person, her account, herself, the session, refusals that are forgotten, and both events.
        written = ["INSERT", "SELECT", "UPDATE", "UPDATE", "INSERT", "DELETE", "INSERT"]
        # SQLite is told to begin; PostgreSQL's driver does that by itself.
        assert [word for word in asked if word != "BEGIN"] == written

    def test_the_session_that_the_browser_had_ends(self, gate: Gate, house: House) -> None:
        first = gate.complete(profile("ada"))
        gate.complete(profile("ada"), replaces=first.session.session_id)
        assert house.session_row(first.session)["end_reason"] == EndReason.REPLACED

    def test_an_administrator_has_a_shorter_session(self, gate: Gate, house: House) -> None:
        settings = settings_with(GATEHOUSE_ADMIN_SESSION_LIFETIME="1h", GATEHOUSE_SESSION_LIFETIME="9h")
        ada = gate.complete(profile("ada"), settings=settings)
        with house.database.transaction() as db:
            change_role(db, ada.user.id, Role.ADMIN)
        chief = gate.complete(profile("ada"), settings=settings)
        spans = [row["expires_at"] - row["created_at"] for row in map(house.session_row, (ada.session, chief.session))]
        assert spans == [9 * HOUR, HOUR]

    def test_an_attempt_lets_in_once(self, gate: Gate) -> None:
        attempt = new_attempt()
        gate.complete(profile("ada"), attempt)
        assert reason(lambda: gate.complete(profile("ada"), attempt)) is Reason.STATE_REUSED

    def test_whoever_was_deactivated_stays_outside(self, gate: Gate, house: House) -> None:
        ada = gate.complete(profile("ada"))
        with house.database.transaction() as db:
            toggle_active(db, ada.user.id, wanted=False)
        refused = refusal(lambda: gate.complete(profile("ada")))
        # Her number is for the trail, and not among what the page may say.
        assert (refused.reason, refused.user_id, refused.facts) == (Reason.DEACTIVATED, ada.user.id, {})

    def test_the_address_of_somebody_else_brings_nobody_in(self, gate: Gate) -> None:
        gate.complete(profile("ada"))
        other = profile("ada", provider="corp", issuer="https://corp.example", subject="1")
        refused = refusal(lambda: gate.complete(other))
        assert (refused.reason, refused.facts) == (Reason.ADDRESS_TAKEN, {"providers": ("google",)})

    def test_a_refused_sign_in_has_used_nothing_up(self, gate: Gate, house: House) -> None:
        """The refusal undoes the use with all else; its attempt's cookie is gone with the answer."""
        before = house.contents()
        assert reason(lambda: gate.complete(profile("ada"), settings=settings_with(**DOMAINS))) is (
            Reason.DOMAIN_NOT_ALLOWED
        )
        assert house.contents() == before


class TestWhoMayComeIn:
    def test_where_domains_decide_an_authoritative_address_does(self, gate: Gate) -> None:
        settings = settings_with(**DOMAINS)
        assert gate.complete(profile("ada", email="ada@corp.example"), settings=settings).user.is_new
        unbelieved = profile("eve", email="eve@corp.example", email_is_authoritative=False)
        assert reason(lambda: gate.complete(unbelieved, settings=settings)) is Reason.DOMAIN_NOT_ALLOWED

    def test_where_domains_decide_a_hosted_domain_does(self, gate: Gate) -> None:
        settings = settings_with(**DOMAINS)
        alias = profile("ada", email="ada@alias.example", email_is_authoritative=False)
        assert gate.complete(alias, settings=settings, hosted_domain="corp.example").user.is_new

    @pytest.mark.parametrize(("kind", "comes"), [(ProviderKind.GOOGLE, True), (ProviderKind.OIDC, False)])
    def test_an_organisation_is_for_google_alone_to_name(self, gate: Gate, kind: ProviderKind, comes: bool) -> None:
        """Elsewhere people or tenants choose their claims, and this one would let them in."""
        provider = Provider(kind=kind, email_domains=frozenset())
        provider.claims |= {"email": "eve@corp.example", "hd": "corp.example"}
        said = provider.redeem()

        def come() -> Role:
            return gate.complete(
                said.profile, settings=settings_with(**DOMAINS), hosted_domain=said.hosted_domain
            ).user.role

        if comes:
            assert come() is Role.VIEWER
        else:
            assert reason(come) is Reason.DOMAIN_NOT_ALLOWED

    def test_where_invitations_decide_others_wait_in_the_queue(self, gate: Gate, house: House) -> None:
        settings = settings_with(**INVITED)
        for _ in range(2):
            assert reason(lambda: gate.complete(profile("ada"), settings=settings)) is Reason.NOT_INVITED
        assert house.events() == ["join_requested"]
        with house.database.reading() as connection:
            (request,) = list_join_requests(connection)
        with house.database.transaction() as db:
            approve_join_request(db, request.id, "editor")
        assert gate.complete(profile("ada"), settings=settings).user.role is Role.EDITOR

    def test_two_tabs_that_ask_at_once_are_refused_alike(
        self, gate: Gate, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ask(*_: object, **__: object) -> None:
            raise ConcurrentRegistration

        monkeypatch.setattr(service, "request_to_join", ask)
        assert reason(lambda: gate.complete(profile("ada"), settings=settings_with(**INVITED))) is Reason.NOT_INVITED
        assert house.events() == []

    @pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
    @pytest.mark.parametrize("default", ["viewer", "editor"])
    @pytest.mark.parametrize("policy", [{}, INVITED, DOMAINS], ids=["open", "invited", "domains"])
    def test_an_invitation_decides_the_role(
        self, gate: Gate, house: House, role: str, default: str, policy: dict[str, str]
    ) -> None:
        """Also downwards: whoever is invited to look shall not be able to change things."""
        with house.database.transaction() as db:
            invite(db, "ada@example.com", role)
        settings = settings_with(GATEHOUSE_DEFAULT_ROLE=default, **policy)
        assert gate.complete(profile("ada"), settings=settings).user.role == role
        assert "authz_change" not in house.events()
        # It was for once.
        assert (
            gate.complete(profile("eve"), settings=settings_with(GATEHOUSE_DEFAULT_ROLE=default)).user.role == default
        )

    def test_an_address_that_binds_nothing_takes_no_invitation(self, gate: Gate, house: House) -> None:
        with house.database.transaction() as db:
            invite_administrator(db, "ada@example.com")
        impostor = profile("ada", email_is_authoritative=False)
        assert gate.complete(impostor).user.role is Role.VIEWER
        assert "invite_used" not in house.events()

    def test_two_tabs_of_somebody_new_come_in_as_one(
        self, gate: Gate, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register, tabs = service.register, [0]

        def after_the_other_tab(*arguments: Any, **named: Any) -> Any:
            tabs[0] += 1
            if tabs[0] == 1:
                raise ConcurrentRegistration
            return register(*arguments, **named)

        monkeypatch.setattr(service, "register", after_the_other_tab)
        attempt = new_attempt()
        assert gate.complete(profile("ada"), attempt).user.is_new
        assert house.events().count("user_created") == 1


class TestWhenSheProvedHerself:
    def test_a_session_is_as_old_as_its_proof(self, gate: Gate, house: House) -> None:
        proved = utc_now() - 3 * HOUR
        row = house.session_row(gate.complete(profile("ada"), authenticated_at=proved).session)
        assert row["confirmed_at"] == proved

    @pytest.mark.parametrize("proved", [None, datetime(2999, 1, 1, tzinfo=UTC)])
    def test_no_proof_is_of_the_future(self, gate: Gate, house: House, proved: datetime | None) -> None:
        row = house.session_row(gate.complete(profile("ada"), authenticated_at=proved).session)
        assert row["confirmed_at"] == row["created_at"]

    @pytest.mark.parametrize(
        ("said", "known"), [({}, False), ({"authenticated_at": datetime(2999, 1, 1, tzinfo=UTC)}, True)]
    )
    def test_so_it_is_with_a_confirmation(self, gate: Gate, house: House, said: dict[str, Any], known: bool) -> None:
        inside = gate.complete(profile("ada"), authenticated_at=utc_now() - HOUR)
        renewed = gate.confirm(inside, **said)
        assert renewed.session_id == inside.session.session_id
        row = house.session_row(renewed)
        assert row["confirmed_at"] == row["last_seen_at"]
        assert house.events()[-2:] == ["session_renewed", "authn_reauth_success"]
        # How much it proves (ASVS 6.8.4).
        assert house.last_details() == {"provider": "google", "time_of_proof_known": known}

    def test_a_confirmation_is_as_old_as_its_proof(self, gate: Gate, house: House) -> None:
        inside, proved = gate.complete(profile("ada")), utc_now() - timedelta(minutes=4)
        assert house.session_row(gate.confirm(inside, authenticated_at=proved))["confirmed_at"] == proved + CLOCK_SKEW

    def test_one_that_is_too_old_confirms_nothing(self, gate: Gate, house: House) -> None:
        inside, now = gate.complete(profile("ada")), utc_now()
        edge = settings_with().confirm_max_age + CLOCK_SKEW
        before = house.contents()
        assert reason(lambda: gate.confirm(inside, now=now, authenticated_at=now - edge)) is Reason.TOO_OLD
        assert house.contents() == before
        gate.confirm(inside, now=now, authenticated_at=now - edge + timedelta(seconds=1))

    def test_one_that_is_taken_is_one_to_what_was_wanted(self, gate: Gate, house: House) -> None:
        """Otherwise she was asked again at once, and again, until she was told that it was too old."""
        inside, now, max_age = gate.complete(profile("ada")), utc_now(), settings_with().confirm_max_age
        for age in (timedelta(), max_age, max_age + CLOCK_SKEW - timedelta(seconds=1)):
            row = house.session_row(gate.confirm(inside, now=now, authenticated_at=now - age))
            assert is_confirmed(row["confirmed_at"], now, max_age)


class TestConfirming:
    def test_another_account_confirms_nothing(self, gate: Gate) -> None:
        inside = gate.complete(profile("ada"))
        gate.complete(profile("eve"))
        assert reason(lambda: gate.confirm(inside, profile("eve"))) is Reason.OTHER_PERSON

    def test_nor_does_another_account_of_her_own(self, gate: Gate, house: House) -> None:
        """Somebody at her open browser could have linked his own to hers, and would confirm with it ever after."""
        inside = gate.complete(profile("ada"))
        gate.complete(profile("eve"))
        with house.database.transaction() as db:
            db.execute(update(Identity).where(Identity.subject == "eve").values(user_id=inside.user.id))
        assert reason(lambda: gate.confirm(inside, profile("eve"))) is Reason.OTHER_PERSON
        gate.confirm(inside)

    def test_another_browsers_attempt_confirms_nothing(self, gate: Gate) -> None:
        inside, elsewhere = gate.complete(profile("ada")), gate.complete(profile("ada"))
        attempt = new_attempt(elsewhere.session.session_id)
        assert reason(lambda: gate.confirm(inside, attempt=attempt)) is Reason.STATE_UNKNOWN

    def test_nobody_confirms_who_is_not_signed_in(self, gate: Gate) -> None:
        inside = gate.complete(profile("ada"))
        for nobody in (Actor(), Actor(inside.user.id, None)):
            assert reason(lambda nobody=nobody: gate.confirm(inside, actor=nobody)) is Reason.STATE_UNKNOWN

    def test_a_session_that_has_ended_meanwhile_is_not_revived(self, gate: Gate, house: House) -> None:
        inside = gate.complete(profile("ada"))
        with house.database.transaction() as db:
            end_session(db, inside.session.session_id, EndReason.LOGOUT)
        assert reason(lambda: gate.confirm(inside)) is Reason.STATE_UNKNOWN

    def test_an_attempt_confirms_once(self, gate: Gate) -> None:
        inside = gate.complete(profile("ada"))
        attempt = new_attempt(inside.session.session_id)
        gate.confirm(inside, attempt=attempt)
        assert reason(lambda: gate.confirm(inside, attempt=attempt)) is Reason.STATE_REUSED


class TestRefusals:
    @pytest.mark.parametrize(
        ("why", "purpose", "event"),
        [
            (Reason.NOT_INVITED, Purpose.SIGN_IN, "authn_login_fail"),
            (Reason.OTHER_PERSON, Purpose.CONFIRM, "authn_reauth_fail"),
            (Reason.IDENTITY_TAKEN, Purpose.LINK, "identity_link_fail"),
            (Reason.STATE_REUSED, Purpose.SIGN_IN, "authn_token_reuse"),
            (Reason.STATE_REUSED, Purpose.CONFIRM, "authn_token_reuse"),
        ],
    )
    def test_they_are_written_down(self, house: House, why: Reason, purpose: Purpose, event: str) -> None:
        record_refusal(house.database, settings_with(), SignInRefused(why, "google"), purpose=purpose, actor=SOMEBODY)
        (row,) = house.trail()
        assert (row.event, row.outcome, row.ip, row.target_type) == (event, "denied", SOMEBODY.ip, None)
        assert house.last_details() == {"provider": "google", "reason": why}

    def test_they_name_the_person_where_she_is_known(self, house: House) -> None:
        refused = SignInRefused(Reason.DEACTIVATED, "google", user_id=7)
        record_refusal(house.database, settings_with(), refused, purpose=Purpose.SIGN_IN, actor=SOMEBODY)
        (row,) = house.trail()
        assert (row.target_type, row.target_id) == ("user", "7")


def test_used_attempts_are_forgotten_once_nothing_can_be_replayed(gate: Gate, house: House) -> None:
    attempt = new_attempt()
    gate.complete(profile("ada"), attempt)
    with house.database.transaction() as db:
        assert forget_spent_attempts(db) == 0
        long_ago = utc_now() - REMEMBER_SPENT - HOUR
        db.execute(update(SpentAttempt).values(spent_at=long_ago))
        assert forget_spent_attempts(db) == 1
