"""Who may come in, as the web answers it: invitations, and people who ask to join."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.accounts.service import Profile, invite, request_to_join
from flask_gatehouse.testing import SignedIn, sign_in_as
from tests.web.conftest import state_of

HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def root(client: FlaskClient) -> SignedIn:
    return sign_in_as(client, Role.ADMIN, email="root@example.com", name="Root")


def test_an_invitation_is_shown_and_withdrawn(client: FlaskClient, root: SignedIn) -> None:
    sent = {"email": "New@Example.com", "role": "editor"}
    assert b"new@example.com" in client.post("/users/invitations", data=sent, headers=root.headers).data
    listed = client.get("/users/invitations", headers=JSON).get_json()["invitations"]
    assert [(one["email"], one["role"]) for one in listed] == [("new@example.com", "editor")]
    address = f"/users/invitations?id={listed[0]['id']}"
    assert client.delete(address, headers={**HTMX, **root.headers}).status_code == 200
    assert client.delete(address, headers={**HTMX, **root.headers}).status_code == 404
    assert client.post("/users/invitations", data=sent, headers=root.headers).status_code == 200
    (other,) = client.get("/users/invitations", headers=JSON).get_json()["invitations"]
    answer = client.delete(f"/users/invitations?id={other['id']}", headers={**JSON, **root.headers})
    assert (answer.status_code, answer.data) == (204, b"")
    for wrong in ("?id=abc", "?id=0", "?id=", ""):
        refused = client.delete(f"/users/invitations{wrong}", headers={**JSON, **root.headers})
        assert (refused.status_code, list(refused.get_json()["fields"])) == (422, ["id"])


def test_open_invitations_are_shown_on_pages(app: Flask, client: FlaskClient, root: SignedIn) -> None:
    with state_of(app).database.transaction() as db:
        for index in range(101):
            invite(db, f"p{index:03}@example.com", "viewer")
    path, seen = "/users/invitations", []
    while path:
        page, told = client.get(path).text, client.get(path, headers=JSON).get_json()
        shown = [one["email"] for one in told["invitations"]]
        assert [address for address in shown if address not in page] == []
        assert (f"before={told['next']}#pending-title" in page) == (told["next"] is not None)
        seen.append(shown)
        path = f"/users/invitations?before={told['next']}" if told["next"] else ""
    assert [len(shown) for shown in seen] == [50, 50, 1]
    assert len({address for shown in seen for address in shown}) == 101


def test_who_is_invited_already_is_not_invited_otherwise_by_the_way(client: FlaskClient, root: SignedIn) -> None:
    first, other = {"email": "new@example.com", "role": "editor"}, {"email": "New@example.com", "role": "viewer"}
    assert client.post("/users/invitations", json=first, headers=root.headers | JSON).status_code == 201
    for headers in ({}, HTMX):
        page = client.post("/users/invitations", data=other, headers=root.headers | headers)
        assert (page.status_code, "This address is invited already, as Editor." in page.text) == (409, True)
        assert 'name="again" value="true"' in page.text
        assert 'value="New@example.com"' in page.text
    problem = client.post("/users/invitations", json=other, headers=root.headers | JSON)
    assert (problem.status_code, problem.get_json()["invitation"]["role"]) == (409, "editor")
    again = client.post("/users/invitations", data=other | {"again": "true"}, headers=root.headers)
    assert again.status_code == 200
    (listed,) = client.get("/users/invitations", headers=JSON).get_json()["invitations"]
    assert (listed["email"], listed["role"]) == ("new@example.com", "viewer")


@pytest.mark.parametrize(
    "sent",
    [
        {"email": "", "role": "viewer"},
        {"email": "no address", "role": "viewer"},
        {"email": "a@example.com", "role": "king"},
        {"email": "root@example.com", "role": "viewer"},
    ],
)
def test_an_invitation_that_cannot_be_is_explained(client: FlaskClient, root: SignedIn, sent: dict[str, str]) -> None:
    answer = client.post("/users/invitations", data=sent, headers=root.headers)
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.data


def ask_to_join(app: Flask, count: int) -> list[str]:
    """Let strangers ask, and return their addresses, the newest first."""
    addresses = [f"s{number:03}@example.com" for number in range(count)]
    with state_of(app).database.transaction() as db:
        for one in addresses:
            request_to_join(
                db, Profile("google", "https://issuer.example", one, one[:4], one, email_is_authoritative=True)
            )
    return addresses[::-1]


def test_people_who_ask_to_join_are_shown_on_pages(app: Flask, client: FlaskClient, root: SignedIn) -> None:
    asked = ask_to_join(app, 51)
    first = client.get("/users/invitations", headers=JSON).get_json()
    assert [one["email"] for one in first["join_requests"]] == asked[:50]
    assert asked[50] not in client.get("/users/invitations").text
    there = f"/users/invitations?join_requests_before={first['join_requests_next']}"
    assert f"{there.removeprefix('/users/invitations')}#requests-title" in client.get("/users/invitations").text
    rest = client.get(there, headers=JSON).get_json()
    assert ([one["email"] for one in rest["join_requests"]], rest["join_requests_next"]) == ([asked[50]], None)
    assert asked[50] in client.get(there).text


def test_whoever_was_approved_hides_nobody_and_can_be_kept_out_again(
    app: Flask, client: FlaskClient, root: SignedIn
) -> None:
    asked = ask_to_join(app, 51)
    told = client.get("/users/invitations", headers=JSON).get_json()
    for one in told["join_requests"]:
        sent = {"join_request": one["id"], "decision": "approve", "role": "editor"}
        assert client.post("/users/invitations", json=sent, headers=root.headers | JSON).status_code == 204
    told = client.get("/users/invitations", headers=JSON).get_json()
    assert [one["email"] for one in told["join_requests"]] == [asked[50]]
    assert [one["email"] for one in told["approved"]] == asked[:50]
    assert {one["approved_role"] for one in told["approved"]} == {"editor"}
    page = client.get("/users/invitations").text
    assert [page.count(f'value="{word}"') for word in ("approve", "decline", "withdraw")] == [1, 1, 50]
    mistaken = {"join_request": str(told["approved"][0]["id"]), "decision": "withdraw"}
    assert client.post("/users/invitations", data=mistaken, headers=root.headers).status_code == 303
    left = client.get("/users/invitations", headers=JSON).get_json()["approved"]
    assert [one["email"] for one in left] == asked[1:50]


@pytest.mark.parametrize("second", ["approve", "decline"])
@pytest.mark.parametrize("first", ["approve", "decline"])
def test_nobody_overrides_unseen_what_another_has_decided(
    app: Flask, client: FlaskClient, root: SignedIn, first: str, second: str
) -> None:
    ask_to_join(app, 1)
    (one,) = client.get("/users/invitations", headers=JSON).get_json()["join_requests"]
    sent = {"join_request": str(one["id"]), "role": "editor"}
    assert client.post("/users/invitations", data=sent | {"decision": first}, headers=root.headers).status_code == 303
    before = client.get("/users/invitations", headers=JSON).get_json()
    late = sent | {"decision": second, "role": "admin"}
    for headers in ({}, HTMX, JSON):
        answer = client.post("/users/invitations", data=late, headers=root.headers | headers)
        told = answer.get_json()["detail"] if headers is JSON else answer.text
        assert answer.status_code == 409
        assert "Somebody has decided about this request to join meanwhile." in told
    assert client.get("/users/invitations", headers=JSON).get_json() == before


def test_only_an_approval_is_withdrawn(app: Flask, client: FlaskClient, root: SignedIn) -> None:
    ask_to_join(app, 1)
    before = client.get("/users/invitations", headers=JSON).get_json()
    sent = {"join_request": before["join_requests"][0]["id"], "decision": "withdraw"}
    assert client.post("/users/invitations", json=sent, headers=root.headers | JSON).status_code == 409
    assert client.get("/users/invitations", headers=JSON).get_json() == before


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"decision": "approve", "email": "new@example.com"}, ["email", "join_request"]),
        ({"decision": "approve"}, ["join_request"]),
        ({"join_request": 1, "decision": "approve", "email": "new@example.com"}, ["email"]),
        ({"join_request": 1, "email": "new@example.com"}, ["email"]),
        ({"join_request": 1, "decision": "decline", "again": True}, ["again"]),
    ],
    ids=["nobody", "nothing", "both", "undecided", "again"],
)
def test_what_says_that_it_invites_and_decides_does_neither(
    app: Flask, client: FlaskClient, root: SignedIn, sent: dict[str, object], wrong: list[str]
) -> None:
    ask_to_join(app, 1)
    before = client.get("/users/invitations", headers=JSON).get_json()
    assert before["join_requests"][0]["id"] == 1
    answer = client.post("/users/invitations", json=sent | {"role": "viewer"}, headers=root.headers | JSON)
    assert (answer.status_code, sorted(answer.get_json()["fields"])) == (422, wrong)
    form = {name: str(value).lower() for name, value in sent.items()} | {"role": "viewer"}
    page = client.post("/users/invitations", data=form, headers=root.headers)
    assert page.status_code == 422
    assert [name for name in wrong if name not in page.text] == []
    assert client.get("/users/invitations", headers=JSON).get_json() == before
