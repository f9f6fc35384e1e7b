"""Development takes the same path as production: a real provider, the real client, and what they disagree about."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from sqlalchemy import select
from werkzeug.test import TestResponse

from flask_gatehouse.accounts.columns import users
from flask_gatehouse.app import create_app
from flask_gatehouse.dev import EMBEDDED_PROVIDER, EmbeddedProviderRefused, attach
from flask_gatehouse.dev.misbehaviour import Misbehaviour
from flask_gatehouse.extension import Gatehouse
from flask_gatehouse.signin.errors import Reason
from tests.web.conftest import development, running, state_of
from tests.web.relying_party import ISSUER, answer_of, ask, code_for, decide, redeem


def sign_in(client: FlaskClient, start: str = "/auth/login/dev?next=/account", **form: str) -> TestResponse:
    """Walk from our sign-in to the provider's page, answer it, and return what the callback says."""
    page = client.get(client.get(start).location)
    return client.get(decide(client, page, **form).location)


# -- The round trip --------------------------------------------------------------------------------


def test_a_click_signs_a_person_in(client: FlaskClient) -> None:
    finished = sign_in(client, person="ada@example.com")
    assert (finished.status_code, finished.location) == (302, "/account")
    assert "ada@example.com" in client.get("/account").text


def test_it_stands_first_on_the_sign_in_page(sqlite_url: str) -> None:
    config = development(sqlite_url, GOOGLE_CLIENT_ID="id", GOOGLE_CLIENT_SECRET="secret")
    for app in running(create_app(config)):
        assert list(state_of(app).providers) == ["dev", "google"]
        text = app.test_client().get("/auth/login").text
        assert text.index("/auth/login/dev") < text.index("/auth/login/google")


def test_anybody_can_be_invented_and_is_the_same_person_next_time(app: Flask) -> None:
    for name in ("Zoe", "Zoe Zed"):
        finished = sign_in(app.test_client(), email="zoe@example.com", name=name)
        assert finished.status_code == 302
    with state_of(app).database.reading() as connection:
        assert [row.email for row in connection.execute(select(users.c.email))] == ["zoe@example.com"]


def test_what_is_no_address_is_asked_again(client: FlaskClient) -> None:
    again = decide(client, ask(client), email="nobody", name='"><b>')
    assert again.status_code == 422
    assert 'role="alert"' in again.text
    assert "<b>" not in again.text
    assert answer_of(decide(client, again, email="somebody@example.com"))["code"]


def test_she_can_say_no(client: FlaskClient) -> None:
    refused = sign_in(client, deny="deny")
    assert f"<code>{Reason.PROVIDER_DENIED}</code>" in refused.text


def test_she_is_remembered_and_offered_first(client: FlaskClient) -> None:
    sign_in(client, email="zoe@example.com", name="Zoe")
    page = ask(client).text
    assert page.index("Continue as Zoe") < page.index("Ada Admin")
    assert answer_of(decide(client, ask(client), person="zoe@example.com"))["code"]


def test_confirming_asks_again_whatever_is_remembered(client: FlaskClient) -> None:
    sign_in(client, person="ada@example.com")
    assert "prompt=login" in client.get("/auth/confirm?next=/account").location
    confirmed = sign_in(client, "/auth/confirm?next=/account", person="ada@example.com")
    assert (confirmed.status_code, confirmed.location) == (302, "/account")


# -- What a broken provider does, and how it is refused ---------------------------------------------

REFUSALS = {
    Misbehaviour.WRONG_NONCE: Reason.ID_TOKEN_NONCE,
    Misbehaviour.EXPIRED: Reason.ID_TOKEN_EXPIRED,
    Misbehaviour.WRONG_ISSUER: Reason.ID_TOKEN_ISSUER,
    Misbehaviour.WRONG_AUDIENCE: Reason.ID_TOKEN_AUDIENCE,
    Misbehaviour.NO_SUBJECT: Reason.ID_TOKEN_CLAIMS,
    Misbehaviour.BAD_SIGNATURE: Reason.ID_TOKEN_SIGNATURE,
    Misbehaviour.UNSIGNED: Reason.ID_TOKEN_ALGORITHM,
    Misbehaviour.NO_ID_TOKEN: Reason.ID_TOKEN_MISSING,
    Misbehaviour.OTHER_USERINFO: Reason.USERINFO_SUBJECT,
    Misbehaviour.LOST_STATE: Reason.STATE_MISSING,
    Misbehaviour.WRONG_STATE: Reason.STATE_UNKNOWN,
    Misbehaviour.OTHER_ANSWER_ISSUER: Reason.ISSUER_MISMATCH,
    Misbehaviour.PROVIDER_ERROR: Reason.PROVIDER_ERROR,
}
# These are no refusals of a sign-in, and have tests of their own below.
OTHERS = {
    Misbehaviour.NONE,
    Misbehaviour.UNVERIFIED_ADDRESS,
    Misbehaviour.OLD_PROOF,
    Misbehaviour.UNAVAILABLE,
}


