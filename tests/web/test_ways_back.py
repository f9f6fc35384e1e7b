"""Where a person is led after the gate, and where she can try again: the page that she wanted, to the letter."""

import random
import re
import string
from collections.abc import Sequence
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_gatehouse.app import create_app
from flask_gatehouse.signin.attempt import MOST_AT_ONCE
from flask_gatehouse.signin.errors import ProviderUnavailable
from flask_gatehouse.testing import sign_in_as, sign_in_through_provider
from flask_gatehouse.web.way_back import LONGEST
from tests.web.conftest import development, running, state_of
from tests.web.test_answers import HTMX

# A browser sends what a person has: half of the header in which servers often take 8,190 bytes stays free.
LARGEST_COOKIE = 1400


def chance(alphabet: Sequence[str], length: int) -> str:
    """Return a path that no compression makes shorter: what is signed is compressed first."""
    return "/" + "".join(random.Random(6).choices(alphabet, k=length))


LATIN = string.ascii_letters + string.digits
CHINESE = [chr(number) for number in range(0x4E00, 0x9000)]
ENCODED = [f"%{number:02X}" for number in range(0x61, 0x7B)]


def next_of(url: str) -> str | None:
    return parse_qs(urlsplit(url).query).get("next", [None])[0]


def link_of(page: TestResponse, words: str) -> str | None:
    """Return where the page's own link leads that says these words."""
    links = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', page.text.partition("<main")[2], re.DOTALL)
    return next((unescape(url) for url, text in links if words in text), None)


def attempt_cookies(answer: TestResponse) -> list[str]:
    return [cookie for cookie in answer.headers.getlist("Set-Cookie") if "-attempt-" in cookie.partition("=")[0]]


@pytest.mark.parametrize(
    "path",
    ["/n/a%20b", "/n/a%3Fb=1", "/n/a%2523b", "/n/a%23b", "/n/caf%C3%A9?q=a%20b&c=%26", "/n/a;b@c,d=e", "/n/%22%3C%3E"],
)
def test_the_way_back_is_kept_to_the_letter(app: Flask, client: FlaskClient, path: str) -> None:
    app.add_url_rule("/n/<path:rest>", view_func=app.view_functions["gatehouse.account"], endpoint="gatehouse.n")
    sent = client.get(path)
    assert sent.status_code == 302
    assert next_of(sent.location) == path
    wanted = next_of(sent.location)
    assert wanted is not None
    assert sign_in_through_provider(client, email="ada@example.com", name="Ada", next=wanted) == path


