"""Whoever comes with the cookie of a session that has ended leaves one event, and is answered as before."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import event, text, update

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import toggle_active
from flask_gatehouse.app import create_app
from flask_gatehouse.audit import record
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.audit.walking import EDGE, find_numbers
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.sessions.expiring import expire_sessions, forget_ended_sessions, sessions_due
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.sessions.rules import EndReason, limits_of
from flask_gatehouse.sessions.service import end_session
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web import actor
from flask_gatehouse.web.actor import current_user
from tests.web.conftest import development, running, state_of
from tests.web.test_answers import HTMX, JSON

USED = "session_use_after_expire"


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    yield from running(create_app(development(database_url)))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def end(app: Flask, begun: SignedIn, reason: EndReason) -> None:
    """End a session as it ends for this reason, so that its cookie comes too late."""
    with state_of(app).database.transaction() as db:
        if reason in {EndReason.DEACTIVATED, EndReason.GENERATION}:
            toggle_active(db, begun.user_id, wanted=False, actor=SYSTEM)
            if reason is EndReason.GENERATION:
                toggle_active(db, begun.user_id, wanted=True, actor=SYSTEM)
        elif reason in {EndReason.IDLE, EndReason.ABSOLUTE}:
            moved = {"last_seen_at" if reason is EndReason.IDLE else "expires_at": utc_now() - timedelta(hours=20)}
            db.execute(update(UserSession).where(UserSession.id == begun.session_id).values(moved))
        else:
            end_session(db, begun.session_id, reason, actor=SYSTEM)


def sweep(app: Flask) -> None:
    """Write down what has ended by itself, as the worker does."""
    limits = limits_of(state_of(app).settings, Role.VIEWER)
    with state_of(app).database.transaction() as db:
        expire_sessions(db, limits, limits, sessions_due(db.connection(), limits, limits))


def events(app: Flask, name: str = USED) -> list[dict[str, Any]]:
    with state_of(app).database.reading() as connection:
        rows = connection.execute(
            text("SELECT body FROM gatehouse_audit_events WHERE event = :name ORDER BY id"), {"name": name}
        )
        return [json.loads(row.body) for row in rows]


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []
    event.listen(state_of(app).database.engine, "before_cursor_execute", lambda *said: seen.append(said[2].split()[0]))
    yield seen


@pytest.mark.parametrize("reason", EndReason)
def test_it_is_recorded_once_for_each_session_and_nothing_is_written_after_that(
    app: Flask, client: FlaskClient, reason: EndReason
) -> None:
    begun = sign_in_as(client)
    end(app, begun, reason)
    answers = [client.get("/account", headers=headers).status_code for headers in ({}, HTMX, JSON)]
    assert answers == [302, 401, 401]
    (used,) = events(app)
    assert (used["actor"]["id"], used["session"]) == (begun.user_id, begun.session_id)
    assert (used["target"], used["outcome"]) == ({"type": "session", "id": begun.session_id}, "denied")
    assert used["reason"] == reason
    assert set(used["personal"]) == {"ip", "user_agent"}
    with statements(app) as seen:
        for method in ("GET", "HEAD", "POST"):
            for _ in range(10):
                client.open("/account", method=method)
    assert set(seen) == {"SELECT"}
    assert len(seen) == 30
    assert len(events(app)) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("headers", [{}, HTMX, JSON, {"Gatehouse-Background": "true"}])
def test_no_way_of_asking_hides_it(app: Flask, client: FlaskClient, method: str, headers: dict[str, str]) -> None:
    end(app, sign_in_as(client), EndReason.REVOKED)
    client.open("/auth/session", method=method, headers=headers)
    assert len(events(app)) == 1


@pytest.mark.parametrize("reason", [EndReason.IDLE, EndReason.ABSOLUTE])
@pytest.mark.parametrize("swept", [True, False])
def test_it_matters_not_whether_the_worker_came_first(
    app: Flask, client: FlaskClient, reason: EndReason, swept: bool
) -> None:
    end(app, sign_in_as(client), reason)
    if swept:
        sweep(app)
    client.get("/account")
    assert [len(events(app, name)) for name in ("session_expired", USED)] == [1, 1]


def test_whoever_ends_her_own_session_has_not_come_after_its_end(app: Flask, client: FlaskClient) -> None:
    @app.after_request
    def log_who_asked(response: Response) -> Response:
        response.headers["X-Signed-In"] = str(current_user.is_authenticated)
        return response

    for path in ("/auth/logout", "/account/sessions/{}"):
        who = sign_in_as(client)
        answer = client.post(path.format(who.session_id), headers=who.headers)
        assert (answer.status_code, answer.headers["X-Signed-In"]) == (303, "False")
        client.get(answer.location)
    assert len(events(app, "session_logout")) + len(events(app, "session_revoked")) == 2
    assert events(app) == []


def test_a_cookie_of_no_session_is_no_event(app: Flask, client: FlaskClient) -> None:
    begun = sign_in_as(client)
    end(app, begun, EndReason.LOGOUT)
    with state_of(app).database.transaction() as db:
        db.execute(update(UserSession).values(ended_at=utc_now() - timedelta(days=31)))
        assert forget_ended_sessions(db, timedelta(days=30)) == 1
    assert client.get("/account").status_code == 302
    client.set_cookie(state_of(app).session_cookie, "A" * 43)
    assert client.get("/account").status_code == 302
    assert events(app) == []


def test_two_at_once_leave_one_event(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    end(app, sign_in_as(client), EndReason.LOGOUT)
    cookie = client.get_cookie(state_of(app).session_cookie)
    assert cookie is not None
    both_have_looked, write = threading.Barrier(2), actor._write_down

    def after_the_other(*said: Any) -> None:
        both_have_looked.wait(120)
        write(*said)

    monkeypatch.setattr(actor, "_write_down", after_the_other)

    def come(_: int) -> int:
        browser = app.test_client()
        browser.set_cookie(cookie.key, cookie.value)
        return browser.get("/account").status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(come, range(2))) == [302, 302]
    assert len(events(app)) == 1


def test_a_database_that_takes_no_writes_answers_the_same_and_hears_of_it_later(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(app, sign_in_as(client), EndReason.REVOKED)

    def refuse(*_: object) -> None:
        raise DependencyUnavailable("database")

    with monkeypatch.context() as away:
        away.setattr(type(state_of(app).database), "transaction", refuse)
        answer = client.get("/account")
    assert (answer.status_code, answer.location) == (302, "/auth/login?next=%2Faccount&notice=ended")
    assert events(app) == []
    monkeypatch.setattr(state_of(app).notes, "_quiet_until", None)
    client.get("/account")
    assert len(events(app)) == 1


@pytest.mark.parametrize(("reason", "is_told"), [(EndReason.IDLE, False), (EndReason.REVOKED, True)])
def test_its_person_reads_of_it_unless_a_tab_was_left_open(
    app: Flask, client: FlaskClient, reason: EndReason, is_told: bool
) -> None:
    end(app, sign_in_as(client), reason)
    client.get("/account", headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"})
    again = app.test_client()
    sign_in_as(again)
    assert ("Session used after its end" in again.get("/account").text) == is_told


def test_whoever_asks_for_the_session_finds_what_came_long_after_its_end(app: Flask, client: FlaskClient) -> None:
    begun = sign_in_as(client)
    end(app, begun, EndReason.LOGOUT)
    with state_of(app).database.transaction() as db:
        for _ in range(EDGE + 1):
            record("article.read", session=db, actor=SYSTEM)
    client.get("/account")
    with state_of(app).database.reading() as connection:
        (newest, *_) = find_numbers(connection, TrailQuery(session_id=begun.session_id), 10).numbers
        assert connection.scalar(text("SELECT max(id) FROM gatehouse_audit_events")) == newest
