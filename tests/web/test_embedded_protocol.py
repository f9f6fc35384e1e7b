"""The embedded provider keeps to OpenID Connect and OAuth, towards any relying party."""

from urllib.parse import urlencode

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_gatehouse.app import create_app
from tests.web.conftest import development, running
from tests.web.relying_party import ASKED, CALLBACK, ISSUER, answer_of, ask, claims_of, code_for, decide, redeem

# -- The authorization endpoint ---------------------------------------------------------------------


def test_the_answer_names_state_and_issuer(client: FlaskClient) -> None:
    answer = answer_of(decide(client, ask(client), person="ada@example.com"))
    assert (answer["state"], answer["iss"]) == ("a state", ISSUER)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_told_to_the_relying_party(
    client: FlaskClient, changes: dict[str, str | None], error: str
) -> None:
    answer = answer_of(ask(client, **changes))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "a state", ISSUER)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody else"},
        {"client_id": None},
        {"redirect_uri": "https://elsewhere.example/callback"},
        {"redirect_uri": f"{CALLBACK}/more"},
        {"redirect_uri": 'http://localhost/"\\ü'},
        {"redirect_uri": None},
        {"response_type": '"token"'},
    ],
)
def test_a_request_of_doubtful_origin_leads_nowhere(client: FlaskClient, changes: dict[str, str | None]) -> None:
    answer = ask(client, **changes)
    assert answer.status_code == 400
    assert answer.location is None
    assert "not acceptable" in answer.text


def test_a_parameter_that_comes_twice_is_refused(client: FlaskClient) -> None:
    answer = client.get(f"{ISSUER}/authorize?{urlencode(ASKED)}&state=another")
    assert answer.status_code == 400


def test_a_request_can_be_posted(client: FlaskClient) -> None:
    page = client.post(f"{ISSUER}/authorize", data=ASKED)
    assert answer_of(decide(client, page, person="ada@example.com"))["code"]


def test_only_a_form_made_here_is_accepted(client: FlaskClient) -> None:
    for asked in ("", "forged", urlencode(ASKED)):
        answer = client.post(f"{ISSUER}/authorize", data={"asked": asked, "person": "ada@example.com"})
        assert (answer.status_code, answer.location) == (400, None)


def test_a_form_is_not_accepted_after_an_hour(client: FlaskClient) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        page = ask(client)
        clock.shift(3601)
        assert decide(client, page, person="ada@example.com").status_code == 400


def test_whoever_is_remembered_need_not_be_asked(app: Flask, client: FlaskClient) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        code_for(client)
        clock.shift(100)
        answer = answer_of(ask(client, prompt="none"))
        claims = claims_of(app, redeem(app, answer["code"]).json["id_token"])
        assert claims["auth_time"] == 1_800_000_000
        assert answer_of(ask(client, prompt="none", max_age="100"))["code"]
        assert answer_of(ask(client, prompt="none", max_age="99"))["error"] == "login_required"
        assert answer_of(ask(client, prompt="none", max_age="soon"))["error"] == "login_required"


@pytest.mark.parametrize(
    ("more", "shift", "proved_again"),
    [
        ({}, 100, False),
        ({"prompt": "select_account"}, 100, False),
        ({"max_age": "200"}, 100, False),
        ({"max_age": "50"}, 100, True),
        ({"max_age": "0"}, 1, True),
        ({"prompt": "login"}, 100, True),
    ],
)
def test_who_must_prove_it_again_has_a_new_time_in_the_same_session(
    app: Flask, client: FlaskClient, more: dict[str, str], shift: int, proved_again: bool
) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        first = claims_of(app, redeem(app, code_for(client)).json["id_token"])
        clock.shift(shift)
        code = answer_of(decide(client, ask(client, **more), person="ada@example.com"))["code"]
        second = claims_of(app, redeem(app, code).json["id_token"])
    assert second["auth_time"] == 1_800_000_000 + (shift if proved_again else 0)
    assert second["sid"] == first["sid"]


def test_another_person_has_another_session(app: Flask, client: FlaskClient) -> None:
    first = claims_of(app, redeem(app, code_for(client)).json["id_token"])
    code = answer_of(decide(client, ask(client), person="vera@example.com"))["code"]
    assert claims_of(app, redeem(app, code).json["id_token"])["sid"] != first["sid"]


# -- Tokens ------------------------------------------------------------------------------------------


