"""Linking an account: bound to the session that began it, once, and with an end to all others."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_gatehouse.accounts.errors import IdentityNotFound, LastIdentity
from flask_gatehouse.accounts.holds import hold_user
from flask_gatehouse.accounts.service import Profile, identities_of, toggle_active
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Attempt, Purpose, begin_attempt
from flask_gatehouse.signin.errors import IdentityInUse, Reason
from flask_gatehouse.signin.linking import link, unlink
from flask_gatehouse.signin.service import SignedIn
from tests.integration.accounts.test_linking import second
from tests.integration.conftest import SOMEBODY, House, profile
from tests.integration.signin.conftest import Gate, reason


def attempt_of(inside: SignedIn) -> Attempt:
    return begin_attempt("github", next=None, purpose=Purpose.LINK, session_id=inside.session.session_id)


def person(inside: SignedIn) -> Actor:
    return replace(SOMEBODY, user_id=inside.user.id, session_id=inside.session.session_id, kind="user")


def link_to(
    house: House, inside: SignedIn, said: Profile, attempt: Attempt | None = None, actor: Actor | None = None
) -> bool:
    begun = attempt or attempt_of(inside)
    return link(house.database, begun, Assertion(said), actor=actor or person(inside))


def refused(action: Callable[[], object], house: House) -> Reason:
    before = house.contents()
    why = reason(action)
    assert house.contents() == before
    return why


def test_all_her_other_sessions_end(gate: Gate, house: House) -> None:
    elsewhere, stranger, inside = (gate.complete(profile(who)) for who in ("ada", "eve", "ada"))
    assert link_to(house, inside, second("ada"))
    ended = [house.session_row(one.session)["ended_at"] is not None for one in (elsewhere, stranger, inside)]
    assert ended == [True, False, False]
    assert house.events()[-2:] == ["identity_linked", "session_revoked"]
    assert gate.complete(second("ada")).user.id == inside.user.id


def test_an_answer_links_in_the_session_that_asked_and_once(gate: Gate, house: House) -> None:
    inside, eve = gate.complete(profile("ada")), gate.complete(profile("eve"))
    attempt = attempt_of(inside)
    for nobody in (Actor(), Actor(inside.user.id, None), person(eve)):
        why = refused(lambda nobody=nobody: link_to(house, inside, second("eve"), attempt, nobody), house)
        assert why is Reason.STATE_UNKNOWN
    assert link_to(house, inside, second("ada"), attempt)
    assert refused(lambda: link_to(house, inside, second("ada"), attempt), house) is Reason.STATE_REUSED


def test_what_is_somebody_elses_is_refused(gate: Gate, house: House) -> None:
    inside = gate.complete(profile("ada"))
    gate.complete(profile("eve"))
    assert refused(lambda: link_to(house, inside, profile("eve")), house) is Reason.IDENTITY_TAKEN
    theirs = second("ada", email="eve@example.com")
    assert refused(lambda: link_to(house, inside, theirs), house) is Reason.LINKED_ADDRESS_TAKEN


def test_the_sessions_of_an_account_end_with_it(gate: Gate, house: House) -> None:
    inside = gate.complete(profile("ada"))
    link_to(house, inside, second("ada"))
    other = gate.complete(second("ada"))
    with house.database.reading() as connection:
        mine, linked = (one.id for one in identities_of(connection, inside.user.id))
    for wrong, error in ((mine, IdentityInUse), (linked + 100, IdentityNotFound)):
        with pytest.raises(error), house.database.transaction() as db:
            unlink(db, wrong, actor=person(inside))
    with house.database.transaction() as db:
        unlink(db, linked, actor=person(inside))
    assert house.session_row(other.session)["ended_at"] is not None
    assert house.session_row(inside.session)["ended_at"] is None
    with pytest.raises(IdentityInUse), house.database.transaction() as db:
        unlink(db, mine, actor=person(inside))
    # A session that was begun with an account that is gone: the last one stays all the same.
    with pytest.raises(LastIdentity), house.database.transaction() as db:
        unlink(db, mine, actor=replace(person(inside), session_id=other.session.session_id))
    with pytest.raises(IdentityNotFound), house.database.transaction() as db:
        unlink(db, mine, actor=Actor())


@pytest.mark.parametrize("how", ["held", "deactivated"])
def test_a_session_that_has_ended_meanwhile_links_nothing(gate: Gate, house: House, how: str) -> None:
    """Whoever was shut out while she was at the provider would otherwise come back with an account of her own."""
    gate.complete(profile("eve"))
    inside = gate.complete(profile("ada"))
    attempt = attempt_of(inside)
    with house.database.transaction() as db:
        if how == "held":
            assert hold_user(db, inside.user.id, inside.user.session_generation, about="session_new_browser")
        else:
            toggle_active(db, inside.user.id, wanted=False)
    assert refused(lambda: link_to(house, inside, second("ada"), attempt), house) is Reason.STATE_UNKNOWN
