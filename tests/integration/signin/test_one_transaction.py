"""A sign-in, its session and its events commit together or not at all: whichever of them the database refuses."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import DBAPIError

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, invite
from flask_gatehouse.signin.attempt import Purpose
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.service import record_refusal
from tests.integration.audit.test_one_transaction import refuse_events_after
from tests.integration.conftest import SOMEBODY, profile
from tests.integration.signin.conftest import Gate, settings_with

Journey = Callable[[Gate], Callable[[], object]]


def for_the_first_time(gate: Gate) -> Callable[[], object]:
    with gate.house.database.transaction() as db:
        invite(db, "ada@example.com", "editor")
    return lambda: gate.complete(profile("ada"))


def once_more(gate: Gate) -> Callable[[], object]:
    first = gate.complete(profile("ada"))
    with gate.house.database.transaction() as db:
        change_role(db, first.user.id, Role.EDITOR)
    return lambda: gate.complete(profile("ada", name="Ada King"), replaces=first.session.session_id)


def to_confirm(gate: Gate) -> Callable[[], object]:
    inside = gate.complete(profile("ada"))
    return lambda: gate.confirm(inside)


def in_vain(gate: Gate) -> Callable[[], object]:
    refused = SignInRefused(Reason.DEACTIVATED, "google", user_id=1)
    settings = settings_with(GATEHOUSE_REFUSAL_LIMIT="1 per minute")
    who = ("https://accounts.google.com", "eve-at-google")
    return lambda: record_refusal(
        gate.house.database, settings, refused, purpose=Purpose.SIGN_IN, actor=SOMEBODY, account=who
    )


def without_an_invitation(gate: Gate) -> Callable[[], object]:
    def ask() -> None:
        with pytest.raises(SignInRefused):
            gate.complete(profile("eve"), settings=settings_with(GATEHOUSE_SIGNUP="invited"))

    return ask


JOURNEYS: dict[Journey, list[str]] = {
    for_the_first_time: ["user_created", "invite_used", "session_created", "authn_login_success"],
    once_more: ["user_updated", "session_revoked", "session_created", "authn_login_success"],
    to_confirm: ["session_renewed", "authn_reauth_success"],
    in_vain: ["excess_rate_limit_exceeded", "excess_rate_limit_exceeded", "authn_login_fail"],
    without_an_invitation: ["join_requested"],
}


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_leaves_its_events(gate: Gate, journey: Journey) -> None:
    go = journey(gate)
    recorded = len(gate.house.events())
    go()
    assert gate.house.events()[recorded:] == JOURNEYS[journey]


@pytest.mark.parametrize(
    ("journey", "nth"), [(journey, nth) for journey, events in JOURNEYS.items() for nth in range(len(events))]
)
def test_a_journey_whose_event_cannot_be_written_does_not_happen(gate: Gate, journey: Journey, nth: int) -> None:
    go = journey(gate)
    contents = gate.house.contents()
    refuse_events_after(gate.house.database, len(contents["gatehouse_audit_events"]) + nth)
    with pytest.raises(DBAPIError, match="the trail is full"):
        go()
    assert gate.house.contents() == contents
