"""Our client against a certified provider: nothing that is right may be refused."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.settings import ProviderKind, ProviderSettings
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Attempt, Purpose, begin_attempt
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.oidc import OpenIDProvider
from tests.panva import PATIENCE, Panva, running_panva, sign_in_at_panva

REDIRECT_URI = "http://127.0.0.1:1/auth/authorize/panva"
AFTER_LOGOUT = "http://127.0.0.1:1/auth/login"


@pytest.fixture(scope="module")
def panva() -> Iterator[Panva]:
    with running_panva([REDIRECT_URI], post_logout_redirect_uris=[AFTER_LOGOUT]) as provider:
        yield provider


@pytest.fixture
def client(panva: Panva) -> OpenIDProvider:
    return relying_party(panva)


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def relying_party(panva: Panva) -> OpenIDProvider:
    return OpenIDProvider(
        ProviderSettings(
            name="panva",
            kind=ProviderKind.OIDC,
            issuer=panva.issuer,
            client_id=panva.client_id,
            client_secret=Secret(panva.client_secret),
            label="Panva",
            email_domains=frozenset({"example.com"}),
        )
    )


def new_attempt() -> Attempt:
    return begin_attempt("panva", next=None, purpose=Purpose.SIGN_IN, session_id=None)


def answer_of(callback: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(callback).query))


def sign_in(client: OpenIDProvider, browser: requests.Session, name: str, *, fresh: bool = False) -> Assertion:
    attempt = new_attempt()
    callback = sign_in_at_panva(browser, client.authorization_url(attempt, REDIRECT_URI, fresh=fresh), name)
    return client.redeem(attempt, answer_of(callback), REDIRECT_URI)


def test_a_person_signs_in(client: OpenIDProvider, browser: requests.Session, panva: Panva) -> None:
    profile = sign_in(client, browser, "ada").profile
    assert (profile.issuer, profile.subject) == (panva.issuer, "ada")
    assert (profile.name, profile.email, profile.email_is_authoritative) == ("ada of Panva", "ada@example.com", True)


def test_a_confirmation_says_when_she_proved_herself(client: OpenIDProvider, browser: requests.Session) -> None:
    sign_in(client, browser, "ada")
    began = utc_now()
    confirmed = sign_in(client, browser, "ada", fresh=True)
    assert confirmed.authenticated_at is not None
    # It says so in whole seconds.
    assert began - timedelta(seconds=1) < confirmed.authenticated_at <= utc_now()


def test_denying_is_told_from_failing(client: OpenIDProvider, browser: requests.Session, panva: Panva) -> None:
    attempt = new_attempt()
    page = browser.get(client.authorization_url(attempt, REDIRECT_URI), timeout=PATIENCE)
    aborted = browser.get(f"{page.url}/abort", timeout=PATIENCE, allow_redirects=False)
    resumed = browser.get(aborted.headers["Location"], timeout=PATIENCE, allow_redirects=False)
    with pytest.raises(SignInRefused) as refused:
        client.redeem(attempt, answer_of(resumed.headers["Location"]), REDIRECT_URI)
    assert refused.value.reason is Reason.PROVIDER_DENIED


def test_a_code_works_once_and_only_with_its_verifier(client: OpenIDProvider, browser: requests.Session) -> None:
    attempt = new_attempt()
    answer = answer_of(sign_in_at_panva(browser, client.authorization_url(attempt, REDIRECT_URI), "ada"))
    with pytest.raises(SignInRefused) as refused:
        client.redeem(new_attempt(), answer, REDIRECT_URI)
    assert refused.value.reason is Reason.PROVIDER_ERROR
    assert client.redeem(attempt, answer, REDIRECT_URI).profile.subject == "ada"
    with pytest.raises(SignInRefused) as refused:
        client.redeem(attempt, answer, REDIRECT_URI)
    assert refused.value.reason is Reason.PROVIDER_ERROR


def test_its_answer_must_name_it(client: OpenIDProvider, browser: requests.Session) -> None:
    attempt = new_attempt()
    answer = answer_of(sign_in_at_panva(browser, client.authorization_url(attempt, REDIRECT_URI), "ada"))
    del answer["iss"]
    with pytest.raises(SignInRefused) as refused:
        client.redeem(attempt, answer, REDIRECT_URI)
    assert refused.value.reason is Reason.ISSUER_MISMATCH


def test_signing_out_there_leads_back(client: OpenIDProvider, browser: requests.Session) -> None:
    assert client.end_session_url(AFTER_LOGOUT) is None
    sign_in(client, browser, "ada")
    url = client.end_session_url(AFTER_LOGOUT)
    assert url is not None
    assert sign_in_at_panva(browser, url, "ada") == AFTER_LOGOUT
    assert sign_in(client, browser, "grace").profile.subject == "grace"


@pytest.mark.parametrize(
    "options", [{"auth_method": "client_secret_post"}, {"claims_in": "userinfo"}], ids=["secret_post", "userinfo"]
)
def test_other_ways_of_the_same_provider(options: dict[str, str], browser: requests.Session) -> None:
    with running_panva([REDIRECT_URI], **options) as panva:  # type: ignore[arg-type]
        assert sign_in(relying_party(panva), browser, "grace").profile.email == "grace@example.com"
