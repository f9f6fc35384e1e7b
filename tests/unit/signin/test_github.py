"""Signing in with GitHub, over a scripted transport."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from flask_gatehouse.settings import ProviderKind
from flask_gatehouse.signin.errors import ProviderUnavailable, Reason, SignInRefused
from flask_gatehouse.signin.github import GitHubProvider

from .scripted import REDIRECT_URI, Scripted, form_of, new_attempt, provider_settings, response
from .test_strict_json import VALUES

GITHUB = "https://github.example"
PRIMARY = {"email": "octo@example.org", "primary": True, "verified": True, "visibility": None}


def client_of(**changes: Any) -> tuple[GitHubProvider, Scripted]:
    pages = {
        "/login/oauth/access_token": {"access_token": "token", "token_type": "bearer", "scope": "read:user,user:email"},
        "/api/user": {"id": 583231, "login": "octocat", "name": "The Octocat", "email": "shown@example.org"},
        "/api/user/emails": [{"email": "old@example.org", "primary": False, "verified": True}, PRIMARY],
    }
    transport = Scripted(pages | {path.replace("_", "/"): page for path, page in changes.items()})
    settings = provider_settings(
        name="github", kind=ProviderKind.GITHUB, issuer=GITHUB, scope="read:user user:email", email_domains=frozenset()
    )
    return GitHubProvider(settings, f"{GITHUB}/api/", transport), transport


def refusal(client: GitHubProvider, **answer: str) -> Reason:
    with pytest.raises(SignInRefused) as refused:
        client.redeem(new_attempt(), {"code": "code", **answer}, REDIRECT_URI)
    assert refused.value.provider == "github"
    # What GitHub answers wrong makes nobody's network wait.
    assert refused.value.by_caller is (refused.value.reason is not Reason.PROVIDER_ANSWER)
    return refused.value.reason


@pytest.mark.parametrize(("fresh", "prompt"), [(False, None), (True, "select_account")])
def test_the_request_has_state_and_challenge(fresh: bool, prompt: str | None) -> None:
    attempt = new_attempt()
    url = client_of()[0].authorization_url(attempt, REDIRECT_URI, fresh=fresh)
    query = dict(parse_qsl(urlsplit(url).query))
    assert url.startswith(f"{GITHUB}/login/oauth/authorize?")
    assert query["state"] == attempt.state
    assert query["code_challenge_method"] == "S256"
    assert query["scope"] == "read:user user:email"
    assert query.get("prompt") == prompt
    assert "nonce" not in query


def test_a_person_is_her_number_and_her_verified_primary_address() -> None:
    client, transport = client_of()
    attempt = new_attempt()
    assertion = client.redeem(attempt, {"code": "code"}, REDIRECT_URI)
    profile = assertion.profile
    assert (profile.provider, profile.issuer, profile.subject) == ("github", GITHUB, "583231")
    assert (profile.name, profile.email, profile.email_is_authoritative) == ("The Octocat", "octo@example.org", True)
    assert assertion.authenticated_at is assertion.hosted_domain is assertion.provider_session_id is None
    form = form_of(transport.seen[0])
    assert (form["code_verifier"], form["client_secret"]) == (attempt.verifier, "secret")
    assert transport.seen[1].headers["Authorization"] == "Bearer token"


def test_whoever_has_no_name_is_called_by_her_login() -> None:
    client, _ = client_of(_api_user={"id": 1, "login": "octocat", "name": None})
    assert client.redeem(new_attempt(), {"code": "code"}, REDIRECT_URI).profile.name == "octocat"


@pytest.mark.parametrize("iss", [GITHUB, f"{GITHUB}/login/oauth"])
def test_it_may_name_itself(iss: str) -> None:
    assert client_of()[0].redeem(new_attempt(), {"code": "code", "iss": iss}, REDIRECT_URI).profile.subject == "583231"


def test_another_issuer_is_refused() -> None:
    assert refusal(client_of()[0], iss="https://evil.example") is Reason.ISSUER_MISMATCH


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [PRIMARY | {"verified": False}],
        [PRIMARY | {"verified": "true"}],
        [PRIMARY | {"primary": False}],
        [PRIMARY | {"email": None}],
        [PRIMARY | {"email": "octo\u200e@example.org"}],
        ["octo@example.org"],
    ],
)
def test_without_a_verified_primary_address_nobody_comes_in(emails: list[object]) -> None:
    assert refusal(client_of(_api_user_emails=emails)[0]) is Reason.EMAIL_UNVERIFIED


@pytest.mark.parametrize(
    "person", [[], {}, {"id": True}, {"id": "583231"}, {"id": 0}, {"id": -1}, {"id": 2**63}, {"id": 1.5}, b"<html>"]
)
def test_a_person_without_a_number_is_nobody(person: object) -> None:
    page = response(person) if isinstance(person, bytes) else person
    assert refusal(client_of(_api_user=page)[0]) is Reason.PROVIDER_ANSWER


def test_what_is_no_list_of_addresses_is_refused() -> None:
    assert refusal(client_of(_api_user_emails={"email": "octo@example.org"})[0]) is Reason.PROVIDER_ANSWER
    assert refusal(client_of(_api_user_emails=response({}, 403))[0]) is Reason.PROVIDER_ANSWER


def test_a_used_code_is_refused_with_status_200() -> None:
    client, transport = client_of()
    transport.pages["/login/oauth/access_token"] = {"error": "bad_verification_code", "error_description": "<b>"}
    assert refusal(client) is Reason.PROVIDER_ERROR
    assert refusal(client, error="access_denied") is Reason.PROVIDER_DENIED


@pytest.mark.parametrize("path", ["/login/oauth/access_token", "/api/user", "/api/user/emails"])
def test_an_outage_refuses_nobody(path: str) -> None:
    client, transport = client_of()
    transport.pages[path] = response({}, 502)
    with pytest.raises(ProviderUnavailable):
        client.redeem(new_attempt(), {"code": "code"}, REDIRECT_URI)


@hypothesis_settings(max_examples=30, deadline=None)
@given(VALUES, VALUES, VALUES | st.lists(st.fixed_dictionaries(dict.fromkeys(PRIMARY, VALUES))))
def test_no_answer_makes_anything_else_escape(tokens: Any, person: Any, emails: Any) -> None:
    for changes in ({"_api_user": person}, {"_api_user_emails": emails}):
        try:
            client_of(**changes)[0].redeem(new_attempt(), {"code": "code"}, REDIRECT_URI)
        except SignInRefused:
            continue
    client, transport = client_of()
    transport.pages["/login/oauth/access_token"] = tokens
    assert refusal(client) in {Reason.PROVIDER_ANSWER, Reason.PROVIDER_ERROR}


def test_signing_out_there_is_not_offered() -> None:
    assert client_of()[0].end_session_url("https://app.example.com/") is None
