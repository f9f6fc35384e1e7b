"""Code that knows Flask-Login's words: they mean our session where the host has no manager of its own."""

import flask_login
import pytest
from flask import Flask, render_template_string
from flask.typing import ResponseReturnValue

from flask_gatehouse import Gatehouse, current_user, login_required
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import HTMX, JSON, bare, host, state_of, with_pages


class Member(flask_login.UserMixin):
    """A person as a host knows her that has had sign-in of its own for years."""

    id = "7"
    email = "member@host.example"


def with_words(app: Flask) -> Flask:
    @app.get("/known")
    @flask_login.login_required
    def known() -> ResponseReturnValue:
        return str(flask_login.current_user.email)

    @app.get("/template")
    def template() -> ResponseReturnValue:
        return render_template_string("{{ current_user.email }}")

    return app


def with_manager_of_its_own(app: Flask) -> None:
    manager = flask_login.LoginManager(app)
    manager.user_loader(lambda identifier: Member() if identifier == Member.id else None)

    @app.post("/enter")
    def enter() -> ResponseReturnValue:
        flask_login.login_user(Member())
        return "welcome"


def test_its_words_mean_our_session(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        with_words(app)
        client = app.test_client()
        assert client.get("/known").location == "/gate/auth/login?next=%2Fknown"
        assert client.get("/known", headers=HTMX).headers["HX-Redirect"] == "/gate/auth/login?next=%2Flist%3Fpage%3D2"
        assert client.get("/known", headers=JSON).status_code == 401
        sign_in_as(client, email="ada@example.com")
        assert client.get("/known").text == client.get("/template").text == "ada@example.com"


def test_the_person_of_a_session_that_ended_meanwhile_is_gone_from_both(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        with_words(app)
        client = app.test_client()
        who = sign_in_as(client)
        assert client.get("/known").status_code == 200
        client.post("/gate/auth/logout", headers=who.headers)
        assert client.get("/known").status_code == 302


@pytest.mark.parametrize("protection", ["basic", "strong", None])
def test_its_cookies_and_settings_of_another_time_do_nothing(sqlite_url: str, protection: str | None) -> None:
    with host(sqlite_url, SESSION_PROTECTION=protection) as app:
        with_words(app)
        client = app.test_client()
        sign_in_as(client, email="ada@example.com")
        client.set_cookie("remember_token", "7|forged")
        with client.session_transaction() as session:
            session.update({"_user_id": "7", "_fresh": True, "_id": "another browser"})
        answer = client.get("/known")
        assert answer.text == "ada@example.com"
        assert "Set-Cookie" not in answer.headers
        client.delete_cookie("gatehouse")
        assert client.get("/known").status_code == 302


@pytest.mark.parametrize("call", [lambda: flask_login.login_user(Member()), flask_login.logout_user])
def test_signing_in_and_out_by_its_words_is_refused_rather_than_ignored(sqlite_url: str, call: object) -> None:
    with host(sqlite_url) as app:
        app.add_url_rule("/call", view_func=call, endpoint="call")  # type: ignore[arg-type]
        client = app.test_client()
        sign_in_as(client)
        with pytest.raises(RuntimeError, match=r"gatehouse\.sign_out"):
            client.get("/call")


def test_no_page_remembers_anybody_or_opens_flasks_session(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        with_words(app)
        client = app.test_client()
        for path in ("/", "/plain", "/template"):
            # Flask adds this to every answer for which its session was opened.
            assert "Vary" not in client.get(path).headers
        for path in ("/mine", "/known", "/gate/healthz"):
            assert "Set-Cookie" not in client.get(path).headers
        sign_in_as(client)
        for path in ("/", "/plain", "/mine", "/known", "/template", "/gate/dashboard", "/gate/account"):
            assert "Set-Cookie" not in client.get(path).headers
        assert not [cookie for cookie in client._cookies.values() if cookie.key in {"remember_token", "session"}]


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_manager_of_the_hosts_is_left_alone(sqlite_url: str, order: str) -> None:
    app = bare(sqlite_url)
    if order == "before":
        with_manager_of_its_own(app)
    Gatehouse(app)
    if order == "after":
        with_manager_of_its_own(app)
    with_words(with_pages(app))
    app.add_url_rule("/ours", view_func=login_required(lambda: str(current_user.email)), endpoint="ours")
    client = app.test_client()
    assert client.get("/known").status_code == 401
    client.post("/enter")
    sign_in_as(client, email="ada@example.com")
    assert client.get("/known").text == client.get("/template").text == "member@host.example"
    assert client.get("/ours").text == "ada@example.com"
    page = client.get("/gate/account").text
    assert "ada@example.com" in page
    assert "member@host.example" not in page
    refused = client.get("/administrators")
    assert refused.status_code == 403
    assert "member@host.example" not in refused.text
    state_of(app).database.engine.dispose()
