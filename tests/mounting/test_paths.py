"""Where people land, and which addresses are said where: under a prefix, and under a server's own."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, request
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from flask_gatehouse import Role
from flask_gatehouse.testing import attach_provider, sign_in_as, sign_in_through_provider
from tests.actions import Action, actions_of
from tests.mounting.hosts import HTMX, JSON, host, state_of


@pytest.fixture(params=["/gate", "/door"])
def app(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Flask]:
    with host(sqlite_url, prefix=request.param) as app:
        attach_provider(app)
        yield app


def prefix_of(app: Flask) -> str:
    return state_of(app).settings.url_prefix


@pytest.mark.parametrize(
    ("wanted", "landed"),
    [
        ("/mine?page=2", "/mine?page=2"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("{gate}/account", "{gate}/account"),
        ("{gate}/auth/login", "/"),
        ("{gate}/auth/login?next=/mine", "/"),
        ("{gate}/auth/logout", "/"),
        ("{gate}/auth/authorize/dev", "/"),
        ("{gate}/auth/login/dev", "/"),
        ("/auth/login", "/auth/login"),
    ],
)
def test_people_land_where_they_were_going(app: Flask, wanted: str, landed: str) -> None:
    wanted, landed = (text.replace("{gate}", prefix_of(app)) for text in (wanted, landed))
    client = app.test_client()
    assert sign_in_through_provider(client, email="ada@example.com", name="Ada", next=wanted) == landed
    # Whoever is signed in already is sent on at once.
    assert client.get(f"{prefix_of(app)}/auth/login", query_string={"next": wanted}).location == landed


def test_the_provider_is_told_the_whole_address(app: Flask) -> None:
    location = app.test_client().get(f"{prefix_of(app)}/auth/login/dev").location
    (redirect_uri,) = parse_qs(urlsplit(location).query)["redirect_uri"]
    assert redirect_uri == f"http://localhost{prefix_of(app)}/auth/authorize/dev"
    assert redirect_uri == state_of(app).settings.external_url("/auth/authorize/dev")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_prefix_alone_leads_where_the_standalone_applications_root_leads(app: Flask, slash: str) -> None:
    client = app.test_client()
    answer = client.get(prefix_of(app) + slash, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, f"{prefix_of(app)}/auth/login")
    sign_in_as(client)
    answer = client.get(prefix_of(app) + slash, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, f"{prefix_of(app)}/dashboard")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_prefix_leads_nowhere_that_a_caller_has_named(app: Flask, slash: str) -> None:
    answer = app.test_client().get(prefix_of(app) + slash, headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.location) == (302, f"{prefix_of(app)}/auth/login")
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_a_host_adds_to_addresses_for_one_caller_reaches_no_other(app: Flask) -> None:
    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        values["who"] = request.headers.get("X-Who", "nobody")

    client = app.test_client()
    sign_in_as(client)
    for visitor, path in ((app.test_client(), "/auth/login"), (client, "/dashboard")):
        pages = [visitor.get(f"{prefix_of(app)}{path}", headers={"X-Who": who}).text for who in ("ada", "bob")]
        assert "who=ada" in pages[0]
        assert "who=ada" not in pages[1]


PAGES = (
    "/dashboard",
    "/users",
    "/users/{other}",
    "/users/{other}/edit",
    "/users/{other}/activity",
    "/users/invitations",
    "/account",
    "/account/activity",
    "/account/delete",
    "/admin/access-review",
    "/admin/audit-logs",
    "/auth/logout",
)


@pytest.fixture
def saying_who(app: Flask) -> Flask:
    """Return an application of a host that adds ``who`` to every address."""

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        values["who"] = "ada"

    return app


def test_all_can_be_done_where_a_host_adds_to_all_addresses(saying_who: Flask) -> None:
    client, gate = saying_who.test_client(), prefix_of(saying_who)
    root = sign_in_as(client, Role.ADMIN, email="root@example.com")
    other = sign_in_as(saying_who.test_client(), email="other@example.com")
    invited = {"email": "new@example.com", "role": "viewer"}
    assert client.post(f"{gate}/users/invitations?who=ada", data=invited, headers=root.headers).status_code == 200
    found: dict[tuple[str, str], Action] = {}
    for page in PAGES:
        path = gate + page.format(other=other.user_id)
        for headers in ({}, HTMX):
            shown = client.get(f"{path}?who=ada", headers=headers)
            assert shown.status_code == 200
            found |= {(one.method, one.address): one for one in actions_of(shown.text, f"{path}?who=ada")}
    changes = {(method, urlsplit(address).path.removeprefix(gate)) for method, address in found}
    assert {("POST", "/auth/logout"), ("DELETE", "/users/invitations"), ("PUT", f"/users/{other.user_id}")} <= changes
    # Whoever has left can do nothing more.
    for one in sorted(found.values(), key=lambda one: "logout" in one.address):
        # The host has added to it, once, and as its only question mark.
        assert one.address.count("?") == one.address.count("who=ada") == 1, one
        data = dict(one.fields) if one.method in {"POST", "PUT"} else None
        answer = client.open(one.address, method=one.method, data=data, headers=root.headers | HTMX)
        assert "called who" not in answer.text, one
        assert answer.status_code not in {400, 401, 405, 415}, one


def test_what_is_changed_where_a_host_adds_to_all_addresses_is_changed(saying_who: Flask) -> None:
    client, gate = saying_who.test_client(), prefix_of(saying_who)
    root = sign_in_as(client, Role.ADMIN, email="root@example.com")
    other = f"{gate}/users/{sign_in_as(saying_who.test_client(), email='other@example.com').user_id}"

    def status(method: str, path: str, **data: str) -> int:
        answer = client.open(path, method=method, query_string={"who": "ada"}, data=data, headers=root.headers | HTMX)
        return answer.status_code

    assert status("PUT", other, name="Else", role="viewer", version="1") == 200
    assert status("POST", f"{other}/toggle-active", is_active="false") == 200
    assert status("DELETE", other) == 200
    assert status("GET", other) == 404
    # What it has not added is refused as anywhere.
    asked = client.delete(f"{other}?who=ada&dry_run=1", headers=root.headers | JSON)
    assert asked.get_json()["fields"] == {"dry_run": "There is no such field."}
    assert status("POST", f"{gate}/auth/session") == 200
    assert status("POST", f"{gate}/auth/logout") == 200
    assert client.get(f"{gate}/account", headers=JSON).status_code == 401


@pytest.mark.parametrize("wanted", ["/auth/logout", "/auth/confirm?next=/mine", "/auth/login/dev", "/auth/login"])
def test_nobody_is_led_into_the_gate_where_a_host_adds_to_all_addresses(saying_who: Flask, wanted: str) -> None:
    client, gate = saying_who.test_client(), prefix_of(saying_who)
    sign_in_as(client)
    answer = client.get(f"{gate}/auth/login", query_string={"next": gate + wanted, "who": "ada"})
    assert urlsplit(answer.location).path == "/"


def test_whoever_must_sign_in_comes_back_where_a_host_adds_to_all_addresses(saying_who: Flask) -> None:
    client, gate = saying_who.test_client(), prefix_of(saying_who)
    page = f"{gate}/users?q=a&who=ada"
    shown = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{page}"}
    for address in (client.get(page).location, client.get(page, headers=shown).headers["HX-Redirect"]):
        assert parse_qs(urlsplit(address).query) == {"who": ["ada"], "next": [page]}
    # A failure of the page for signing in offers that page again, not the one before.
    refused = client.get(f"{gate}/auth/login/nobody?who=ada")
    assert (refused.status_code, f'href="{gate}/auth/login?who=ada"' in refused.text) == (404, True)


def test_no_header_moves_an_address(app: Flask) -> None:
    location = app.test_client().get(f"{prefix_of(app)}/auth/login/dev", headers={"X-Forwarded-Host": "evil"}).location
    assert "evil" not in location


def below(app: Flask, how: str) -> Any:
    """Return the application as a server serves it that has mounted it at ``/site``."""
    if how == "dispatcher":
        return DispatcherMiddleware(NotFound(), {"/site": app})
    return ProxyFix(app, x_for=0, x_proto=0, x_host=0, x_prefix=1)


@pytest.mark.parametrize(
    ("how", "path", "headers"),
    [
        ("dispatcher", "/site", {}),
        ("proxy", "", {"X-Forwarded-Prefix": "/site"}),
    ],
)
def test_a_server_that_mounts_it_agrees(sqlite_url: str, how: str, path: str, headers: dict[str, str]) -> None:
    with host(sqlite_url, APPLICATION_ROOT="/site") as app:
        attach_provider(app)
        browser = Client(below(app, how))
        answer = browser.get(f"{path}/mine", headers=headers)
        assert answer.headers["Location"] == "/site/gate/auth/login?next=%2Fsite%2Fmine"
        started = browser.get(f"{path}/gate/auth/login/dev", headers=headers)
        (redirect_uri,) = parse_qs(urlsplit(started.headers["Location"]).query)["redirect_uri"]
        assert redirect_uri == state_of(app).settings.external_url("/auth/authorize/dev")
        assert redirect_uri == "http://localhost/site/gate/auth/authorize/dev"


def test_a_host_below_a_path_of_its_server(sqlite_url: str) -> None:
    with host(sqlite_url, APPLICATION_ROOT="/site") as app:
        attach_provider(app)
        # The test client puts the application's root before each path, as a server would.
        client = app.test_client()
        asked = client.get("/mine?page=2")
        assert asked.location == "/site/gate/auth/login?next=%2Fsite%2Fmine%3Fpage%3D2"
        page = client.get("/gate/auth/login", query_string={"next": "/site/mine"})
        assert 'href="/site/gate/auth/login/dev?next=/site/mine"' in page.text
        assert 'href="/site/gate/static/gatehouse/gatehouse.css?v=' in page.text
        started = client.get("/gate/auth/login/dev", query_string={"next": "/site/mine"})
        (redirect_uri,) = parse_qs(urlsplit(started.location).query)["redirect_uri"]
        assert redirect_uri == "http://localhost/site/gate/auth/authorize/dev"
        assert started.location.startswith("http://localhost/site/gate/dev/provider/authorize?")
        elsewhere = client.get("/gate/auth/login/dev?next=/site/mine", base_url="http://127.0.0.1/site")
        assert elsewhere.location == "http://localhost/site/gate/auth/login/dev?next=/site/mine"


@pytest.mark.parametrize(
    ("wanted", "landed"), [("/site/mine", "/site/mine"), ("", "/site/"), ("/site/gate/auth/login", "/site/")]
)
def test_people_below_a_path_land_there_too(sqlite_url: str, wanted: str, landed: str) -> None:
    with host(sqlite_url, APPLICATION_ROOT="/site") as app:
        attach_provider(app)
        client = app.test_client()
        assert sign_in_through_provider(client, email="ada@example.com", name="Ada", next=wanted) == landed
        assert client.get("/gate/auth/login", query_string={"next": wanted}).location == landed


def test_answers_below_a_path_know_it(sqlite_url: str) -> None:
    with host(sqlite_url, APPLICATION_ROOT="/site/") as app:
        client = app.test_client()
        current = {"HX-Current-URL": "http://localhost/site/list"}
        redirected = client.get("/mine", headers=HTMX | current).headers["HX-Redirect"]
        assert redirected == "/site/gate/auth/login?next=%2Fsite%2Flist"
        who = sign_in_as(client)
        assert 'href="/site/"' in client.get("/gate/auth/logout").text
        assert client.post("/gate/auth/logout", headers=who.headers).location.startswith("/site/gate/auth/login?")
