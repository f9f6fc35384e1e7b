"""The OpenID Connect client over a scripted transport: what it sends, which keys it believes, what it makes of claims.

Providers that lie are in ``tests/conformance``.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from hypothesis import given, settings as hypothesis_settings, strategies as st
from joserfc import jws
from joserfc.jwk import RSAKey

from flask_gatehouse.settings import GOOGLE_ISSUER, ProviderKind
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Attempt
from flask_gatehouse.signin.cached import MAX_STALE, RENEWAL_COOL_DOWN
from flask_gatehouse.signin.call import Answer, Call
from flask_gatehouse.signin.errors import ProviderUnavailable, Reason, SignInRefused
from flask_gatehouse.signin.oidc import OpenIDProvider

from .scripted import ISSUER, REDIRECT_URI, Scripted, form_of, new_attempt, provider_settings, response
from .test_strict_json import VALUES

DISCOVERY = "/.well-known/openid-configuration"
KEYS = {name: RSAKey.generate_key(2048, {"kid": name}) for name in ("first", "second")}
SCRIPT = st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 500, 503]), VALUES.map(json.dumps) | st.text()


CLAIMS = ["iss", "aud", "azp", "sub", "exp", "iat", "nbf", "nonce", "at_hash", "auth_time", "events"]
PERSONAL = ["email", "email_verified", "name", "hd", "sid"]


class Provider:
    """A provider in this process, and a client of it whose clock stands still."""

    def __init__(self, issuer: str = ISSUER, **settings: Any) -> None:
        self.now = 1000.0
        self.signs_with = "first"
        self.published = ["first"]
        self.nonces: dict[str, str] = {}
        self.claims: dict[str, Any] = {"email": "ada@example.com", "email_verified": True, "name": "Ada"}
        self.document: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
        }
        self.transport = Scripted({DISCOVERY: self.document, "/jwks": self._jwks, "/token": self._tokens})
        self.issuer = issuer
        self.client = OpenIDProvider(
            provider_settings(issuer=issuer, **settings), self.transport, clock=lambda: self.now, slots=60
        )

    def _jwks(self, _: Call) -> Answer:
        keys = [KEYS[name].as_dict(private=False) for name in self.published]
        return response({"keys": keys}, Cache_Control="max-age=7200")

    def _tokens(self, request: Call) -> Answer:
        form = form_of(request)
        now = time.time()
        claims = {"iss": self.issuer, "aud": "gatehouse", "sub": "ada", "iat": now, "exp": now + 60}
        claims |= {"nonce": self.nonces[form["code"]], **self.claims}
        kid = self.signs_with
        key = KEYS.get(kid, KEYS["first"])
        id_token = jws.serialize_compact({"alg": "RS256", "kid": kid}, json.dumps(claims), key)
        return response({"access_token": "token", "token_type": "Bearer", "id_token": id_token})

    def redeem(self, attempt: Attempt | None = None) -> Assertion:
        attempt = attempt or new_attempt()
        self.nonces[attempt.state] = attempt.nonce
        return self.client.redeem(attempt, {"code": attempt.state}, REDIRECT_URI)

    def refusal(self) -> Reason:
        with pytest.raises(SignInRefused) as refused:
            self.redeem()
        return refused.value.reason


@pytest.fixture
def provider() -> Provider:
    return Provider()


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def test_the_request_says_what_it_must_and_no_more(provider: Provider) -> None:
    attempt = new_attempt()
    url = provider.client.authorization_url(attempt, REDIRECT_URI)
    assert url.startswith(f"{ISSUER}/authorize?")
    assert query_of(url) == {
        "response_type": "code",
        "client_id": "gatehouse",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid email profile",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": create_s256_code_challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }


def test_the_discovery_document_changes_nothing_about_the_request(provider: Provider) -> None:
    attempt = new_attempt()
    expected = provider.client.authorization_url(attempt, REDIRECT_URI)
    injected = Provider()
    injected.document |= {
        "scope": "everything",
        "verify": False,
        "proxies": {"https": "http://evil.example"},
        "code_challenge_method": None,
        "code_challenge_methods_supported": ["plain"],
        "response_mode": "form_post",
        "response_modes_supported": ["form_post"],
        "prompt": "none",
        "redirect_uri": "https://evil.example",
    }
    assert injected.client.authorization_url(attempt, REDIRECT_URI) == expected


@pytest.mark.parametrize(
    ("kind", "issuer", "expected"),
    [
        (ProviderKind.GOOGLE, GOOGLE_ISSUER, {"prompt": "select_account"}),
        (ProviderKind.OIDC, ISSUER, {"prompt": "login", "max_age": "0"}),
    ],
)
def test_a_fresh_proof_is_asked_for_in_the_providers_way(
    kind: ProviderKind, issuer: str, expected: dict[str, str]
) -> None:
    provider = Provider(issuer, kind=kind)
    query = query_of(provider.client.authorization_url(new_attempt(), REDIRECT_URI, fresh=True))
    assert {name: query.get(name) for name in ("prompt", "max_age") if name in query} == expected


def test_the_exchange_sends_the_verifier_and_proves_who_we_are(provider: Provider) -> None:
    attempt = new_attempt()
    provider.redeem(attempt)
    request = provider.transport.seen[1]
    assert form_of(request) == {
        "grant_type": "authorization_code",
        "code": attempt.state,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": attempt.verifier,
    }
    assert request.headers["Authorization"] == "Basic Z2F0ZWhvdXNlOnNlY3JldA=="


def test_the_secret_goes_into_the_form_where_that_is_all_the_provider_takes(provider: Provider) -> None:
    provider.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    provider.redeem()
    request = provider.transport.seen[1]
    form = form_of(request)
    assert (form["client_id"], form["client_secret"]) == ("gatehouse", "secret")
    assert "Authorization" not in request.headers


def test_everything_that_is_known_of_a_person_is_asserted(provider: Provider) -> None:
    provider.claims |= {"auth_time": 1700000000, "sid": "their-session"}
    assertion = provider.redeem()
    profile = assertion.profile
    assert (profile.provider, profile.issuer, profile.subject) == ("example", ISSUER, "ada")
    assert assertion.authenticated_at is not None
    assert assertion.authenticated_at.timestamp() == 1700000000
    assert assertion.provider_session_id == "their-session"


def test_the_organisation_of_an_account_is_for_google_alone_to_say(provider: Provider) -> None:
    """Elsewhere people or tenants choose their claims, and ``hd`` would let them in where domains decide."""
    provider.claims["hd"] = "example.com"
    assert provider.redeem().hosted_domain is None


@pytest.mark.parametrize("verified", ["true", 1, None, False])
def test_an_address_is_verified_by_json_true_alone(provider: Provider, verified: object) -> None:
    provider.claims["email_verified"] = verified
    profile = provider.redeem().profile
    assert profile.email == "ada@example.com"
    assert not profile.email_is_authoritative
    assert profile.binding_address is None


def test_what_is_no_address_counts_as_none_whatever_is_said_of_it(provider: Provider) -> None:
    assert provider.redeem().profile.binding_address == "ada@example.com"
    provider.claims["email"] = "ada@evil.example@example.com"
    profile = provider.redeem().profile
    assert (profile.email, profile.email_is_authoritative, profile.binding_address) == (None, False, None)


def test_an_address_and_its_verification_come_from_one_source(provider: Provider) -> None:
    provider.document["userinfo_endpoint"] = f"{ISSUER}/userinfo"
    provider.transport.pages["/userinfo"] = {"sub": "ada", "email_verified": True, "name": "Ada of Userinfo"}
    del provider.claims["name"]
    provider.claims["email_verified"] = False
    profile = provider.redeem().profile
    assert (profile.name, profile.email_is_authoritative) == ("Ada of Userinfo", False)
    assert provider.transport.seen[-1].headers["Authorization"] == "Bearer token"


def test_the_verification_of_another_address_verifies_nothing(provider: Provider) -> None:
    provider.document["userinfo_endpoint"] = f"{ISSUER}/userinfo"
    provider.transport.pages["/userinfo"] = {"sub": "ada", "email": "other@example.com", "email_verified": True}
    del provider.claims["name"], provider.claims["email_verified"]
    profile = provider.redeem().profile
    assert (profile.email, profile.email_is_authoritative) == ("ada@example.com", False)


def test_signing_out_there_is_offered_once_it_is_known(provider: Provider) -> None:
    end = provider.client.end_session_url
    assert end("https://app.example.com/") is None
    provider.document["end_session_endpoint"] = f"{ISSUER}/end"
    provider.redeem()
    asked = len(provider.transport.seen)
    expected = {"client_id": "gatehouse", "post_logout_redirect_uri": "https://app.example.com/"}
    assert query_of(end("https://app.example.com/") or "") == expected
    provider.now += 2 * MAX_STALE
    assert end("https://app.example.com/") is not None
    assert len(provider.transport.seen) == asked


def test_signing_out_there_keeps_the_endpoints_own_query(provider: Provider) -> None:
    provider.document["end_session_endpoint"] = f"{ISSUER}/end?policy=out"
    provider.redeem()
    assert query_of(provider.client.end_session_url("https://a.example/") or "")["policy"] == "out"


def test_signing_out_there_is_not_offered_where_it_does_not_exist(provider: Provider) -> None:
    provider.redeem()
    assert provider.client.end_session_url("https://a.example/") is None


def test_a_rotated_key_is_fetched_at_its_first_use(provider: Provider) -> None:
    provider.redeem()
    provider.published, provider.signs_with = ["first", "second"], "second"
    assert provider.redeem().profile.subject == "ada"
    assert provider.transport.calls("/jwks") == 2


def test_fifty_sign_ins_after_a_rotation_fetch_keys_once(provider: Provider) -> None:
    provider.redeem()
    provider.published, provider.signs_with = ["second"], "second"
    barrier = threading.Barrier(50)

    def sign_in(_: int) -> str:
        barrier.wait()
        return provider.redeem().profile.subject

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(sign_in, range(50))) == {"ada"}
    assert provider.transport.calls("/jwks") == 2


def test_strange_key_ids_do_not_make_us_fetch(provider: Provider) -> None:
    for number in range(100):
        provider.signs_with = f"strange {number}"
        assert provider.refusal() is Reason.ID_TOKEN_SIGNATURE
    assert provider.transport.calls("/jwks") == 2
    provider.now += RENEWAL_COOL_DOWN
    assert provider.refusal() is Reason.ID_TOKEN_SIGNATURE
    assert provider.transport.calls("/jwks") == 3


def test_a_withdrawn_key_is_not_believed_after_its_time(provider: Provider) -> None:
    provider.redeem()
    provider.published = ["second"]
    provider.redeem()
    provider.now += 7200
    assert provider.refusal() is Reason.ID_TOKEN_SIGNATURE


def test_known_keys_serve_while_the_provider_cannot_say_more(provider: Provider) -> None:
    provider.redeem()
    provider.transport.pages["/jwks"] = response({}, 500)
    provider.now += 7200
    provider.redeem()
    provider.signs_with = "second"
    with pytest.raises(ProviderUnavailable):
        provider.redeem()
    provider.signs_with = "first"
    provider.transport.pages[DISCOVERY] = provider.document
    provider.now += MAX_STALE
    with pytest.raises(ProviderUnavailable):
        provider.redeem()


def test_documents_are_fetched_again_after_an_hour(provider: Provider) -> None:
    provider.redeem()
    provider.now += 3599
    provider.redeem()
    assert provider.transport.calls(DISCOVERY) == 1
    provider.now += 1
    provider.transport.pages[DISCOVERY] = response(b"<h1>maintenance</h1>")
    provider.redeem()
    assert provider.transport.calls(DISCOVERY) == 2


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.fixed_dictionaries({path: st.tuples(*SCRIPT) for path in (DISCOVERY, "/jwks", "/token")}), st.booleans())
def test_no_answer_makes_anything_else_escape(script: dict[str, tuple[int, str]], truthful: bool) -> None:
    provider = Provider()
    for path, (status, body) in script.items():
        if not (truthful and path == DISCOVERY):
            provider.transport.pages[path] = lambda _, status=status, body=body: response(
                body.encode("utf-8", "replace"), status
            )
    with pytest.raises((SignInRefused, ProviderUnavailable)):
        provider.redeem()


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(CLAIMS + PERSONAL), VALUES))
def test_no_claim_makes_anything_else_escape(claims: dict[str, Any]) -> None:
    provider = Provider()
    provider.claims |= claims
    try:
        assertion = provider.redeem()
    except SignInRefused:
        return
    assert assertion.profile.subject
    assert assertion.profile.email is None or "@" in assertion.profile.email


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["access_token", "token_type", "id_token", "expires_in", "error"]), VALUES),
    st.dictionaries(st.sampled_from(["code", "error", "iss"]), st.text()),
)
def test_no_token_answer_or_callback_makes_anything_else_escape(tokens: dict[str, Any], answer: dict[str, str]) -> None:
    provider = Provider()
    good = {"access_token": "token", "token_type": "Bearer", "id_token": "a.b.c"}
    provider.transport.pages["/token"] = good | tokens
    with pytest.raises(SignInRefused):
        provider.client.redeem(new_attempt(), {"code": "code"} | answer, REDIRECT_URI)