@pytest.mark.parametrize(("misbehaviour", "reason"), REFUSALS.items())
def test_a_misbehaviour_is_refused_for_its_own_reason(
    client: FlaskClient, misbehaviour: Misbehaviour, reason: Reason
) -> None:
    refused = sign_in(client, person="ada@example.com", misbehaviour=misbehaviour)
    assert refused.status_code >= 400
    assert f"<code>{reason}</code>" in refused.text
    assert client.get("/account").status_code == 302


def test_no_misbehaviour_goes_untried() -> None:
    assert REFUSALS.keys() | OTHERS == set(Misbehaviour)


def test_an_address_that_is_not_verified_binds_nothing(app: Flask, client: FlaskClient) -> None:
    finished = sign_in(client, person="ada@example.com", misbehaviour=Misbehaviour.UNVERIFIED_ADDRESS)
    assert finished.status_code == 302
    with state_of(app).database.reading() as connection:
        assert [row.email for row in connection.execute(select(users.c.email))] == [None]


def test_an_old_proof_signs_in_but_does_not_confirm(client: FlaskClient) -> None:
    form = {"person": "ada@example.com", "misbehaviour": Misbehaviour.OLD_PROOF}
    assert sign_in(client, **form).status_code == 302
    assert f"<code>{Reason.TOO_OLD}</code>" in sign_in(client, "/auth/confirm?next=/account", **form).text


def test_a_provider_out_of_service_refuses_nobody(client: FlaskClient) -> None:
    answer = sign_in(client, person="ada@example.com", misbehaviour=Misbehaviour.UNAVAILABLE)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_misbehaviour_that_nobody_knows_is_none(client: FlaskClient) -> None:
    assert sign_in(client, person="ada@example.com", misbehaviour="unheard of").status_code == 302


# -- Where it stands, and whom it answers ---------------------------------------------------------------


def test_production_has_none(production_app: Flask) -> None:
    assert EMBEDDED_PROVIDER not in state_of(production_app).providers
    assert not [rule for rule in production_app.url_map.iter_rules() if "/dev/" in rule.rule]
    with pytest.raises(EmbeddedProviderRefused):
        attach(production_app)


def test_it_is_attached_once(app: Flask) -> None:
    with pytest.raises(EmbeddedProviderRefused, match="already"):
        attach(app)


@pytest.mark.parametrize("path", ["authorize", "jwks", ".well-known/openid-configuration", "userinfo", "end-session"])
def test_strangers_are_not_answered(client: FlaskClient, path: str) -> None:
    stranger = client.get(f"{ISSUER}/{path}", environ_base={"REMOTE_ADDR": "192.168.1.7"})
    proxied = client.get(f"{ISSUER}/{path}", headers={"X-Forwarded-For": "127.0.0.1"})
    rebound = client.get(f"/dev/provider/{path}", base_url="http://evil.example")
    assert [stranger.status_code, proxied.status_code, rebound.status_code] == [403, 403, 403]


def test_its_page_says_what_it_is_and_keeps_our_headers(client: FlaskClient) -> None:
    page = ask(client)
    assert "Development provider." in page.text
    assert "Anyone can be anyone here." in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "script>" not in page.text.split("<body", 1)[1]


def test_its_cookie_goes_nowhere_else(client: FlaskClient) -> None:
    answer = decide(client, ask(client), person="ada@example.com")
    (cookie,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("gatehouse-dev-person=")]
    assert {"HttpOnly", "Path=/dev/provider", "SameSite=Lax"} <= set(cookie.split("; "))


# -- In a host -----------------------------------------------------------------------------------------


def test_a_host_that_protects_its_forms_can_have_it(sqlite_url: str) -> None:
    host = Flask("host")
    host.config.update(development(sqlite_url))
    CSRFProtect(host)
    Gatehouse(host, url_prefix="/door")
    attach(host)
    for app in running(host):
        finished = sign_in(app.test_client(), "/door/auth/login/dev?next=/door/account", person="ada@example.com")
        assert (finished.status_code, finished.location) == (302, "/door/account")


def test_two_applications_in_one_process_are_strangers(sqlite_url: str, app: Flask, client: FlaskClient) -> None:
    config = development(sqlite_url, SECRET_KEY="another key, of the other application")
    for other in running(create_app(config)):
        assert redeem(other, code_for(client)).json["error"] == "invalid_grant"
        assert redeem(app, code_for(client)).status_code == 200
