"""All that the embedded provider can do wrong, met by a person with a browser: a page, an event, nobody let in."""

from collections.abc import Callable, Iterator

import pytest

from flask_gatehouse.dev.misbehaviour import Misbehaviour
from tests.nodes.people import Browser, hidden_fields, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]
REFUSED = {
    Misbehaviour.WRONG_NONCE: "id_token_nonce",
    Misbehaviour.EXPIRED: "id_token_expired",
    Misbehaviour.WRONG_ISSUER: "id_token_issuer",
    Misbehaviour.WRONG_AUDIENCE: "id_token_audience",
    Misbehaviour.NO_SUBJECT: "id_token_claims",
    Misbehaviour.BAD_SIGNATURE: "id_token_signature",
    Misbehaviour.UNSIGNED: "id_token_algorithm",
    Misbehaviour.NO_ID_TOKEN: "id_token_missing",
    Misbehaviour.OTHER_USERINFO: "userinfo_subject",
    Misbehaviour.LOST_STATE: "state_missing",
    Misbehaviour.WRONG_STATE: "state_unknown",
    Misbehaviour.OTHER_ANSWER_ISSUER: "issuer_mismatch",
    Misbehaviour.PROVIDER_ERROR: "provider_error",
}
# What is no refusal of a sign-in: each has a test of its own below.
OTHERS = {Misbehaviour.NONE, Misbehaviour.UNVERIFIED_ADDRESS, Misbehaviour.OLD_PROOF, Misbehaviour.UNAVAILABLE}


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    with running_site(place, {"GATEHOUSE_SUPPORT_EMAIL": "help@example.com"}) as site:
        yield site


@pytest.fixture
def person(site: Site, open_browser: Open) -> Browser:
    return open_browser(site.node)


def test_every_misbehaviour_is_met_here() -> None:
    assert set(Misbehaviour) == REFUSED.keys() | OTHERS


@pytest.mark.parametrize("misbehaviour", REFUSED)
def test_it_is_refused_with_a_page_and_an_event(site: Site, person: Browser, misbehaviour: Misbehaviour) -> None:
    email, mark, users, reason = new_address(), site.last_event(), site.users(), REFUSED[misbehaviour]
    refused = person.sign_in(email, misbehave=misbehaviour)
    assert (refused.status_code, reason_of(refused)) == (400, reason)
    assert 'href="/auth/login"' in refused.text
    assert "mailto:help@example.com" in refused.text
    assert site.events(mark) == [("authn_login_fail", {"provider": "dev", "reason": reason})]
    assert site.users() == users
    assert "gatehouse" not in person.cookies
    assert not person.is_signed_in()
    # The next try with the same browser works at once.
    assert person.sign_in(email).headers["Location"] == "/dashboard"


@pytest.mark.parametrize("misbehaviour", REFUSED)
def test_a_session_outlives_it(site: Site, person: Browser, misbehaviour: Misbehaviour) -> None:
    email = new_address()
    person.sign_in(email)
    assert person.sign_in(new_address(), misbehave=misbehaviour).status_code == 400
    assert person.is_signed_in()
    mark, token = site.last_event(), person.session_token
    assert person.confirm(email, misbehave=misbehaviour).status_code == 400
    assert person.session_token == token
    # Without its state, nobody knows that an answer was meant as a confirmation.
    lost = misbehaviour in {Misbehaviour.LOST_STATE, Misbehaviour.WRONG_STATE}
    assert [name for name, _ in site.events(mark)] == ["authn_login_fail" if lost else "authn_reauth_fail"]


def test_an_address_that_is_not_verified_binds_nothing(site: Site, person: Browser) -> None:
    email = new_address()
    assert person.sign_in(email, "Una", misbehave=Misbehaviour.UNVERIFIED_ADDRESS).status_code == 302
    assert "Unconfirmed address" in person.get("/dashboard").text
    assert email in person.get("/account").text
    assert site.user_id(email) is None


def test_a_provider_that_is_down_is_no_refusal(site: Site, person: Browser) -> None:
    email, mark = new_address(), site.last_event()
    callback = person.choose(person.begin("/account"), email, misbehave=Misbehaviour.UNAVAILABLE)
    for headers in ({}, {"HX-Request": "true"}, {"Accept": "application/json"}):
        down = open_and_arrive(person, callback, headers)
        assert down == (503, "30")
    assert site.user_id(email) is None
    names = [name for name, _ in site.events(mark)]
    assert "authn_login_success" not in names
    # Three people who wait, and one outage.
    assert names.count("provider_unavailable") == 1
    assert [name for name, _ in site.events(target_type="provider", target_id="dev")] == ["provider_unavailable"]
    assert person.sign_in(email).status_code == 302


def open_and_arrive(person: Browser, callback: str, headers: dict[str, str]) -> tuple[int, str | None]:
    kept = {name: person.cookies[name] for name in person.attempt_cookies()}
    answer = person.arrive(callback, headers=headers)
    for name, value in kept.items():
        person.http.cookies.set(name, value, domain="localhost.local", path="/")
    return answer.status_code, answer.headers.get("Retry-After")


def test_an_old_proof_signs_in_and_does_not_confirm(site: Site, person: Browser) -> None:
    email = new_address()
    assert person.sign_in(email, misbehave=Misbehaviour.OLD_PROOF).status_code == 302
    mark, token = site.last_event(), person.session_token
    refused = person.confirm(email, misbehave=Misbehaviour.OLD_PROOF)
    assert (refused.status_code, reason_of(refused)) == (403, "too_old")
    assert site.events(mark) == [("authn_reauth_fail", {"provider": "dev", "reason": "too_old"})]
    assert person.session_token == token
    assert person.confirm(email).headers["Location"] == "/account"


def test_somebody_elses_account_does_not_confirm(site: Site, person: Browser) -> None:
    person.sign_in(new_address())
    mark = site.last_event()
    refused = person.confirm(new_address())
    assert (refused.status_code, reason_of(refused)) == (403, "other_person")
    assert [name for name, _ in site.events(mark)] == ["authn_reauth_fail"]
    assert person.is_signed_in()


def test_who_denies_is_not_signed_in(site: Site, person: Browser) -> None:
    page, mark = person.begin(), site.last_event()
    answer = person.post(page.url, hidden_fields(page.text) | {"deny": "deny"})
    refused = person.arrive(answer.headers["Location"])
    assert (refused.status_code, reason_of(refused)) == (403, "provider_denied")
    assert site.events(mark) == [("authn_login_fail", {"provider": "dev", "reason": "provider_denied"})]


def test_no_node_has_failed(site: Site) -> None:
    # What Flask logs of an exception that nobody expected.
    assert "Exception on" not in site.node.log
