"""The table of situations: what a page, htmx and JSON are told."""

import json
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import text, update
from werkzeug.exceptions import default_exceptions

from flask_gatehouse import Role
from flask_gatehouse.accounts.holds import hold_user
from flask_gatehouse.accounts.models import User
from flask_gatehouse.signin.errors import Reason
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.csrf import SAFE_METHODS
from flask_gatehouse.web.errors import answer_http
from flask_gatehouse.web.refusals import refusal_answer
from flask_gatehouse.web.routes import Route
from tests.web.conftest import path_about, state_of

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://localhost/account?tab=1"}
JSON = {"Accept": "application/json"}


def test_a_page_leads_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/account?tab=1")
    assert (answer.status_code, answer.location) == (302, "/auth/login?next=%2Faccount%3Ftab%3D1")


def test_htmx_is_told_to_leave_the_page(client: FlaskClient) -> None:
    answer = client.get("/auth/session", headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/auth/login?next=%2Faccount%3Ftab%3D1"
    assert answer.data == b""


def test_json_gets_a_problem(client: FlaskClient) -> None:
    answer = client.get("/account", headers=JSON)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == 401
    assert "HX-Redirect" not in answer.headers
    # The heartbeat of an open page is led away whichever way it asks.
    assert client.get("/auth/session", headers=JSON).headers["HX-Redirect"].startswith("/auth/login")


# What each change is asked for as JSON, where it says something.
SAID: dict[str, dict[str, Any]] = {
    "PUT user": {"name": "Tess", "version": 1},
    "POST change_many": {"change": "deactivate", "everyone": "1"},
    "POST invitations": {"email": "new@example.com", "role": "viewer"},
    "POST delete_account": {"confirm": "root@example.com"},
}
CHANGES = [(route, method) for route in ROUTES for method in route.may if method not in SAFE_METHODS]


@pytest.mark.parametrize(("route", "method"), CHANGES, ids=[f"{method} {route.endpoint}" for route, method in CHANGES])
def test_no_change_answers_a_program_with_a_page(app: Flask, client: FlaskClient, route: Route, method: str) -> None:
    who = sign_in_as(client, Role.ADMIN, email="root@example.com")
    other = sign_in_as(app.test_client(), Role.VIEWER, email="tess@example.com")
    path = path_about(route, other)
    sent: dict[str, Any] = {"json": SAID[f"{method} {route.endpoint}"]} if f"{method} {route.endpoint}" in SAID else {}
    if route.endpoint == "user" and method == "POST":
        sent = {"data": {"_method": "put", "name": "Tess", "version": "1"}}
    answer = client.open(path, method=method, headers={**who.headers, **JSON}, **sent)
    if answer.status_code < 400 and not answer.data:
        assert "Content-Type" not in answer.headers
    else:
        assert answer.mimetype == ("application/json" if answer.status_code < 400 else "application/problem+json")
    assert (answer.status_code == 406) is (method in route.pages)


def test_a_body_that_is_no_form_is_refused_in_the_language_of_the_page(client: FlaskClient) -> None:
    who = sign_in_as(client, Role.ADMIN)
    headers = who.headers | {"Accept-Language": "de"}
    answer = client.post("/users/bulk", data="all", content_type="text/plain", headers=headers)
    assert answer.status_code == 415
    assert "Was gesendet wurde, ist weder ein Formular noch JSON." in answer.text
    assert "Unsupported" not in answer.text
    told = client.post("/users/bulk", data="all", content_type="text/plain", headers=who.headers | JSON)
    assert told.get_json()["detail"] == "What was sent is neither a form nor JSON."


def test_a_program_signs_out(client: FlaskClient) -> None:
    who = sign_in_as(client)
    assert client.post("/auth/logout", headers={**who.headers, **JSON}).status_code == 204
    assert client.get("/account", headers=JSON).status_code == 401


def test_a_program_lets_somebody_in_again(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, Role.ADMIN)
    held = sign_in_as(app.test_client(), email="tess@example.com")
    with state_of(app).database.transaction() as db:
        assert hold_user(db, held.user_id, 0, about="new_device")
    answer = client.post(f"/users/{held.user_id}/release", headers={**who.headers, **JSON})
    told = answer.get_json()
    assert (answer.status_code, told["id"], told["locked"], "version" in told) == (200, held.user_id, False, True)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/dashboard"), ("GET", "/admin/access-review"), ("POST", "/admin/access-review")]
)
def test_a_program_is_told_where_there_is_nothing_for_it(client: FlaskClient, method: str, path: str) -> None:
    who = sign_in_as(client, Role.ADMIN)
    answer = client.open(path, method=method, data={"complete": "1"}, headers={**who.headers, **JSON})
    assert (answer.status_code, answer.mimetype) == (406, "application/problem+json")
    assert client.get(path, headers={"Accept": "text/html"}).status_code == 200


