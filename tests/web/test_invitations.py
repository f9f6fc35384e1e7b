"""Who may come in, as the web answers it: invitations, and people who ask to join."""

from collections.abc import Sequence

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


def test_whoever_was_approved_hides_nobody_and_waits_again_once_that_is_withdrawn(
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
    assert page.count('<input type="hidden" name="role" value="editor">') == 50
    mistaken = {"join_request": str(told["approved"][0]["id"]), "decision": "withdraw", "role": "editor"}
    assert client.post("/users/invitations", data=mistaken, headers=root.headers).status_code == 303
    left = client.get("/users/invitations", headers=JSON).get_json()
    assert [one["email"] for one in left["approved"]] == asked[1:50]
    assert [one["email"] for one in left["join_requests"]] == [asked[0], asked[50]]


APPROVED = {"decision": "approve", "role": "editor"}
DECLINED = {"decision": "decline"}
IS_APPROVED = ("approved this request to join meanwhile, as Editor.", "Withdraw the approval, then decide anew.")
IS_DECLINED = ("declined this request to join meanwhile.", "An invitation lets this person in at once.")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (APPROVED, APPROVED | {"role": "admin"}, IS_APPROVED),
        (APPROVED, DECLINED, IS_APPROVED),
        (DECLINED, APPROVED, IS_DECLINED),
        (DECLINED, {"decision": "withdraw"}, IS_DECLINED),
        (APPROVED, {"decision": "withdraw", "role": "admin"}, IS_APPROVED),
    ],
    ids=["another role", "declined", "approved", "withdrawn", "corrected"],
)
def test_nobody_overrides_unseen_what_another_has_decided(
    app: Flask, client: FlaskClient, root: SignedIn, first: dict[str, str], second: dict[str, str], told: Sequence[str]
) -> None:
    ask_to_join(app, 1)
    (one,) = client.get("/users/invitations", headers=JSON).get_json()["join_requests"]
    there = {"join_request": str(one["id"])}
    assert client.post("/users/invitations", data=there | first, headers=root.headers).status_code == 303
    before = client.get("/users/invitations", headers=JSON).get_json()
    for headers in ({}, HTMX):
        answer = client.post("/users/invitations", data=there | second, headers=root.headers | headers)
        assert (answer.status_code, [one for one in told if one not in answer.text]) == (409, [])
    problem = client.post("/users/invitations", data=there | second, headers=root.headers | JSON)
    assert problem.status_code == 409
    assert (problem.get_json()["current"], problem.get_json()["yours"]) == (first, second)
    assert client.get("/users/invitations", headers=JSON).get_json() == before


@pytest.mark.parametrize("word", [APPROVED, DECLINED, {"decision": "withdraw"}], ids=lambda word: word["decision"])
def test_the_same_word_once_more_is_taken(
    app: Flask, client: FlaskClient, root: SignedIn, word: dict[str, str]
) -> None:
    """A second click on a button, and a program that has not heard the answer."""
    ask_to_join(app, 1)
    (one,) = client.get("/users/invitations", headers=JSON).get_json()["join_requests"]
    there = {"join_request": one["id"]}
    shown = []
    for _ in range(2):
        sent = client.post("/users/invitations", json=there | word, headers=root.headers | JSON)
        assert sent.status_code == 204
        shown.append(client.get("/users/invitations", headers=JSON).get_json())
    assert shown[0] == shown[1]


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
