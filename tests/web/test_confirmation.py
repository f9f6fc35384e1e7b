"""What needs a fresh confirmation: refused without one in each of the three ways, and nothing is changed by then."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update

from flask_gatehouse import Gatehouse, Role, admin_required, confirmation_required, require_confirmation
from flask_gatehouse.accounts.service import get_user, toggle_active
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web.permissions import Permission
from flask_gatehouse.web.routes import Route
from tests.web.conftest import development, state_of

HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def target(app: Flask) -> int:
    return sign_in_as(app.test_client(), email="target@example.com", name="Tess Target").user_id


@pytest.fixture
def late(app: Flask, target: int) -> tuple[FlaskClient, SignedIn]:
    """An administrator whose last proof is a second too old."""
    client = app.test_client()
    who = sign_in_as(client, Role.ADMIN, email="admin@example.com")
    grow_old(app, timedelta(minutes=10, seconds=1))
    return client, who


def grow_old(app: Flask, age: timedelta) -> None:
    with state_of(app).database.transaction() as db:
        db.execute(update(UserSession).values(confirmed_at=utc_now() - age))


SENSITIVE = [
    ("put", "/users/{target}", {"name": "Tess Target", "role": "admin", "version": "1"}),
    ("post", "/users/{target}", {"_method": "put", "name": "Tess Target", "role": "admin", "version": "1"}),
    ("delete", "/users/{target}", {}),
    ("post", "/users/{target}", {"_method": "delete"}),
    ("post", "/users/bulk", {"user": "{target}", "change": "role", "new_role": "admin"}),
    ("post", "/users/bulk", {"user": "{target}", "change": "remove"}),
    ("post", "/users/invitations", {"email": "new@example.com", "role": "viewer"}),
]


@pytest.mark.parametrize(("method", "path", "fields"), SENSITIVE, ids=lambda value: str(value)[:40])
def test_an_open_browser_is_not_enough(
    app: Flask, late: tuple[FlaskClient, SignedIn], target: int, method: str, path: str, fields: dict[str, str]
) -> None:
    client, who = late
    path, fields = path.format(target=target), {name: text.format(target=target) for name, text in fields.items()}
    before = everything(app)

    def ask(**headers: str) -> object:
        return client.open(path, method=method.upper(), data=fields, headers={**who.headers, **headers})

    page, fragment, document = ask(Referer="http://localhost/users?q=a"), ask(**HTMX), ask(**JSON)
    assert (page.status_code, page.headers["Location"]) == (302, "/auth/confirm?next=/users?q%3Da&ask=1")
    assert fragment.status_code == 403
    assert "/auth/confirm?next=/account/confirmed" in fragment.headers["HX-Trigger"]
    assert (document.status_code, document.get_json()["type"]) == (403, "confirmation-required")
    assert everything(app) == before
    grow_old(app, timedelta(minutes=9, seconds=30))
    assert ask(**HTMX).status_code == 200
    assert everything(app) != before


LETTING_IN = [
    ("/users/{former}/toggle-active", {"is_active": "true"}),
    ("/users/{former}/toggle-active", {}),
    ("/users/bulk", {"user": "{former}", "change": "activate"}),
    ("/users/bulk", {"everyone": "1", "role": "{role}", "change": "activate"}),
]


@pytest.mark.parametrize(("path", "fields"), LETTING_IN, ids=["so", "whichever", "chosen", "everyone"])
@pytest.mark.parametrize("role", Role)
def test_no_open_browser_lets_a_deactivated_administrator_in(
    app: Flask, late: tuple[FlaskClient, SignedIn], role: Role, path: str, fields: dict[str, str]
) -> None:
    client, who = late
    former = deactivated(app, role)
    path = path.format(former=former)
    fields = {name: said.format(former=former, role=role.value) for name, said in fields.items()}
    is_administrator = role is Role.ADMIN
    document = client.post(path, data=fields, headers=who.headers | JSON)
    assert (document.status_code, is_active(app, former)) == ((403, False) if is_administrator else (200, True))
    if is_administrator:
        assert document.get_json()["type"] == "confirmation-required"
        grow_old(app, timedelta(minutes=9, seconds=30))
        assert client.post(path, data=fields, headers=who.headers | JSON).status_code == 200
        assert is_active(app, former)


def test_whoever_means_everybody_is_asked_before_the_first_is_active(
    app: Flask, late: tuple[FlaskClient, SignedIn]
) -> None:
    client, who = late
    former = deactivated(app, Role.VIEWER)
    sent = {"everyone": "1", "change": "activate"}
    assert client.post("/users/bulk", data=sent, headers=who.headers | JSON).status_code == 403
    assert not is_active(app, former)


def deactivated(app: Flask, role: Role) -> int:
    user_id = sign_in_as(app.test_client(), role, email="former@example.com").user_id
    with state_of(app).database.transaction() as db:
        toggle_active(db, user_id, wanted=False, actor=SYSTEM)
    return user_id


def is_active(app: Flask, user_id: int) -> bool:
    with state_of(app).database.reading() as connection:
        return get_user(connection, user_id).is_active


def test_whoever_cannot_confirm_is_told_why(late: tuple[FlaskClient, SignedIn]) -> None:
    """Whoever is signed in by a test has come by a provider that is in no settings."""
    client, _ = late
    answer = client.get("/auth/confirm?next=/users")
    assert answer.status_code == 403
    assert "The service that you signed in with is no longer offered here." in answer.text
    assert "Sign out, and sign in with another account." in answer.text
    assert client.get("/account").status_code == 200


def everything(app: Flask) -> list[object]:
    with state_of(app).database.reading() as connection:
        users = connection.execute(text("SELECT id, role FROM gatehouse_users ORDER BY id")).all()
        return [*users, *connection.execute(text("SELECT email FROM gatehouse_invitations")).all()]


def test_what_takes_nothing_away_needs_none(app: Flask, late: tuple[FlaskClient, SignedIn], target: int) -> None:
    client, who = late
    fields = {"name": "Tess Else", "role": "editor", "version": "1"}
    assert client.put(f"/users/{target}", data=fields, headers=who.headers | HTMX).status_code == 200


def test_whoever_may_not_is_told_so_before_she_confirms_anything(app: Flask, target: int) -> None:
    client = app.test_client()
    who = sign_in_as(client, Role.VIEWER, email="viewer@example.com")
    grow_old(app, timedelta(days=1))
    answer = client.delete(f"/users/{target}", headers=who.headers | HTMX)
    assert answer.status_code == 403
    assert "gatehouse:confirm" not in answer.headers.get("HX-Trigger", "")


def test_a_form_is_led_to_a_link_and_not_to_another_site(late: tuple[FlaskClient, SignedIn]) -> None:
    """``form-action 'self'`` stops a form's redirect to the provider: the page between them is what a person sees."""
    client, _ = late
    page = client.get("/auth/confirm?next=/users?q%3Da&ask=1")
    assert page.status_code == 200
    assert b'href="/auth/confirm?next=/users?q%3Da"' in page.data
    assert b'href="/users?q=a"' in page.data


