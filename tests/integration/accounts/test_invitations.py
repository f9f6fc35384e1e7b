"""Who may come in: addresses that were invited, and people who ask."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from flask_gatehouse.accounts.errors import (
    AlreadyAUser,
    ConcurrentRegistration,
    FieldProblem,
    InvalidField,
    InvitationNotFound,
    JoinRequestChanged,
    JoinRequestNotFound,
)
from flask_gatehouse.accounts.joining import DECLINE_HOLDS, WAITS_AGAIN_FOR, WAITS_FOR
from flask_gatehouse.accounts.models import Invitation, JoinRequest, User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    Profile,
    approve_join_request,
    decline_join_request,
    expire_invitations,
    expire_join_requests,
    find_approved_role,
    invite,
    list_approved_requests,
    list_invitations,
    list_join_requests,
    request_to_join,
    sign_in_known,
    withdraw_approval,
    withdraw_invitation,
)
from flask_gatehouse.accounts.views import InvitationView, JoinRequestView
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.settings import Settings
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Purpose, begin_attempt
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.service import SignedIn, complete
from tests.integration.accounts.test_races import at_once, both_before
from tests.integration.conftest import SOMEBODY, House, profile

ROOT = Actor(user_id=7, kind="user")


def invited(house: House, address: str = "ada@example.com", role: str = "editor", **more: object) -> InvitationView:
    with house.database.transaction() as db:
        return invite(db, address, role, actor=ROOT, **more)  # type: ignore[arg-type]


def pending(house: House) -> list[str]:
    with house.database.reading() as connection:
        return [invitation.email for invitation in list_invitations(connection)]


def test_a_domain_in_other_letters_is_invited_as_providers_write_it(house: House) -> None:
    for typed in ("ada@bücher.example", "ada@xn--bcher-kva.example"):
        assert invited(house, typed).email == "ada@xn--bcher-kva.example"
    assert pending(house) == ["ada@xn--bcher-kva.example"]


def test_an_address_that_no_provider_can_vouch_for_is_refused(house: House) -> None:
    with pytest.raises(InvalidField) as refused:
        invited(house, "jürgen@example.com")
    assert refused.value.fields == {"email": FieldProblem.BINDS_NOBODY}
    assert pending(house) == []


def waiting(house: House) -> list[JoinRequestView]:
    with house.database.reading() as connection:
        return list(list_join_requests(connection))


class TestInvitations:
    def test_an_address_gets_a_role_once(self, house: House) -> None:
        invitation = invited(house, " Ada@Example.com ")
        assert (invitation.email, invitation.role, invitation.invited_by) == ("ada@example.com", Role.EDITOR, 7)
        assert pending(house) == ["ada@example.com"]
        assert house.join("ada").id
        assert pending(house) == []
        assert house.events() == ["invite_created", "user_created", "invite_used", "authz_change"]

    def test_a_new_one_replaces_the_old(self, house: House) -> None:
        first = invited(house, role="admin")
        second = invited(house, role="viewer", expires_at=utc_now() + timedelta(days=1))
        assert (second.id, second.role) == (first.id, Role.VIEWER)
        assert len(pending(house)) == 1

    @pytest.mark.parametrize(
        ("address", "role", "expires_in", "fields"),
        [
            ("ada", "editor", None, {"email": FieldProblem.NOT_AN_ADDRESS}),
            ("a\x00@example.com", "editor", None, {"email": FieldProblem.UNSEEN}),
            ("a" * 5000, "editor", None, {"email": FieldProblem.TOO_LONG}),
            ("ada@example.com", "root", None, {"role": FieldProblem.UNKNOWN}),
            ("ada@example.com", "editor", timedelta(seconds=-1), {"expires_at": FieldProblem.IN_THE_PAST}),
        ],
    )
    def test_what_cannot_be_taken_is_refused(
        self, house: House, address: str, role: str, expires_in: timedelta | None, fields: dict[str, FieldProblem]
    ) -> None:
        with pytest.raises(InvalidField) as caught:
            invited(house, address, role, expires_at=expires_in and utc_now() + expires_in)
        assert caught.value.fields == fields
        assert pending(house) == []

    def test_whoever_is_here_is_not_invited(self, house: House) -> None:
        ada = house.join("ada")
        with pytest.raises(AlreadyAUser) as caught:
            invited(house, "ADA@example.com")
        assert caught.value.user_id == ada.id

    def test_two_at_once_leave_one(self, house: House) -> None:
        with both_before(house.database, "INSERT INTO gatehouse_invitations"):
            results = at_once(*[lambda: invited(house)] * 2)
        assert any(isinstance(result, InvitationView) for result in results)
        assert all(isinstance(result, InvitationView | ConcurrentRegistration) for result in results)
        assert pending(house) == ["ada@example.com"]

    def test_two_at_once_find_one_that_is_over_and_one_of_them_replaces_it(self, house: House) -> None:
        invited(house, expires_at=utc_now() + timedelta(hours=1))
        with house.database.transaction() as db:
            db.execute(update(Invitation).values(expires_at=utc_now() - timedelta(seconds=1)))
        with both_before(house.database, "SELECT gatehouse_invitations"):
            results = at_once(*[lambda: invited(house, again=False)] * 2)
        assert sorted(type(result).__name__ for result in results) == ["AlreadyInvited", "InvitationView"]

    def test_one_that_is_taken_back_admits_nobody(self, house: House) -> None:
        invitation = invited(house)
        with house.database.transaction() as db:
            withdraw_invitation(db, invitation.id, actor=ROOT)
        assert house.join("ada").role is Role.VIEWER
        assert (house.trail()[1].event, house.trail()[1].actor_id) == ("invite_revoked", 7)
        for number in (invitation.id, 0, -1, 2**31, 10**30):
            with pytest.raises(InvitationNotFound), house.database.transaction() as db:
                withdraw_invitation(db, number)

    def test_one_that_is_over_is_neither_shown_nor_used_nor_kept(self, house: House) -> None:
        invited(house, expires_at=utc_now() + timedelta(hours=1))
        invited(house, "eve@example.com")
        with house.database.transaction() as db:
            # SQLite's clock knows milliseconds: the same one again would not be over yet.
            over = utc_now() - timedelta(seconds=1)
            db.execute(update(Invitation).where(Invitation.expires_at.is_not(None)).values(expires_at=over))
        assert pending(house) == ["eve@example.com"]
        assert house.join("ada").role is Role.VIEWER
        with house.database.transaction() as db:
            assert expire_invitations(db) == 1
            assert expire_invitations(db) == 0
            assert db.scalars(select(func.count(Invitation.id))).one() == 1
        assert (house.trail()[-1].event, house.trail()[-1].actor_kind) == ("invite_expired", "system")

    def test_they_are_listed_in_pages(self, house: House) -> None:
        for number in range(5):
            invited(house, f"person{number}@example.com")
        with house.database.reading() as connection:
            first = list_invitations(connection, limit=3)
            rest = list_invitations(connection, limit=3, before=first[-1].id)
            assert list_invitations(connection, before=-5) == []
            assert len(list_invitations(connection, before=10**30)) == 5
        assert [view.email[6] for view in (*first, *rest)] == ["4", "3", "2", "1", "0"]


@pytest.fixture
def by_invitation(tmp_path: Path) -> Settings:
    environ: Mapping[str, str] = {"GATEHOUSE_ENV": "development", "GATEHOUSE_SIGNUP": "invited"}
    return Settings.load(None, environ, directory=tmp_path)


SignIn = Callable[[Profile], SignedIn]


@pytest.fixture
def sign_in(house: House, by_invitation: Settings) -> SignIn:
    def sign_in(who: Profile) -> SignedIn:
        attempt = begin_attempt("google", next=None, purpose=Purpose.SIGN_IN, session_id=None)
        return complete(house.database, by_invitation, attempt, Assertion(who), actor=SOMEBODY, replaces=None)

    return sign_in


def refused(sign_in: SignIn, who: Profile) -> Reason:
    with pytest.raises(SignInRefused) as caught:
        sign_in(who)
    return caught.value.reason


def decline(house: House, request_id: int) -> None:
    with house.database.transaction() as db:
        decline_join_request(db, request_id)


class TestAskingToJoin:
    def test_whoever_was_not_invited_waits(self, house: House, sign_in: SignIn) -> None:
        assert refused(sign_in, profile("eve")) is Reason.NOT_INVITED
        assert refused(sign_in, profile("eve", name="Eve King", email=None)) is Reason.NOT_INVITED
        (request,) = waiting(house)
        assert (request.name, request.email, request.approved_role) == ("Eve King", None, None)
        # To ask again is no event: anybody could fill the trail with it.
        assert house.events() == ["join_requested"]

    def test_approval_lets_exactly_her_in_once_with_that_role(self, house: House, sign_in: SignIn) -> None:
        eve = profile("eve")
        refused(sign_in, eve)
        (request,) = waiting(house)
        with house.database.transaction() as db:
            approve_join_request(db, request.id, "editor", actor=ROOT)
            assert find_approved_role(db, eve) is Role.EDITOR
        for other in (
            profile("mallory", email="eve@example.com"),
            profile("eve", issuer="https://other.example"),
            profile("mallory", name="Eve", subject="EVE-AT-GOOGLE"),
        ):
            assert refused(sign_in, other) is Reason.NOT_INVITED
        assert sign_in(eve).user.role is Role.EDITOR
        assert request.id not in {view.id for view in waiting(house)}
        with house.database.transaction() as db:
            assert find_approved_role(db, eve) is None
            known = sign_in_known(db, eve, actor=SOMEBODY)
            assert known is not None
            db.delete(db.get_one(User, known.id))
        assert refused(sign_in, eve) is Reason.NOT_INVITED

    def test_a_word_holds_until_it_is_withdrawn_or_she_comes(self, house: House, sign_in: SignIn) -> None:
        eve = profile("eve")
        refused(sign_in, eve)
        (request,) = waiting(house)
        # Each of them twice, as a click that was meant once may come: what stands already is no event.
        for _ in range(2):
            with house.database.transaction() as db:
                approve_join_request(db, request.id, "admin")
        with pytest.raises(JoinRequestChanged) as caught, house.database.transaction() as db:
            approve_join_request(db, request.id, "viewer")
        assert caught.value.current.approved_role is Role.ADMIN
        with pytest.raises(JoinRequestChanged):
            decline(house, request.id)
        with pytest.raises(JoinRequestChanged), house.database.transaction() as db:
            withdraw_approval(db, request.id, "viewer")
        with house.database.reading() as connection:
            assert [view.approved_role for view in list_approved_requests(connection)] == [Role.ADMIN]
        for _ in range(2):
            with house.database.transaction() as db:
                withdraw_approval(db, request.id, "admin")
        assert waiting(house) == [request]
        assert refused(sign_in, eve) is Reason.NOT_INVITED
        with house.database.transaction() as db:
            approve_join_request(db, request.id, "editor")
        assert sign_in(eve).user.role is Role.EDITOR
        said = ["join_requested", "join_approved", "join_approval_revoked", "join_approved", "join_used"]
        assert [name for name in house.events() if name.startswith("join_")] == said

    def test_whoever_waits_again_can_be_decided_about(self, house: House, sign_in: SignIn) -> None:
        """She asked long ago, and would be forgotten before anybody has seen her."""
        refused(sign_in, profile("eve"))
        (request,) = waiting(house)
        with house.database.transaction() as db:
            approve_join_request(db, request.id, "admin")
            db.execute(update(JoinRequest).values(requested_at=utc_now() - WAITS_FOR - timedelta(days=1)))
        with house.database.transaction() as db:
            withdraw_approval(db, request.id)
            assert expire_join_requests(db) == 0
        later = waiting(house)[0].requested_at - WAITS_AGAIN_FOR
        with house.database.transaction() as db:
            db.execute(update(JoinRequest).values(requested_at=later))
            assert expire_join_requests(db) == 1

    def test_a_refusal_holds_for_a_while(self, house: House, sign_in: SignIn) -> None:
        eve = profile("eve")
        refused(sign_in, eve)
        (request,) = waiting(house)
        decline(house, request.id)
        with pytest.raises(SignInRefused) as caught:
            sign_in(eve)
        assert (caught.value.reason, caught.value.facts) == (Reason.DECLINED, {"days": 7})
        assert waiting(house) == []
        # Nobody decides about her by accident, and of her only the account is kept.
        for decide in (withdraw_approval, lambda db, number: approve_join_request(db, number, "admin")):
            with pytest.raises(JoinRequestChanged) as overridden, house.database.transaction() as db:
                decide(db, request.id)
            assert overridden.value.current.approved_role is None
        kept = select(JoinRequest.name, JoinRequest.email, JoinRequest.decided_at)
        with house.database.reading() as connection:
            before = connection.execute(kept).one()
        assert tuple(before)[:2] == ("", None)
        # Nor does a second click prolong it.
        decline(house, request.id)
        with house.database.reading() as connection:
            assert connection.execute(kept).one() == before
        assert refused(sign_in, profile("bob")) is Reason.NOT_INVITED
        assert house.events() == ["join_requested", "join_declined", "join_requested"]

    @pytest.mark.parametrize("expires_first", [False, True])
    def test_after_a_while_she_may_ask_again(self, house: House, sign_in: SignIn, *, expires_first: bool) -> None:
        eve = profile("eve")
        refused(sign_in, eve)
        decline(house, waiting(house)[0].id)
        for since, reason in (
            (DECLINE_HOLDS - timedelta(hours=1), Reason.DECLINED),
            (DECLINE_HOLDS + timedelta(seconds=1), Reason.NOT_INVITED),
        ):
            with house.database.transaction() as db:
                # She had waited for long before that: a refusal must not end early with the request.
                asked = utc_now() - WAITS_FOR - since
                db.execute(update(JoinRequest).values(decided_at=utc_now() - since, requested_at=asked))
                if expires_first:
                    assert expire_join_requests(db) == 0
            assert refused(sign_in, eve) is reason
        assert [view.name for view in waiting(house)] == ["Eve"]
        assert house.events() == ["join_requested", "join_declined", "join_requested"]

    def test_an_invitation_overrules_a_refusal(self, house: House, sign_in: SignIn) -> None:
        refused(sign_in, profile("eve"))
        decline(house, waiting(house)[0].id)
        invited(house, "eve@example.com", "editor")
        assert sign_in(profile("eve")).user.role is Role.EDITOR
        with house.database.reading() as connection:
            assert connection.scalar(select(func.count(JoinRequest.id))) == 0

    def test_what_cannot_be_is_refused(self, house: House, sign_in: SignIn) -> None:
        refused(sign_in, profile("eve"))
        (request,) = waiting(house)
        with pytest.raises(InvalidField), house.database.transaction() as db:
            approve_join_request(db, request.id, "root")
        with pytest.raises(InvalidField), house.database.transaction() as db:
            withdraw_approval(db, request.id, "root")
        for number in (4711, 0, -1, 2**31, 10**30):
            with pytest.raises(JoinRequestNotFound), house.database.transaction() as db:
                approve_join_request(db, number, "viewer")
            with pytest.raises(JoinRequestNotFound), house.database.transaction() as db:
                decline_join_request(db, number)
            with pytest.raises(JoinRequestNotFound), house.database.transaction() as db:
                withdraw_approval(db, number)

    def test_what_she_is_called_can_be_shown(self, house: House) -> None:
        with house.database.transaction() as db:
            request_to_join(db, profile("eve", name="\u202eevE\x00" * 100, email="e\x00ve@example.com"))
            request_to_join(db, profile("bob", name=None, email=None))
        bob, eve = waiting(house)
        assert (bob.name, bob.email) == ("Somebody", None)
        assert (eve.name, eve.email) == ("evE" * 66 + "ev", "eve@example.com")

    def test_two_tabs_ask_once(self, house: House, sign_in: SignIn) -> None:
        with both_before(house.database, "INSERT INTO gatehouse_join_requests"):
            results = at_once(*[lambda: sign_in(profile("eve"))] * 2)
        assert all(isinstance(result, SignInRefused) for result in results), results
        assert len(waiting(house)) == 1
        assert house.events() == ["join_requested"]

    def test_strangers_are_forgotten(self, house: House, sign_in: SignIn) -> None:
        for name in ("eve", "bob", "mallory", "trent"):
            refused(sign_in, profile(name))
        trent, mallory, *_others = waiting(house)
        with house.database.transaction() as db:
            approve_join_request(db, trent.id, "viewer")
            approve_join_request(db, mallory.id, "viewer")
            long_ago = utc_now() - WAITS_FOR - timedelta(minutes=1)
            # On the last day somebody was approved: she has as long to come as anybody.
            asked = JoinRequest.name.in_(["Eve", "Mallory", "Trent"])
            db.execute(update(JoinRequest).where(asked).values(requested_at=long_ago))
            assert expire_join_requests(db) == 1
            assert expire_join_requests(db) == 0
            db.execute(update(JoinRequest).where(JoinRequest.id == mallory.id).values(decided_at=long_ago))
            assert expire_join_requests(db) == 1
        assert [view.name for view in waiting(house)] == ["Bob"]
        with house.database.reading() as connection:
            assert [view.name for view in list_approved_requests(connection)] == ["Trent"]
        assert (house.trail()[-1].event, house.trail()[-1].actor_kind) == ("join_expired", "system")

    def test_they_are_listed_in_pages(self, house: House) -> None:
        with house.database.transaction() as db:
            for number in range(5):
                request_to_join(db, profile(f"p{number}"))
        with house.database.reading() as connection:
            first = list_join_requests(connection, limit=3)
            rest = list_join_requests(connection, limit=3, before=first[-1].id)
            assert list_join_requests(connection, before=-1) == []
        assert [view.name for view in (*first, *rest)] == ["P4", "P3", "P2", "P1", "P0"]

    def test_whoever_was_decided_about_takes_nobodys_place(self, house: House) -> None:
        with house.database.transaction() as db:
            for number in range(5):
                request_to_join(db, profile(f"p{number}"))
        waits, declined, *approved = [view.id for view in reversed(waiting(house))]
        with house.database.transaction() as db:
            decline_join_request(db, declined)
            for number in approved:
                approve_join_request(db, number, "viewer")
        with house.database.reading() as connection:
            assert [view.id for view in list_join_requests(connection, limit=1)] == [waits]
            first = list_approved_requests(connection, limit=2)
            rest = list_approved_requests(connection, limit=2, before=first[-1].id)
        assert [view.id for view in (*first, *rest)] == approved[::-1]
