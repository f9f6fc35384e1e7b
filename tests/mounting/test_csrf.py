"""Changes: a host with Flask-WTF's protection, before or after ours, and a host without it."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect

from flask_gatehouse import Gatehouse, login_required
from flask_gatehouse.testing import attach_provider, sign_in_as, sign_in_through_provider
from tests.mounting.hosts import HTMX, bare, host, state_of, with_pages

FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture(params=["before", "after"])
def protected(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Flask]:
    """A host with Flask-WTF's protection, which was switched on before or after the gate came."""
    app = bare(sqlite_url)
    protection = CSRFProtect(app) if request.param == "before" else CSRFProtect()
    Gatehouse(app)
    if request.param == "after":
        protection.init_app(app)
    attach_provider(app)
    with_pages(app)

    @app.post("/hook")
    @protection.exempt
    def hook() -> ResponseReturnValue:
        return "hooked"

    @app.post("/exempt")
    @protection.exempt
    @login_required
    def exempt() -> ResponseReturnValue:
        return "changed"

    yield app
    state_of(app).database.engine.dispose()


def token_of(client: FlaskClient, path: str) -> str:
    found = FIELD.search(client.get(path).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("page", ["/form", "/gate/account", "/gate/auth/logout"])
@pytest.mark.parametrize("how", ["field", "header"])
def test_a_token_of_any_page_is_accepted_everywhere(protected: Flask, page: str, how: str) -> None:
    client = protected.test_client()
    sign_in_as(client)
    token = token_of(client, page)
    sent = {"data": {"csrf_token": token}} if how == "field" else {"headers": {"X-CSRFToken": token}}
    for path in ("/plain", "/change", "/exempt"):
        assert client.post(path, **sent).status_code == 200  # type: ignore[arg-type]
    assert client.post("/gate/account/sessions/others", **sent).status_code == 303  # type: ignore[arg-type]
    assert client.post("/gate/auth/logout", **sent).location.startswith("/gate/auth/login")  # type: ignore[arg-type]
    assert client.get("/mine").status_code == 302


def test_the_token_of_a_page_is_where_scripts_look(protected: Flask) -> None:
    client = protected.test_client()
    sign_in_as(client)
    meta = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/gate/dashboard").text)
    assert meta is not None
    assert client.post("/gate/auth/session", headers={"X-CSRFToken": meta[1], **HTMX}).status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_a_wrong_token_is_refused_by_both(protected: Flask, token: str | None) -> None:
    client = protected.test_client()
    sign_in_as(client)
    token_of(client, "/form")
    for path in ("/plain", "/change", "/exempt", "/gate/auth/logout"):
        assert client.post(path, data={"csrf_token": token} if token is not None else {}).status_code == 400
    assert client.get("/mine").status_code == 200
    assert client.post("/hook").status_code == 200


def test_our_refusal_in_such_a_host_is_our_answer(protected: Flask) -> None:
    client = protected.test_client()
    sign_in_as(client)
    assert "Bad request" in client.post("/gate/auth/logout").text
    assert "hx-swap-oob" in client.post("/gate/auth/logout", headers=HTMX).text


def test_the_token_of_somebody_else_is_refused(protected: Flask) -> None:
    ada, mallory = protected.test_client(), protected.test_client()
    sign_in_as(ada, email="ada@example.com")
    sign_in_as(mallory, email="mallory@example.com")
    stolen = token_of(mallory, "/form")
    token_of(ada, "/form")
    for path in ("/plain", "/change", "/exempt", "/gate/auth/logout"):
        assert ada.post(path, data={"csrf_token": stolen}).status_code == 400


def test_a_hosts_tests_get_a_token_that_such_a_host_accepts(protected: Flask) -> None:
    first, second = protected.test_client(), protected.test_client()
    with protected.app_context():
        for client, address in ((first, "ada@example.com"), (second, "bob@example.com")):
            who = sign_in_as(client, email=address)
            for path in ("/plain", "/change", "/exempt"):
                assert client.post(path, headers=who.headers).status_code == 200
                assert client.post(path, data={"csrf_token": who.csrf_token}).status_code == 200


def test_people_sign_in_through_such_a_host(protected: Flask) -> None:
    client = protected.test_client()
    assert sign_in_through_provider(client, email="ada@example.com", name="Ada", next="/mine") == "/mine"
    assert client.get("/mine").text == "ada@example.com"


def test_a_method_that_such_a_host_does_not_protect_is_protected_by_us(sqlite_url: str) -> None:
    app = bare(sqlite_url, WTF_CSRF_METHODS=["POST"])
    CSRFProtect(app)
    Gatehouse(app)

    @app.delete("/change")
    @login_required
    def remove() -> ResponseReturnValue:
        return "removed"

    client, other = app.test_client(), app.test_client()
    who, elsewhere = sign_in_as(client), sign_in_as(other)
    assert client.post("/gate/auth/session", headers=who.headers).status_code == 200
    for path in ("/change", f"/gate/account/sessions/{elsewhere.session_id}"):
        assert client.delete(path).status_code == 400
        assert client.delete(path, headers={"X-CSRFToken": "wrong"}).status_code == 400
    assert other.get("/gate/account").status_code == 200
    state_of(app).database.engine.dispose()


def test_switched_off_for_a_hosts_tests_ours_stays_on(sqlite_url: str) -> None:
    app = bare(sqlite_url, WTF_CSRF_ENABLED=False)
    CSRFProtect(app)
    Gatehouse(app)
    with_pages(app)
    client = app.test_client()
    who = sign_in_as(client)
    assert client.post("/plain").status_code == 200
    assert client.post("/change").status_code == 400
    assert client.post("/change", headers=who.headers).status_code == 200
    state_of(app).database.engine.dispose()


def test_without_it_our_token_is_in_the_hosts_templates(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        client = app.test_client()
        who = sign_in_as(client)
        token = token_of(client, "/form")
        for given in (token, who.csrf_token):
            assert client.post("/change", data={"csrf_token": given}).status_code == 200
            assert client.post("/change", headers={"X-CSRFToken": given}).status_code == 200
        for refused in ({}, {"csrf_token": ""}, {"csrf_token": "wrong"}, {"csrf_token": token[:-1]}):
            assert client.post("/change", data=refused).status_code == 400


def test_without_it_views_that_are_not_ours_stay_as_they_are(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        client = app.test_client()
        assert client.post("/plain").text == "changed"
        sign_in_as(client)
        assert client.post("/plain", headers={"Origin": "https://elsewhere.example"}).text == "changed"


def test_a_page_without_a_person_has_an_empty_token_and_no_cookie(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        app.add_url_rule("/open", view_func=lambda: render_template_string("<{{ csrf_token() }}>"), endpoint="open")
        answer = app.test_client().get("/open")
        assert answer.text == "<>"
        assert "Set-Cookie" not in answer.headers


def test_a_global_of_the_hosts_own_is_left_alone(sqlite_url: str) -> None:
    app = bare(sqlite_url)
    app.jinja_env.globals["csrf_token"] = lambda: "another"
    Gatehouse(app)
    with_pages(app)
    client = app.test_client()
    sign_in_as(client)
    assert token_of(client, "/form") == "another"
    # Our own pages need one that we accept.
    token = token_of(client, "/gate/account")
    assert client.post("/gate/account/sessions/others", data={"csrf_token": token}).status_code == 303
    state_of(app).database.engine.dispose()