def test_a_route_asks_only_for_methods_that_it_takes() -> None:
    with pytest.raises(ValueError, match="does not take"):
        Route("/a", "a", lambda: "", {"GET": Permission.SIGNED_IN}, confirmed=("POST",))


def test_a_host_asks_for_one_in_a_view_that_needs_it_only_sometimes(sqlite_url: str, sqlite_template: object) -> None:
    app = Flask(__name__)
    app.config.update(development(sqlite_url))
    app.testing = True
    Gatehouse(app)

    @app.post("/papers/<kind>")
    @admin_required
    def shred(kind: str) -> str:
        if kind == "contract":
            require_confirmation()
        return "shredded"

    client = app.test_client()
    who = sign_in_as(client, Role.ADMIN, proved_at=utc_now() - timedelta(minutes=11))
    assert client.post("/papers/draft", headers=who.headers).data == b"shredded"
    answer = client.post("/papers/contract", headers=who.headers | HTMX)
    assert (answer.status_code, answer.data.count(b"shredded")) == (403, 0)
    assert "gatehouse:confirm" in answer.headers["HX-Trigger"]
    state_of(app).database.engine.dispose()


@pytest.mark.parametrize("below", [False, True])
def test_a_host_asks_for_one_with_a_decorator(sqlite_url: str, sqlite_template: object, below: bool) -> None:
    app = Flask(__name__)
    app.config.update(development(sqlite_url))
    app.testing = True
    Gatehouse(app)
    kinds: list[Callable[..., object]] = [confirmation_required, admin_required]

    def burn() -> str:
        return "burnt"

    for decorate in reversed(kinds) if below else kinds:
        burn = decorate(burn)
    app.add_url_rule("/burn", view_func=burn, methods=["GET", "POST"])
    client = app.test_client()
    who = sign_in_as(client, Role.ADMIN)
    assert client.post("/burn", headers=who.headers).data == b"burnt"
    grow_old(app, timedelta(minutes=11))
    assert client.get("/burn").headers["Location"] == "/gate/auth/confirm?next=/burn"
    assert client.post("/burn", headers=who.headers | HTMX).status_code == 403
    sign_in_as(client, Role.VIEWER)
    assert "Location" not in client.get("/burn").headers
    state_of(app).database.engine.dispose()


@pytest.mark.parametrize(("method", "path"), [("GET", "/account/delete"), ("POST", "/account/link/dev")])
def test_no_program_is_asked_to_confirm_what_is_for_people_alone(
    late: tuple[FlaskClient, SignedIn], method: str, path: str
) -> None:
    client, who = late
    assert client.open(path, method=method, headers=who.headers | JSON).status_code == 406