def test_a_program_is_told_that_a_part_of_a_page_is_nothing_for_it(client: FlaskClient) -> None:
    sign_in_as(client, Role.ADMIN)
    answer = client.get("/admin/audit-logs/news", headers=JSON)
    assert (answer.status_code, answer.mimetype) == (406, "application/problem+json")
    assert client.get("/admin/audit-logs/news", headers={"HX-Request": "true", **JSON}).status_code == 200


def test_the_door_answers_whoever_is_led_to_it(client: FlaskClient) -> None:
    answer = client.get("/", headers=JSON, follow_redirects=True)
    assert (answer.request.path, answer.status_code, answer.mimetype) == ("/auth/login", 200, "text/html")
    sign_in_as(client)
    led_on = client.get("/auth/login", headers=JSON)
    assert (led_on.status_code, led_on.location) == (302, "/dashboard")


def test_a_history_restore_is_a_page(client: FlaskClient) -> None:
    assert client.get("/account", headers={**HTMX, "HX-History-Restore-Request": "true"}).status_code == 302


@pytest.mark.parametrize("url", ["https://evil.example/x", "//evil.example", "javascript:alert(1)", "http://[", ""])
def test_the_way_back_never_leaves_this_site(client: FlaskClient, url: str) -> None:
    location = client.get("/auth/session", headers={**HTMX, "HX-Current-URL": url}).headers["HX-Redirect"]
    assert location.startswith("/auth/login")
    assert "evil" not in location.partition("next=")[0]
    assert "//" not in location


@pytest.mark.parametrize("headers", [{}, HTMX, JSON])
def test_a_change_without_the_token_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    sign_in_as(client)
    answer = client.post("/auth/logout", headers=headers)
    assert answer.status_code == 400
    assert client.get("/dashboard").status_code == 200
    if headers is HTMX:
        assert b"hx-swap-oob" in answer.data


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "", "Origin": "http://localhost"},
    ],
)
def test_a_change_from_elsewhere_is_refused_even_with_the_token(client: FlaskClient, headers: dict[str, str]) -> None:
    who = sign_in_as(client)
    assert client.post("/auth/logout", headers={**who.headers, **headers}).status_code == 400
    assert client.get("/dashboard").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        # What a page sends whose policy keeps its address to itself, such as one with "no-referrer".
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://name.of.the.proxy"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {},
    ],
)
def test_a_change_from_here_needs_the_token_all_the_same(client: FlaskClient, headers: dict[str, str]) -> None:
    who = sign_in_as(client)
    assert client.post("/auth/logout", headers=headers).status_code == 400
    assert client.post("/auth/logout", headers={**who.headers, **headers}).status_code == 303


def test_the_token_of_another_session_is_refused(app: Flask, client: FlaskClient) -> None:
    sign_in_as(client)
    other = sign_in_as(app.test_client(), email="mallory@example.com")
    assert client.post("/auth/logout", headers=other.headers).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "x" * 86, "é" * 86, "\N{SNOWMAN}"])
def test_tokens_that_are_none_are_refused(client: FlaskClient, token: str) -> None:
    sign_in_as(client)
    assert client.post("/auth/logout", data={"csrf_token": token}).status_code == 400


def test_refusals_are_in_the_trail(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client)
    client.post("/auth/logout")
    with state_of(app).database.reading() as connection:
        rows = connection.execute(
            text("SELECT actor_id, outcome FROM gatehouse_audit_events WHERE event='malicious_csrf'")
        )
        assert rows.all() == [(who.user_id, "denied")]


def test_an_attempt_on_the_last_administrator_is_in_the_trail(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, Role.ADMIN)
    sent = {"name": "Someone", "role": "viewer", "version": "1"}
    assert client.put(f"/users/{who.user_id}", data=sent, headers={**HTMX, **who.headers}).status_code == 409
    with state_of(app).database.reading() as connection:
        rows = connection.execute(
            text("SELECT actor_id, target_id, body FROM gatehouse_audit_events WHERE event='authz_fail'")
        )
        ((actor_id, target_id, body),) = rows.all()
    assert (actor_id, target_id) == (who.user_id, str(who.user_id))
    assert json.loads(body)["reason"] == "last_administrator"


