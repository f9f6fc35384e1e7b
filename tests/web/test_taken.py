"""What a change does not take is refused by its name, whichever way it is said: it may have meant “do not”."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from flask_gatehouse import Role
from flask_gatehouse.accounts.models import Identity
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.signals import RecordedEvent, event_recorded
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.csrf import SAFE_METHODS
from flask_gatehouse.web.routes import Route
from flask_gatehouse.web.taken import TAKES
from tests.actions import actions_of
from tests.web.conftest import path_about, state_of

JSON, HTMX = {"Accept": "application/json"}, {"HX-Request": "true"}
CHANGES = [(route, method) for route in ROUTES for method in route.may if method not in SAFE_METHODS]
DRY_RUN: dict[str, dict[str, Any]] = {
    "address": {"query_string": {"dry_run": "1"}},
    "form": {"data": {"dry_run": "1"}},
    "json": {"json": {"dry_run": True}},
}


@pytest.fixture
def root(client: FlaskClient) -> SignedIn:
    return sign_in_as(client, Role.ADMIN, email="root@example.com", name="Root")


@pytest.fixture
def target(app: Flask) -> SignedIn:
    return sign_in_as(app.test_client(), email="target@example.com", name="Tess Target")


@pytest.mark.parametrize("way", DRY_RUN)
@pytest.mark.parametrize(("route", "method"), CHANGES, ids=[f"{method} {route.endpoint}" for route, method in CHANGES])
def test_no_change_is_made_that_was_asked_for_with_something_unknown(
    app: Flask, client: FlaskClient, root: SignedIn, target: SignedIn, route: Route, method: str, way: str
) -> None:
    path = path_about(route, target)
    recorded: list[str] = []

    def note(sender: Flask, event: RecordedEvent) -> None:
        recorded.append(event.name)

    with event_recorded.connected_to(note, app):
        page = client.open(path, method=method, headers=root.headers, **DRY_RUN[way])
        told = client.open(path, method=method, headers=root.headers | JSON, **DRY_RUN[way])
    if (route.endpoint, method) in TAKES and TAKES[route.endpoint, method].anything:
        assert page.status_code in {200, 303}
        return
    assert (page.status_code, "There is no field called dry_run." in page.text) == (422, True)
    assert told.mimetype == "application/problem+json"
    if method in route.pages:
        assert told.status_code == 406
    else:
        assert (told.status_code, told.get_json()["fields"]) == (422, {"dry_run": "There is no such field."})
    assert recorded == []


@pytest.mark.parametrize(
    "along",
    [
        {"query_string": {"next": "/", "lang": "de"}},
        {"data": {"submit": "Sign out", "next": "/"}},
        {"data": "bye", "content_type": "text/plain"},
        {"data": b"{", "content_type": "application/json"},
    ],
    ids=["address", "form", "text", "json"],
)
def test_whoever_leaves_or_stays_does_so_with_whatever_a_form_of_a_host_sends_along(
    client: FlaskClient, root: SignedIn, along: dict[str, Any]
) -> None:
    stayed = client.post("/auth/session", headers=root.headers, **along)
    assert (stayed.status_code, stayed.get_json()["seconds_left"] > 0) == (200, True)
    assert client.post("/auth/logout", headers=root.headers, **along).status_code == 303
    assert client.get("/account", headers=JSON).status_code == 401


def test_nothing_else_takes_anything_along() -> None:
    assert {key for key, taken in TAKES.items() if taken.anything} == {("sign_out", "POST"), ("session_status", "POST")}


ROW = {"user": "{target}", "name": "Tess Target", "role": "viewer", "version": "1", "is_active": "true"}


@pytest.mark.parametrize("sent_as", ["data", "query_string"])
def test_a_row_is_deleted_with_the_fields_that_htmx_sends_along(
    client: FlaskClient, root: SignedIn, target: SignedIn, sent_as: str
) -> None:
    """htmx 1.9 sends them as a form, htmx 2 and 4 in the address."""
    row = ROW | {"user": str(target.user_id), "csrf_token": root.csrf_token, "_method": "put"}
    sent: dict[str, Any] = {sent_as: row}
    answer = client.delete(f"/users/{target.user_id}", headers=root.headers | HTMX, **sent)
    assert (answer.status_code, answer.text) == (200, "")
    assert client.get(f"/users/{target.user_id}", headers=JSON).status_code == 404


@pytest.mark.parametrize("sent", [{"data": b""}, {"data": b"{}"}], ids=["empty", "object"])
def test_a_program_that_names_the_kind_of_a_body_may_send_none(
    client: FlaskClient, root: SignedIn, target: SignedIn, sent: dict[str, Any]
) -> None:
    headers = root.headers | JSON | {"Content-Type": "application/json"}
    assert client.delete(f"/users/{target.user_id}", headers=headers, **sent).status_code == 200


@pytest.mark.parametrize("body", [b"[]", b"true", b"{", b'{"a": 1, "a": 2}'])
def test_what_is_no_object_keeps_from_a_deletion(
    client: FlaskClient, root: SignedIn, target: SignedIn, body: bytes
) -> None:
    headers = root.headers | JSON | {"Content-Type": "application/json"}
    assert client.delete(f"/users/{target.user_id}", headers=headers, data=body).status_code == 400
    assert client.get(f"/users/{target.user_id}", headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "address", "form", "twice"),
    [
        ("PUT", "/users/{target}", [], [("version", "1"), ("name", "One"), ("name", "Other")], "name"),
        ("POST", "/users/{target}", [], [("_method", "put"), ("_method", "delete"), ("version", "1")], "_method"),
        ("POST", "/users/{target}/toggle-active", [], [("is_active", "false"), ("is_active", "true")], "is_active"),
        (
            "POST",
            "/users/invitations",
            [],
            [("email", "new@example.com"), ("role", "viewer"), ("role", "admin")],
            "role",
        ),
        ("POST", "/users/bulk", [], [("user", "{target}"), ("change", "activate"), ("change", "remove")], "change"),
        ("DELETE", "/users/invitations", [("id", "1"), ("id", "2")], [], "id"),
        ("DELETE", "/users/invitations", [("id", "1")], [("id", "2")], "id"),
        ("GET", "/users", [("role", "viewer"), ("role", "admin")], [], "role"),
        ("GET", "/account/activity", [("before", "1"), ("before", "2")], [], "before"),
        ("GET", "/admin/audit-logs", [("q", "one"), ("q", "other")], [], "q"),
        ("GET", "/admin/audit-logs", [("before", "1"), ("before", "2")], [], "before"),
        ("GET", "/admin/audit-logs/export", [("format", "csv"), ("format", "ocsf")], [], "format"),
    ],
)
def test_what_stands_twice_and_is_meant_once_is_refused_by_its_name(
    client: FlaskClient,
    root: SignedIn,
    target: SignedIn,
    method: str,
    path: str,
    address: list[tuple[str, str]],
    form: list[tuple[str, str]],
    twice: str,
) -> None:
    before = client.get("/users", headers=JSON).get_json(), client.get("/users/invitations", headers=JSON).get_json()
    said = MultiDict((name, value.format(target=target.user_id)) for name, value in form)

    def ask(headers: dict[str, str]) -> Any:
        return client.open(
            path.format(target=target.user_id),
            method=method,
            query_string=MultiDict(address),
            data=said if method != "GET" else None,
            headers=root.headers | headers,
        )

    told, page = ask(JSON), ask({})
    assert (told.status_code, told.get_json()["fields"]) == (422, {twice: "That was sent more than once."})
    assert (page.status_code, "sent more than once." in page.text) == (422, True)
    after = client.get("/users", headers=JSON).get_json(), client.get("/users/invitations", headers=JSON).get_json()
    assert after == before


HTMX_DELETES = pytest.mark.parametrize("sent_as", ["data", "query_string"], ids=["htmx 1.9", "htmx 2"])


@HTMX_DELETES
def test_an_invitation_is_withdrawn_by_a_button_whose_form_says_what_its_address_does(
    client: FlaskClient, root: SignedIn, sent_as: str
) -> None:
    """htmx sends the form around a button with a DELETE, 1.9 as a body, 2 in the address, behind what is there."""
    invited = {"email": "new@example.com", "role": "viewer"}
    client.post("/users/invitations", json=invited, headers=root.headers | JSON)
    assert delete_by_htmx(client, root, "/users/invitations", "/users/invitations?id=", sent_as) == 200
    assert client.get("/users/invitations", headers=JSON).get_json()["invitations"] == []


@HTMX_DELETES
def test_a_session_is_ended_by_a_button_in_a_form(
    app: Flask, client: FlaskClient, root: SignedIn, sent_as: str
) -> None:
    other = sign_in_as(app.test_client(), Role.ADMIN, email="root@example.com")
    there = f"/account/sessions/{other.session_id}"
    assert delete_by_htmx(client, root, "/account", there, sent_as) == 200
    assert "/account/sessions/" not in client.get("/account").text


@HTMX_DELETES
def test_other_sessions_are_ended_by_what_a_form_around_a_button_sends_along(
    app: Flask, client: FlaskClient, root: SignedIn, sent_as: str
) -> None:
    """No page of ours has such a button; one of a host may make it of the form that ours has."""
    sign_in_as(app.test_client(), Role.ADMIN, email="root@example.com")
    along: dict[str, Any] = {sent_as: {"csrf_token": root.csrf_token}}
    assert client.delete("/account/sessions/others", headers=root.headers | HTMX, **along).status_code == 200
    assert "/account/sessions/" not in client.get("/account").text


@HTMX_DELETES
def test_an_account_is_unlinked_by_a_button_in_a_form(
    app: Flask, client: FlaskClient, root: SignedIn, sent_as: str
) -> None:
    now = utc_now()
    with state_of(app).database.transaction() as db:
        for subject in ("one", "other"):
            account = {"issuer": "https://id.example.com", "subject": subject}
            db.add(Identity(user_id=root.user_id, provider="dev", created_at=now, last_used_at=now, **account))
    before = len(client.get("/account", headers=JSON).get_json()["identities"])
    assert delete_by_htmx(client, root, "/account", "/account/identities/", sent_as) == 200
    assert len(client.get("/account", headers=JSON).get_json()["identities"]) == before - 1


def delete_by_htmx(client: FlaskClient, who: SignedIn, page: str, address: str, sent_as: str) -> int:
    """Return the status of what the button does whose address begins so, with the fields of the form around it."""
    actions = [one for one in actions_of(client.get(page).text, page) if one.method == "DELETE"]
    button = next(one for one in actions if one.address.startswith(address))
    assert button.fields
    there = button.address
    if sent_as == "query_string":
        there += ("&" if "?" in there else "?") + urlencode(button.fields)
    body = dict(button.fields) if sent_as == "data" else None
    return client.delete(there, data=body, headers=who.headers | HTMX).status_code


@pytest.mark.parametrize("path", ["/users?role=viewer&role=viewer", "/admin/audit-logs?q=one&q=one"])
def test_what_is_said_twice_alike_is_said_once(client: FlaskClient, root: SignedIn, path: str) -> None:
    assert client.get(path, headers=JSON).status_code == 200


def test_several_are_changed_by_a_field_that_is_meant_to_stand_several_times(
    app: Flask, client: FlaskClient, root: SignedIn, target: SignedIn
) -> None:
    other = sign_in_as(app.test_client(), email="other@example.com", name="Other")
    said = MultiDict([("change", "deactivate"), ("user", str(target.user_id)), ("user", str(other.user_id))])
    answer = client.post("/users/bulk", data=said, headers=root.headers | JSON)
    assert answer.get_json()["changed"] == 2


def test_an_invitation_is_answered_as_made_whatever_of_a_host_stands_in_its_address(
    client: FlaskClient, root: SignedIn
) -> None:
    invited = {"email": "new@example.com", "role": "viewer"}
    answer = client.post("/users/invitations?_lang=de", data=invited, headers=root.headers)
    assert (answer.status_code, "new@example.com is invited." in answer.text) == (200, True)


LISTS = ("/users", "/users/invitations", "/users/{target}/activity", "/account/activity", "/admin/audit-logs")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_leaves_to_a_host_what_is_its_own(
    client: FlaskClient, root: SignedIn, target: SignedIn, path: str
) -> None:
    path = path.format(target=target.user_id)
    assert client.get(f"{path}?_lang=de", headers=JSON).status_code == 200
    assert client.get(f"{path}?lang=de", headers=JSON).get_json()["fields"] == {"lang": "There is no such filter."}


def test_the_forms_of_the_pages_send_nothing_in_the_address(
    client: FlaskClient, root: SignedIn, target: SignedIn
) -> None:
    """A form without an address of its own is sent to that of its page, with whatever a mail program put there."""
    invited = {"email": "new@example.com", "role": "viewer"}
    assert client.post("/users/invitations", data=invited, headers=root.headers).status_code == 200
    changes = []
    for route in ROUTES:
        path = route.rule.replace("<int:user_id>", str(target.user_id))
        if "GET" in route.may and "<" not in path and "export" not in path:
            page = client.get(f"{path}?_from=mail")
            if page.mimetype == "text/html" and page.status_code == 200:
                changes += [one for one in actions_of(page.text, f"{path}?_from=mail") if one.method != "GET"]
    assert {urlsplit(one.address).path for one in changes} >= {
        "/auth/logout",
        "/users/bulk",
        "/users/invitations",
        f"/users/{target.user_id}",
        f"/users/{target.user_id}/toggle-active",
    }
    # The address of an invitation that is withdrawn says which: a DELETE has no body.
    assert {one for one in changes if "?" in one.address} == {
        one for one in changes if one.method == "DELETE" and one.address.startswith("/users/invitations?id=")
    }


ADA = {"user": ["Ada"]}
BY_ALL = [
    (ADA | {"change": "activate"}, True),
    (ADA | {"change": "activate:"}, False),
    (ADA | {"change": "role:editor"}, False),
    (ADA | {"change": "role:editor", "new_role": "editor"}, False),
    (ADA | {"change": "role", "new_role": "editor"}, True),
    (ADA | {"change": "role", "new_role": ""}, False),
    (ADA | {"change": "role", "new_role": "king"}, False),
    (ADA | {"change": "role"}, False),
    (ADA | {"change": "activate", "new_role": "king"}, False),
    (ADA | {"change": "activate", "everyone": ""}, False),
    (ADA | {"change": "activate", "after": ""}, False),
    (ADA | {"change": "activate", "everyone": "1"}, True),
    ({"change": "activate", "everyone": "1", "q": "t", "role": "", "status": "active", "sort": "-name"}, True),
    ({"change": "activate", "everyone": ""}, False),
    ({"change": "activate"}, False),
]
BY_PROGRAMS = [
    (ADA | {"change": "activate", "new_role": "editor"}, False),
    ({"change": "activate", "user": "Ada"}, False),
    ({"change": "activate", "user": []}, False),
    ({"change": "activate", "user": [], "everyone": "1"}, False),
]
# The page has one form, whose field for the role is sent with every button.
BY_PAGES = [(ADA | {"change": "activate", "new_role": "editor"}, True)]


@pytest.mark.parametrize(
    ("kind", "said", "is_taken"),
    [
        *(("json", said, is_taken) for said, is_taken in [*BY_ALL, *BY_PROGRAMS]),
        *(("data", said, is_taken) for said, is_taken in [*BY_ALL, *BY_PAGES]),
    ],
)
def test_many_are_changed_by_what_is_described_and_by_nothing_else(
    client: FlaskClient, root: SignedIn, target: SignedIn, kind: str, said: dict[str, Any], is_taken: bool
) -> None:
    ids: dict[Any, Any] = {"Ada": target.user_id}
    body = {
        name: [ids[one] for one in value] if isinstance(value, list) else ids.get(value, value)
        for name, value in said.items()
    }
    taken = TAKES["change_many", "POST"]
    schema = taken.form if kind == "data" else taken.body
    assert schema is not None
    sent: dict[str, Any] = {kind: body}
    answer = client.post("/users/bulk", headers=root.headers | JSON, **sent)
    assert (jsonschema_rs.validator_for(schema).is_valid(body), answer.status_code) == (
        is_taken,
        200 if is_taken else 422,
    )