@pytest.mark.parametrize(
    "path",
    [chance(LATIN, LONGEST), chance(CHINESE, 1333), chance(CHINESE, LONGEST // 9 + 1), "/?q=" + LATIN * 10],
    ids=["latin", "chinese", "a little chinese", "query"],
)
def test_a_way_back_that_is_too_long_is_left_out(client: FlaskClient, path: str) -> None:
    assert client.get("/auth/session", headers={**HTMX, "HX-Current-URL": path}).headers["HX-Redirect"] == "/auth/login"
    assert "next=" not in client.get("/auth/login", query_string={"next": path}).text
    begun = client.get("/auth/login/dev", query_string={"next": path})
    (cookie,) = attempt_cookies(begun)
    assert len(cookie) < LARGEST_COOKIE


@pytest.mark.parametrize(
    "path",
    [chance(LATIN, LONGEST - 1), chance(CHINESE, (LONGEST - 1) // 9), chance(ENCODED, (LONGEST - 1) // 5)],
    ids=["latin", "chinese", "encoded"],
)
def test_the_longest_way_back_leaves_room_for_all_attempts(client: FlaskClient, path: str) -> None:
    for _ in range(MOST_AT_ONCE):
        (cookie,) = attempt_cookies(client.get("/auth/login/dev", query_string={"next": path}))
        assert len(cookie) < LARGEST_COOKIE
    page = client.get("/auth/login", query_string={"next": path})
    assert next_of(link_of(page, "Sign in with") or "") == path


@pytest.mark.parametrize(
    "path", ["/auth/login", "/auth/logout", "/auth/confirm?next=/x", "/auth/authorize/dev?state=x"]
)
def test_no_way_back_leads_into_the_gate(client: FlaskClient, path: str) -> None:
    assert "next=" not in client.get("/auth/login", query_string={"next": path}).text
    # Whoever was signed out while she looked at such a page.
    told = client.get("/account", headers={**HTMX, "HX-Current-URL": f"http://localhost{path}"})
    assert told.headers["HX-Redirect"] == "/auth/login"
    assert sign_in_through_provider(client, email="ada@example.com", name="Ada", next=path) == "/dashboard"


@pytest.mark.parametrize("query", ["", "?next=/account?tab%3D1%26x", "?next=/caf%C3%A9", "?next=%FF"])
def test_a_sign_in_at_another_name_of_this_machine_begins_at_the_one_that_counts(
    client: FlaskClient, query: str
) -> None:
    led = client.get(f"/auth/login/dev{query}", base_url="http://127.0.0.1")
    assert (led.status_code, led.location) == (302, f"http://localhost/auth/login/dev{query}")


def test_a_query_of_no_encoding_begins_there_too(client: FlaskClient) -> None:
    led = client.get("/auth/login/dev", base_url="http://127.0.0.1", environ_overrides={"QUERY_STRING": "next=\xff"})
    assert (led.status_code, led.location) == (302, "http://localhost/auth/login/dev?next=%C3%BF")


def test_behind_a_tunnel_that_encrypts_a_sign_in_does_not_lead_to_itself(sqlite_url: str) -> None:
    github = {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "secret"}
    config = development(sqlite_url, GATEHOUSE_BASE_URL="https://tunnel.example.com", **github)
    for app in running(create_app(config)):
        begun = app.test_client().get("/auth/login/github", base_url="http://tunnel.example.com")
        assert begun.location.startswith("https://github.com/login/oauth/authorize?")
        assert attempt_cookies(begun)


def test_asking_for_a_page_of_the_gate_leads_to_it_without_a_way_back(client: FlaskClient) -> None:
    assert client.get("/auth/logout").location == "/auth/login"


def answered(client: FlaskClient, path: str, *, code: str = "x") -> TestResponse:
    """Begin a round trip there and bring an answer of the provider's, whose code nobody has given."""
    begun = client.get(path)
    state = parse_qs(urlsplit(begun.location).query)["state"][0]
    return client.get("/auth/authorize/dev", query_string={"state": state, "code": code})


def test_a_refused_sign_in_begins_again_on_the_way_to_the_same_page(client: FlaskClient) -> None:
    refused = answered(client, "/auth/login/dev?next=/account?tab=1%26x")
    assert refused.status_code == 400
    assert link_of(refused, "Try again") == "/auth/login?next=/account?tab%3D1%26x"


def test_a_refused_confirmation_begins_again_as_one(client: FlaskClient) -> None:
    sign_in_through_provider(client, email="ada@example.com", name="Ada")
    refused = answered(client, "/auth/confirm?next=/account")
    assert refused.status_code == 400
    assert link_of(refused, "Try again") == "/auth/confirm?next=/account"


@pytest.mark.parametrize("purpose", ["login/dev", "confirm"])
def test_so_does_one_whose_provider_does_not_answer(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    sign_in_through_provider(client, email="ada@example.com", name="Ada")

    def redeem(*_: object) -> None:
        raise ProviderUnavailable("dev")

    provider = state_of(app).providers["dev"]
    monkeypatch.setattr(type(provider), "redeem", redeem)
    failed = answered(client, f"/auth/{purpose}?next=/account")
    assert failed.status_code == 503
    assert link_of(failed, "Try again") == f"/auth/{purpose.removesuffix('/dev')}?next=/account"


def test_an_answer_that_belongs_to_nothing_leads_to_the_sign_in_page(client: FlaskClient) -> None:
    assert link_of(client.get("/auth/authorize/dev?state=x&code=y"), "Try again") == "/auth/login"


@pytest.mark.parametrize(
    ("referer", "link"),
    [
        ("http://localhost/account?tab=1", "/account?tab=1"),
        ("http://localhost//evil.example", None),
        ("http://[", None),
        (None, None),
    ],
)
def test_a_form_without_its_token_leads_back_to_its_page(
    client: FlaskClient, referer: str | None, link: str | None
) -> None:
    sign_in_as(client)
    refused = client.post("/account/sessions/others", headers={"Referer": referer} if referer else {})
    assert refused.status_code == 400
    assert "/account/sessions/others" not in refused.text
    assert link_of(refused, "Try again") == link
