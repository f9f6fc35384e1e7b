"""``gatehouse explain``: the same answer that the guard of a route gives."""

import pytest
from flask import Flask
from sqlalchemy import select

from flask_gatehouse import Role, admin_required
from flask_gatehouse.accounts.columns import users
from flask_gatehouse.accounts.holds import hold_user
from flask_gatehouse.accounts.service import toggle_active
from flask_gatehouse.app import create_app
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.privacy.erasure import erase_user
from flask_gatehouse.testing import sign_in_as
from tests.web.conftest import KEY, development, state_of

PRODUCTION = {"GATEHOUSE_ENV": "production", "GATEHOUSE_BASE_URL": "https://app.example.com"}


def explain(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["gatehouse", "explain", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("role", "method", "path", "code"),
    [
        (Role.VIEWER, "GET", "/dashboard", 0),
        (Role.VIEWER, "GET", "/users", 0),
        (Role.VIEWER, "GET", "/users?q=a", 0),
        (Role.VIEWER, "PUT", "/users/{own}", 0),
        (Role.ADMIN, "GET", "/users/%3{own}", 0),
        (Role.ADMIN, "GET", "/users%2F{own}", 0),
        (Role.ADMIN, "GET", "/users/%253{own}", 1),
        (Role.ADMIN, "GET", "/users/%30{own}", 1),
        (Role.ADMIN, "GET", "/admin%2F/audit-logs", 1),
        (Role.ADMIN, "GET", "/users/{own}%3Fq", 1),
        (Role.VIEWER, "put", "/users/99", 1),
        (Role.VIEWER, "DELETE", "/users/{own}", 1),
        (Role.EDITOR, "POST", "/users/bulk", 1),
        (Role.ADMIN, "POST", "/users/bulk", 0),
        (Role.ADMIN, "PUT", "/users/999999", 1),
        (Role.ADMIN, "DELETE", "/users/99999999999999999999", 1),
        (Role.VIEWER, "GET", "/users/999999", 1),
        (Role.VIEWER, "GET", "/metrics", 0),
        (Role.ADMIN, "DELETE", "/users/{own}", 1),
        (Role.ADMIN, "GET", "/users/0{own}", 1),
        (Role.VIEWER, "PUT", "/users/0{own}", 1),
        (Role.ADMIN, "GET", "/admin/audit-logs/01", 1),
        (Role.VIEWER, "DELETE", "/account/identities/01", 1),
        (Role.ADMIN, "GET", "/nowhere", 1),
        (Role.ADMIN, "PATCH", "/users/1", 1),
        (Role.VIEWER, "GET", "/host", 1),
        (Role.ADMIN, "GET", "/host", 0),
        (Role.VIEWER, "GET", "/open", 0),
    ],
)
def test_it_says_what_the_guard_says(app: Flask, role: Role, method: str, path: str, code: int) -> None:
    app.add_url_rule("/host", "host", admin_required(lambda: "in"))
    app.add_url_rule("/open", "open", lambda: "open")
    client = app.test_client()
    who = sign_in_as(client, role, email="ada@example.com", name="Ada")
    path = path.format(own=who.user_id)
    assert explain(app, "ada@example.com", method, path)[0] == code
    answer = client.open(path, method=method.upper(), headers=who.headers)
    assert (answer.status_code not in {403, 404, 405}) == (code == 0)


def test_it_says_where_an_address_leads_and_that_one_with_a_doubled_slash_is_none(app: Flask) -> None:
    app.add_url_rule("/host/", "host", lambda: "in")
    sign_in_as(app.test_client(), Role.VIEWER, email="ada@example.com", name="Ada")
    code, output = explain(app, "ada@example.com", "GET", "/host")
    assert (code, output.splitlines()[0]) == (0, "Ada may. The address leads to /host/.")
    code, output = explain(app, "ada@example.com", "GET", "/admin//audit-logs")
    assert (code, output.splitlines()[0]) == (1, "Ada may not. There is nothing at this address.")


def test_it_says_that_nobody_has_a_number_to_whoever_may(app: Flask) -> None:
    app.add_url_rule("/host/<int:user_id>", "host", admin_required(lambda user_id: "in"))
    sign_in_as(app.test_client(), Role.ADMIN, email="ada@example.com", name="Ada")
    sign_in_as(app.test_client(), Role.VIEWER, email="vera@example.com", name="Vera")
    told = explain(app, "ada@example.com", "PUT", "/users/999999")[1].splitlines()[0]
    assert told == "Ada may not. Nobody here has the number 999999."
    told = explain(app, "vera@example.com", "PUT", "/users/999999")[1].splitlines()[0]
    assert told == "Vera may not. Administrators may, and whoever it is about. She is: viewer."
    # What a host calls so is its own.
    assert explain(app, "ada@example.com", "GET", "/host/999999")[0] == 0


def test_it_says_that_the_last_administrator_stays(app: Flask) -> None:
    last, confirmed = app.test_client(), {"confirm": "ada@example.com"}
    who = sign_in_as(last, Role.ADMIN, email="ada@example.com", name="Ada")
    told = explain(app, "ada@example.com", "POST", "/account/delete")
    assert (told[0], told[1].splitlines()[0]) == (1, "Ada may not. She is the last administrator, who stays.")
    assert explain(app, "ada@example.com", "GET", "/account/delete")[0] == 0
    assert last.post("/account/delete", data=confirmed, headers=who.headers).status_code == 409
    sign_in_as(app.test_client(), Role.ADMIN, email="bob@example.com", name="Bob")
    assert explain(app, "ada@example.com", "POST", "/account/delete")[0] == 0
    assert last.post("/account/delete", data=confirmed, headers=who.headers).status_code == 303


def test_it_says_who_becomes_the_first_administrator(app: Flask) -> None:
    path, told = "/dashboard/administrator", "Only whoever came first may, while there is no administrator."
    first, second = app.test_client(), app.test_client()
    ada = sign_in_as(first, Role.VIEWER, email="ada@example.com", name="Ada")
    bob = sign_in_as(second, Role.VIEWER, email="bob@example.com", name="Bob")
    assert explain(app, "ada@example.com", "POST", path)[0] == 0
    refused = explain(app, "bob@example.com", "POST", path)
    assert (refused[0], refused[1].splitlines()[0]) == (1, f"Bob may not. {told}")
    assert second.post(path, headers=bob.headers).status_code == 403
    # For whoever is one already, pressing twice does no harm.
    for _ in range(2):
        assert first.post(path, headers=ada.headers).status_code == 302
        assert explain(app, "ada@example.com", "POST", path)[0] == 0
    assert explain(app, "bob@example.com", "POST", path)[0] == 1


@pytest.mark.parametrize(
    ("settings", "code", "told"),
    [
        (
            {},
            0,
            "may. This machine may, in development.",
        ),
        (
            {"GATEHOUSE_METRICS_TOKEN": KEY},
            0,
            "may. Whoever sends GATEHOUSE_METRICS_TOKEN may, whatever the role. This machine may, in development.",
        ),
        (
            PRODUCTION | {"GATEHOUSE_METRICS_TOKEN": KEY},
            0,
            "may. Whoever sends GATEHOUSE_METRICS_TOKEN may, whatever the role.",
        ),
        (PRODUCTION, 1, "may not. Without GATEHOUSE_METRICS_TOKEN there is nothing at this address."),
    ],
)
def test_the_metrics_are_for_no_role(sqlite_url: str, settings: dict[str, str], code: int, told: str) -> None:
    app = create_app(development(sqlite_url, **settings))
    sign_in_as(app.test_client(), Role.VIEWER, email="vera@example.com", name="Vera")
    found, output = explain(app, "vera@example.com", "GET", "/metrics")
    assert (found, output.splitlines()[0]) == (code, f"Vera {told}")
    state_of(app).database.engine.dispose()


def test_it_says_since_when(app: Flask) -> None:
    who = sign_in_as(app.test_client(), Role.ADMIN, email="ada@example.com", name="Ada")
    sign_in_as(app.test_client(), Role.ADMIN, email="bob@example.com", name="Bob")
    with state_of(app).database.transaction() as db:
        toggle_active(db, who.user_id, wanted=False)
    code, output = explain(app, "ada@example.com", "GET", "/dashboard")
    assert code == 1
    assert "Ada may not. The account is deactivated" in output
    assert "Status: May not sign in." in output
    assert "UTC)" in output


def test_it_names_who_has_changed_it_for_as_long_as_she_is_here(app: Flask) -> None:
    ada = sign_in_as(app.test_client(), Role.VIEWER, email="ada@example.com", name="Ada")
    bob = sign_in_as(app.test_client(), Role.ADMIN, email="bob@example.com", name="Bob")
    client = app.test_client()
    sign_in_as(client, Role.ADMIN, email="eve@example.com", name="Eve")
    with state_of(app).database.transaction() as db:
        toggle_active(db, ada.user_id, wanted=False, actor=Actor(user_id=bob.user_id, kind="user"))
    assert "Changed by Bob." in client.get(f"/users/{ada.user_id}").text
    assert "Changed by Bob." in explain(app, "ada@example.com", "GET", "/dashboard")[1]
    erase_user(state_of(app).database, state_of(app).settings, bob.user_id)
    gone = f"Changed by user {bob.user_id}, who has been deleted."
    assert gone in client.get(f"/users/{ada.user_id}").text
    assert gone in explain(app, "ada@example.com", "GET", "/dashboard")[1]


def test_whoever_is_locked_may_not(app: Flask) -> None:
    who = sign_in_as(app.test_client(), Role.ADMIN, email="ada@example.com", name="Ada")
    with state_of(app).database.transaction() as db:
        generation = db.scalars(select(users.c.session_generation).where(users.c.id == who.user_id)).one()
        assert hold_user(db, who.user_id, generation, about="identity_linked")
    code, output = explain(app, "ada@example.com", "GET", "/dashboard")
    assert code == 1
    assert "Ada may not. The account is locked" in output
    assert "Nobody signs in with this account" in output
    assert "May sign in." not in output


def test_nobody_is_explained(app: Flask) -> None:
    code, output = explain(app, "nobody@example.com", "GET", "/")
    assert (code, "Nobody here has the address" in output) == (1, True)
