"""A form that waits for "is it you?": for whom it is kept, and what is not."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from flask_gatehouse import Role
from flask_gatehouse.accounts.models import User
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web import once_more
from tests.web.conftest import state_of
from tests.web.test_embedded_provider import sign_in

KEPT = "gatehouse.once_more"
PAGE = "/users/invitations"
IS_KEPT = "What you have sent is kept"


@pytest.fixture
def admin(app: Flask) -> tuple[FlaskClient, SignedIn]:
    client = app.test_client()
    who = sign_in_as(client, Role.ADMIN, email="admin@example.com")
    with state_of(app).database.transaction() as db:
        db.execute(update(UserSession).values(confirmed_at=utc_now() - timedelta(hours=1)))
    return client, who


def send(client: FlaskClient, who: SignedIn, **fields: str) -> None:
    token = who.headers["X-CSRFToken"]
    form = {"email": "new@example.com", "role": "editor", "csrf_token": token} | fields
    assert client.post(PAGE, data=form, headers={"Referer": f"http://localhost{PAGE}"}).status_code == 302


def kept_by(client: FlaskClient) -> dict[str, Any] | None:
    with client.session_transaction() as session:
        return session.get(KEPT)


def question(client: FlaskClient, page: str = PAGE) -> str:
    return client.get(f"/auth/confirm?ask=1&next={page}").text


def test_it_is_kept_with_its_fields_and_without_its_token(admin: tuple[FlaskClient, SignedIn]) -> None:
    client, who = admin
    assert IS_KEPT not in question(client)
    send(client, who)
    kept = kept_by(client)
    assert kept is not None
    assert (kept["url"], kept["fields"]) == (PAGE, {"email": ["new@example.com"], "role": ["editor"]})
    assert IS_KEPT in question(client)
    assert IS_KEPT not in question(client, "/users")


def test_it_is_for_nobody_who_signs_in_afterwards(app: Flask, admin: tuple[FlaskClient, SignedIn]) -> None:
    client, who = admin
    send(client, who)
    sign_in_as(client, Role.ADMIN, email="other@example.com")
    assert kept_by(client) is not None
    assert IS_KEPT not in question(client)


def test_it_is_not_kept_for_longer_than_a_round_trip(
    admin: tuple[FlaskClient, SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, who = admin
    send(client, who)
    later = utc_now() + timedelta(minutes=10, seconds=1)
    monkeypatch.setattr(once_more, "utc_now", lambda: later)
    assert IS_KEPT not in question(client)


def test_one_that_is_too_large_for_a_cookie_takes_an_earlier_ones_place(admin: tuple[FlaskClient, SignedIn]) -> None:
    client, who = admin
    send(client, who)
    send(client, who, email="x" * 1500)
    assert kept_by(client) is None
    assert IS_KEPT not in question(client)


def test_what_no_page_of_ours_has_asked_for_is_not_kept(admin: tuple[FlaskClient, SignedIn]) -> None:
    """Otherwise a page elsewhere could have an administrator find her own invitation, ready to be sent."""
    client, _ = admin
    assert client.post(PAGE, data={"email": "mallory@example.com", "role": "admin"}).status_code == 400
    assert kept_by(client) is None


ASKED = {"join_request": "1", "role": "editor"}
LET_IN = {"change": "activate", "user": "{kept_out}", "new_role": "admin"}


@pytest.mark.parametrize(
    ("path", "fields", "page", "told"),
    [
        ("/users/{own}/release", {}, "/users/{own}", "Unlock the account"),
        ("/users/{kept_out}/toggle-active", {"is_active": "true"}, "/users", "Activate"),
        ("/users/bulk", LET_IN, "/users", "Activate, 1 user"),
        ("/users/invitations", ASKED | {"decision": "approve"}, "/users/invitations", "Approve, Editor"),
        ("/users/invitations", ASKED | {"decision": "decline"}, "/users/invitations", "Decline"),
        ("/users/invitations", ASKED | {"decision": "withdraw"}, "/users/invitations", "Withdraw"),
        ("/account/identities/7", {}, "/account", "Unlink an account"),
        ("/account/link/dev", {}, "/account", "Link another account"),
        ("/account/delete", {}, "/account/delete", "Delete your account"),
    ],
    ids=["release", "toggle", "bulk", "approve", "decline", "withdraw", "unlink", "link", "delete"],
)
def test_she_is_told_what_waits_whatever_has_said_it(
    app: Flask, path: str, fields: dict[str, str], page: str, told: str
) -> None:
    """She may not be who has sent it: whoever finds a browser must know what "Do it now" does."""
    kept_out = sign_in_as(app.test_client(), email="kept.out@example.com").user_id
    client = app.test_client()
    sign_in(client, person="ada@example.com")
    me = client.get("/account", headers={"Accept": "application/json"}).get_json()
    with state_of(app).database.transaction() as db:
        db.execute(update(User).values(role=Role.ADMIN))
        db.execute(update(User).where(User.id == kept_out).values(is_active=False))
        db.execute(update(UserSession).values(confirmed_at=utc_now() - timedelta(hours=1)))
    own = me["user"]["id"]
    path, page = path.format(own=own, kept_out=kept_out), page.format(own=own)
    form = {name: value.format(kept_out=kept_out) for name, value in fields.items()} | {"csrf_token": me["csrf_token"]}
    assert client.post(path, data=form, headers={"Referer": f"http://localhost{page}"}).status_code == 302
    assert sign_in(client, f"/auth/confirm?next={page}", person="ada@example.com").location == page
    shown = client.get(page).text
    assert f"Not done yet: {told}." in shown
    assert "Do it now" in shown


@pytest.mark.parametrize("flashes", [None, [], [("info", "Another.")]], ids=["its own", "none", "another"])
@pytest.mark.parametrize("knows_when", [True, False])
def test_what_no_page_has_offered_leaves_the_cookie(
    app: Flask, client: FlaskClient, flashes: list[tuple[str, str]] | None, *, knows_when: bool
) -> None:
    """A host may show the message on a page of its own, which asks for nothing besides."""
    root = sign_in_as(client, Role.ADMIN, email="root@example.com")
    other = sign_in_as(app.test_client(), email="other@example.com", name="Other")
    client.post(f"/users/{other.user_id}/toggle-active", data={"is_active": "false"}, headers=root.headers)
    with client.session_transaction() as session:
        kept = session["gatehouse.undo"]
        at = kept.pop("at")
        session["gatehouse.undo"] = kept | ({"at": at - 601} if knows_when else {})
        if flashes is not None:
            session["_flashes"] = flashes
    page = client.get("/users")
    assert (page.status_code, ">Undo<" in page.text) == (200, False)
    with client.session_transaction() as session:
        assert "gatehouse.undo" not in session
