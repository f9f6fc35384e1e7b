"""Two of the standalone application below one host, each at a path of its own: ``__Host-`` cookies know no paths."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_gatehouse.app import create_app
from flask_gatehouse.db.migrate import upgrade
from flask_gatehouse.testing import SignedIn, sign_in_as
from tests.web.conftest import development, state_of

BASE = "https://app.example.com"


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[dict[str, Flask]]:
    made = {}
    for root in ("/a", "/b"):
        url = f"sqlite:///{tmp_path / root[1:]}.db"
        settings = development(url, GATEHOUSE_ENV="production", GATEHOUSE_BASE_URL=BASE, APPLICATION_ROOT=root)
        made[root] = create_app(settings)
        upgrade(state_of(made[root]).database.engine)
    yield made
    for app in made.values():
        state_of(app).database.engine.dispose()


def signed_in_at_both(apps: dict[str, Flask]) -> tuple[Client, dict[str, SignedIn]]:
    """Return one browser with a session in each."""
    browser, people = Client(DispatcherMiddleware(NotFound(), apps)), {}
    for root, app in apps.items():
        own = app.test_client()
        people[root] = sign_in_as(own)
        cookie = own.get_cookie(state_of(app).session_cookie)
        assert cookie is not None
        browser.set_cookie(cookie.key, cookie.value, domain="app.example.com", path="/", secure=True)
    return browser, people


def test_they_share_no_cookie(apps: dict[str, Flask]) -> None:
    first, second = (state_of(app) for app in apps.values())
    for name, other in ((first.session_cookie, second.session_cookie), (first.attempt_cookie, second.attempt_cookie)):
        assert name.startswith("__Host-gatehouse-")
        assert name != other
    assert len({app.config["SESSION_COOKIE_NAME"] for app in apps.values()}) == 2


def test_signing_out_of_one_leaves_the_other(apps: dict[str, Flask]) -> None:
    browser, people = signed_in_at_both(apps)
    assert [browser.get(f"{root}/dashboard", base_url=BASE).status_code for root in apps] == [200, 200]
    browser.post("/a/auth/logout", headers=people["/a"].headers, base_url=BASE)
    assert [browser.get(f"{root}/dashboard", base_url=BASE).status_code for root in apps] == [302, 200]


def test_a_greeting_arrives_where_it_was_meant(apps: dict[str, Flask]) -> None:
    browser, people = signed_in_at_both(apps)
    done = browser.post("/a/account/sessions/others", headers=people["/a"].headers, base_url=BASE)
    (cookie,) = done.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"{state_of(apps['/a']).session_cookie}-notices=")
    # A browser drops a __Host- cookie that lacks one of these, or has another path.
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    said = "No other session was open."
    assert said not in browser.get("/b/account", base_url=BASE).text
    assert said in browser.get("/a/account", base_url=BASE).text
    assert said not in browser.get("/a/account", base_url=BASE).text


def test_without_a_path_the_names_are_the_plain_ones(production_app: Flask) -> None:
    assert state_of(production_app).session_cookie == "__Host-gatehouse"