def test_nobody_knows_of_a_session_that_is_not_hers(app: Flask, client: FlaskClient) -> None:
    other = sign_in_as(app.test_client(), email="mallory@example.com")
    who = sign_in_as(client)
    assert client.delete(f"/account/sessions/{other.session_id}", headers=who.headers).status_code == 404
    admin = app.test_client()
    chief = sign_in_as(admin, Role.ADMIN, email="ada@example.com")
    assert admin.delete(f"/account/sessions/{other.session_id}", headers={**chief.headers, **HTMX}).status_code == 200


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422, 429, 500, 503])
def test_every_error_has_a_page(app: Flask, status: int) -> None:
    app.add_url_rule("/fails", view_func=lambda: abort(status))
    answer = app.test_client().get("/fails")
    assert answer.status_code == status
    assert b"<h1" in answer.data
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_too_large_is_refused(app: Flask, client: FlaskClient) -> None:
    sign_in_as(client)
    assert client.post("/auth/logout", data={"csrf_token": "y" * 2_000_000}).status_code == 413


def test_a_bug_is_a_page_without_its_text(app: Flask) -> None:
    app.testing = False
    app.add_url_rule("/breaks", view_func=lambda: {}["canary"])
    answer = app.test_client().get("/breaks")
    assert answer.status_code == 500
    assert b"canary" not in answer.data


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_the_reference_on_a_page_leads_to_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    app.testing = False
    app.add_url_rule("/breaks", view_func=lambda: {}["canary"])
    answer = app.test_client().get("/breaks", headers=headers)
    name = answer.headers["X-Request-ID"]
    assert name in answer.text
    assert any(f"as {name}" in record.getMessage() for record in caplog.records)


def test_the_allowed_methods_are_named(client: FlaskClient) -> None:
    answer = client.post("/dashboard")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("code", sorted(default_exceptions))
def test_every_status_has_words(app: Flask, code: int) -> None:
    with app.test_request_context():
        answer = answer_http(default_exceptions[code]())
    assert answer.status_code == code
    assert b"<h1" in answer.data


def test_the_message_of_a_success_waits_for_a_page_that_is_no_error(client: FlaskClient) -> None:
    kim = sign_in_as(client, email="kim@example.com", name="Kim")
    who = sign_in_as(client, Role.ADMIN, email="root@example.com")
    twice = [client.post(f"/users/{kim.user_id}", data={"_method": "delete"}, headers=who.headers) for _ in range(2)]
    assert [answer.status_code for answer in twice] == [303, 404]
    assert ("Kim was deleted." in twice[1].text, "Kim was deleted." in client.get("/users").text) == (False, True)


def test_an_undo_comes_with_its_message_whatever_else_is_said_before(client: FlaskClient) -> None:
    kim = sign_in_as(client, email="kim@example.com", name="Kim")
    who = sign_in_as(client, Role.ADMIN, email="root@example.com")
    with client.session_transaction() as session:
        session["_flashes"] = [("info", "A host says something, too.")]
    client.post(f"/users/{kim.user_id}/toggle-active", headers=who.headers)
    page = client.get("/users").text
    assert page.index("A host says something, too.") < page.index("Kim is deactivated.") < page.index("Undo")
    assert "Undo" not in client.get("/users").text


def test_the_message_of_a_success_waits_for_a_page_that_is_no_refused_sign_in(client: FlaskClient) -> None:
    kim = sign_in_as(client, email="kim@example.com", name="Kim")
    who = sign_in_as(client, Role.ADMIN, email="root@example.com")
    client.post(f"/users/{kim.user_id}/toggle-active", headers=who.headers)
    refused = client.get("/auth/authorize/dev?error=access_denied")
    assert (refused.status_code, "Kim is deactivated." in refused.text) == (400, False)
    page = client.get("/users").text
    assert ("Kim is deactivated." in page, "Undo" in page) == (True, True)


def test_whoever_has_an_account_is_told_with_what_by_the_name_on_the_button(app: Flask) -> None:
    label = state_of(app).providers["dev"].settings.label
    with app.test_request_context():
        advice = refusal_answer(Reason.ADDRESS_TAKEN, {"providers": ("dev", "gone")}).advice
    assert advice.startswith(f"Sign in with {label} or Gone. ")


def test_whoever_has_no_address_is_told_a_command_that_takes_her(app: Flask, client: FlaskClient) -> None:
    sign_in_as(app.test_client(), email="first@example.com", name="First")
    who = sign_in_as(client)
    with state_of(app).database.transaction() as db:
        db.execute(update(User).where(User.id == who.user_id).values(email=None))
    assert f"gatehouse create-admin user:{who.user_id}</code>" in client.get("/dashboard").text
    made = app.test_cli_runner().invoke(args=["gatehouse", "create-admin", f"user:{who.user_id}"])
    assert (made.exit_code, "is an administrator now" in made.output) == (0, True)


def test_who_claims_the_administration_twice_is_led_to_where_she_has_it(client: FlaskClient) -> None:
    who = sign_in_as(client)
    for _ in range(2):
        answer = client.post("/dashboard/administrator", headers=who.headers)
        assert (answer.status_code, answer.location) == (302, "/dashboard")
    assert client.get("/dashboard").text.count("You are the administrator now.") == 1