def test_the_id_token_says_what_it_must(app: Flask, client: FlaskClient) -> None:
    answer = redeem(app, code_for(client))
    claims = claims_of(app, answer.json["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "gatehouse", "a nonce")
    assert claims["exp"] - claims["iat"] == 300
    assert claims.keys() >= {"sub", "auth_time", "sid", "at_hash", "name", "email", "email_verified"}
    assert answer.json["token_type"] == "Bearer"
    assert "no-store" in answer.headers["Cache-Control"]


def test_scopes_decide_what_is_said(app: Flask, client: FlaskClient) -> None:
    code = answer_of(decide(client, ask(client, scope="openid", nonce=None), person="ada@example.com"))["code"]
    claims = claims_of(app, redeem(app, code).json["id_token"])
    assert not claims.keys() & {"name", "email", "nonce"}


def test_the_public_keys_are_public(client: FlaskClient) -> None:
    (key,) = client.get(f"{ISSUER}/jwks").json["keys"]
    assert key.keys() == {"kty", "n", "e", "use", "alg", "kid"}


def test_a_code_is_redeemed_once(app: Flask, client: FlaskClient) -> None:
    code = code_for(client)
    assert redeem(app, code, by_post=True).status_code == 200
    again = redeem(app, code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


def test_another_process_of_the_application_can_redeem_it(sqlite_url: str, client: FlaskClient) -> None:
    code = code_for(client)
    for another in running(create_app(development(sqlite_url))):
        assert redeem(another, code).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": f"{CALLBACK}x"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "forged"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_secret": "guessed"}, "invalid_client"),
        ({"client_id": "somebody else"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
    ],
)
def test_a_code_is_for_whoever_asked_for_it(
    app: Flask, client: FlaskClient, changes: dict[str, str | None], error: str
) -> None:
    answer = redeem(app, code_for(client), by_post=True, **changes)
    assert answer.status_code in {400, 401}
    assert answer.json["error"] == error


def test_a_code_lives_for_a_minute(app: Flask, client: FlaskClient) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        code = code_for(client)
        clock.shift(61)
        assert redeem(app, code).json["error"] == "invalid_grant"


def test_userinfo_is_for_the_access_token(app: Flask, client: FlaskClient) -> None:
    tokens = redeem(app, code_for(client)).json
    answer = client.get(f"{ISSUER}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    subject = claims_of(app, tokens["id_token"])["sub"]
    assert answer.json == {
        "sub": subject,
        "name": "Ada Admin",
        "email": "ada@example.com",
        "email_verified": True,
    }


@pytest.mark.parametrize("authorization", [None, "Bearer forged", "Basic YTpi", "Bearer"])
def test_userinfo_is_for_nobody_else(client: FlaskClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.get(f"{ISSUER}/userinfo", headers=headers)
    assert answer.status_code == 401
    assert "earer" in answer.headers["WWW-Authenticate"]


def test_the_discovery_document_tells_the_truth(client: FlaskClient) -> None:
    document = client.get(f"{ISSUER}/.well-known/openid-configuration").json
    assert document["issuer"] == ISSUER
    for name, url in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert client.open(url, method="OPTIONS").status_code == 200
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True


# -- Logout ------------------------------------------------------------------------------------------


def end_session(client: FlaskClient, **query: str) -> TestResponse:
    return client.get(f"{ISSUER}/end-session?{urlencode(query)}")


@pytest.mark.parametrize("with_hint", [True, False])
def test_signing_out_forgets_the_person_and_leads_back(app: Flask, client: FlaskClient, with_hint: bool) -> None:
    hint = {"id_token_hint": redeem(app, code_for(client)).json["id_token"]} if with_hint else {}
    answer = end_session(
        client,
        client_id="gatehouse",
        post_logout_redirect_uri="http://localhost/auth/login?notice=signed_out",
        state="a state",
        **hint,
    )
    assert answer.location == "http://localhost/auth/login?notice=signed_out&state=a+state"
    assert "Continue as" not in ask(client).text


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"client_id": "gatehouse"},
        {"client_id": "gatehouse", "post_logout_redirect_uri": "https://elsewhere.example/"},
        {"client_id": "somebody else", "post_logout_redirect_uri": "http://localhost/auth/login"},
        {"post_logout_redirect_uri": "http://localhost/auth/login"},
    ],
)
def test_signing_out_leads_nowhere_else(client: FlaskClient, query: dict[str, str]) -> None:
    answer = end_session(client, **query)
    assert (answer.status_code, answer.location) == (200, None)


def test_a_forged_hint_is_refused(client: FlaskClient) -> None:
    answer = end_session(client, client_id="gatehouse", id_token_hint="forged")
    assert (answer.status_code, answer.location) == (400, None)
