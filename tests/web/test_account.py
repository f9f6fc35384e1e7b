"""Ending sessions, one's own and others': what is told, and what is not even asked."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from flask_gatehouse import Role
from flask_gatehouse.app import create_app
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.sessions.rules import EndReason
from flask_gatehouse.sessions.service import end_session
from flask_gatehouse.testing import SignedIn, sign_in_as
from tests.web.conftest import development, state_of
from tests.web.test_answers import HTMX, JSON

ODD = [
    "\0",
    "%00",
    "a" * 21,
    "a" * 23,
    "a" * 3000,
    "'" * 22,
    "\N{SNOWMAN}" * 22,
    "\x7f" * 22,
    "..",
    " " * 22,
    "a" * 21 + "\n",
]


def elsewhere(app: Flask) -> SignedIn:
    """Return another session of the person whom ``sign_in_as`` makes."""
    return sign_in_as(app.test_client())


def end(app: Flask, begun: SignedIn) -> None:
    with app.app_context(), state_of(app).database.transaction() as db:
        end_session(db, begun.session_id, EndReason.LOGOUT)


@pytest.mark.parametrize("which", ["one", "others"])
def test_a_script_is_told_with_nothing(app: Flask, client: FlaskClient, which: str) -> None:
    who, other = sign_in_as(client), elsewhere(app)
    name = other.session_id if which == "one" else "others"
    answer = client.delete(f"/account/sessions/{name}", headers={**who.headers, **JSON})
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Location" not in answer.headers
    assert other.session_id not in client.get("/account").text


def test_a_form_is_led_back_by_get(app: Flask, client: FlaskClient) -> None:
    """303, because a 302 after a DELETE may be followed with a DELETE."""
    who, other = sign_in_as(client), elsewhere(app)
    for path in (f"/account/sessions/{other.session_id}", "/account/sessions/others"):
        answer = client.post(path, headers=who.headers)
        assert (answer.status_code, answer.location) == (303, "/account")
    answer = client.post(f"/account/sessions/{who.session_id}", headers=who.headers)
    assert (answer.status_code, answer.location) == (303, "/auth/login?notice=signed_out")


def test_an_administrator_is_led_back_to_whose_session_was_ended(app: Flask, client: FlaskClient) -> None:
    other = elsewhere(app)
    who = sign_in_as(client, Role.ADMIN, email="root@example.com")
    page = f"/users/{other.user_id}"
    came_from = {"Referer": f"http://localhost{page}"}
    answer = client.post(f"/account/sessions/{other.session_id}", headers=who.headers | came_from)
    assert (answer.status_code, answer.location) == (303, page)
    assert "The session was ended." in client.get(page).text


def test_a_session_that_has_ended_already_leaves_the_page_and_says_so(app: Flask, client: FlaskClient) -> None:
    who, other = sign_in_as(client), elsewhere(app)
    end(app, other)
    answer = client.delete(f"/account/sessions/{other.session_id}", headers={**who.headers, **HTMX})
    # What htmx asked for is replaced with nothing but the message: the row goes.
    assert answer.status_code == 200
    assert "That session had ended already." in answer.text
    assert answer.text.count("hx-swap-oob") == 1
    assert client.post(f"/account/sessions/{other.session_id}", headers=who.headers).status_code == 303
    assert "That session had ended already." in client.get("/account").text


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (0, "No other session was open."),
        (1, "One other session was ended."),
        (2, "2 other sessions were ended."),
    ],
)
def test_how_many_others_there_were(app: Flask, client: FlaskClient, count: int, message: str) -> None:
    who = sign_in_as(client)
    for _ in range(count):
        elsewhere(app)
    client.post("/account/sessions/others", headers=who.headers)
    assert message in client.get("/account").text


def test_whoever_was_ended_by_another_browser_in_the_same_moment_is_signed_out(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, other = sign_in_as(client), elsewhere(app)
    begin = state_of(app).database.transaction

    def after_another(*_: object) -> object:
        monkeypatch.undo()
        end(app, who)
        return begin()

    monkeypatch.setattr(type(state_of(app).database), "transaction", after_another)
    answer = client.post("/account/sessions/others", headers=who.headers)
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/login?")
    assert "notice=signed_out" in answer.location
    survivor = app.test_client()
    sign_in_as(survivor)
    assert other.session_id in survivor.get("/account").text


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_a_session_is_not_found(database_url: str, name: str) -> None:
    app = create_app(development(database_url))
    client = app.test_client()
    who = sign_in_as(client)
    for headers in ({}, HTMX, JSON):
        answer = client.delete(f"/account/sessions/{quote(name)}", headers={**who.headers, **headers})
        assert answer.status_code == 404
    state_of(app).database.engine.dispose()


def test_the_time_left_on_a_page_counts_from_the_page_itself(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client)
    idle = state_of(app).settings.idle_timeout
    with app.app_context(), state_of(app).database.transaction() as db:
        long_ago = datetime.now(UTC) - idle / 2
        db.execute(update(UserSession).where(UserSession.id == who.session_id).values(last_seen_at=long_ago))
    asked = datetime.now(UTC)
    page = client.get("/account").text
    took = datetime.now(UTC) - asked
    left = timedelta(seconds=int(page.partition('data-seconds-left="')[2].partition('"')[0]))
    # In whole seconds.
    assert idle - took - timedelta(seconds=1) <= left <= idle
