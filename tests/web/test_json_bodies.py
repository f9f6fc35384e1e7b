"""JSON bodies: a value of another kind than its field is refused, and nothing is changed."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.testing import SignedIn, sign_in_as

JSON, HTMX = {"Accept": "application/json"}, {"HX-Request": "true"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def root(client: FlaskClient) -> SignedIn:
    return sign_in_as(client, Role.ADMIN, email="root@example.com", name="Root")


@pytest.fixture
def target(app: Flask) -> int:
    return sign_in_as(app.test_client(), email="target@example.com", name="Tess Target").user_id


def kept(client: FlaskClient) -> tuple[Any, Any]:
    return tuple(client.get(path, headers=JSON).get_json() for path in ("/users", "/users/invitations"))


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"name": 5}, 422),
        ({"name": True}, 422),
        ({"name": None}, 422),
        ({"name": ["Tess"]}, 422),
        ({"name": "a\ud800b"}, 422),
        ({"role": None}, 422),
        ({"role": []}, 422),
        ({"role": {"role": "admin"}}, 422),
        ({"version": "1"}, 422),
        ({"version": True}, 422),
        ({"version": 1.0}, 422),
        ({"version": None}, 422),
        ({"version": 10**30}, 422),
        ({"version": -1}, 422),
        ({"version": 10**9}, 409),
    ],
)
def test_an_edit_of_other_kinds_is_refused(
    client: FlaskClient, root: SignedIn, target: int, changed: dict[str, Any], status: int
) -> None:
    before = kept(client)
    edit = {"name": "Other", "role": "editor", "version": 1} | changed
    answer = client.put(f"/users/{target}", json=edit, headers={**JSON, **root.headers})
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert status == 409 or set(answer.get_json()["fields"]) == set(changed)
    assert kept(client) == before


def test_each_field_of_another_kind_is_named_with_the_kind_that_it_needs(
    client: FlaskClient, root: SignedIn, target: int
) -> None:
    body = {"name": 5, "role": [], "version": "1"}
    answer = client.put(f"/users/{target}", json=body, headers={**JSON, **root.headers}).get_json()
    told = {"name": "That must be a text.", "role": "That must be a text."}
    assert answer["fields"] == told | {"version": "That must be a whole number, from 1 on."}
    without = client.put(f"/users/{target}", json={"name": "A"}, headers={**JSON, **root.headers})
    assert (without.status_code, set(without.get_json()["fields"])) == (422, {"version"})


def test_a_program_learns_the_version_that_an_edit_needs(client: FlaskClient, root: SignedIn, target: int) -> None:
    told = client.get(f"/users/{target}/edit", headers=JSON).get_json()
    body = {"name": "Other", "version": told["version"]}
    assert client.put(f"/users/{target}", json=body, headers={**JSON, **root.headers}).status_code == 200


def test_a_program_may_send_back_what_it_was_told(client: FlaskClient, root: SignedIn, target: int) -> None:
    told = client.get(f"/users/{target}/edit", headers=JSON).get_json()
    headers = {**JSON, **root.headers}
    answer = client.put(f"/users/{target}", json=told | {"is_active": False}, headers=headers)
    assert (answer.status_code, answer.get_json()["fields"]) == (422, {"is_active": "That is not changed here."})
    answer = client.put(f"/users/{target}", json=told | {"name": "Other"}, headers=headers)
    assert (answer.status_code, answer.get_json()["name"]) == (200, "Other")


@pytest.mark.parametrize(
    ("method", "path", "fields", "unknown"),
    [
        ("POST", "/users/{target}/toggle-active", {"active": False}, "active"),
        ("PUT", "/users/{target}", {"version": 1, "nmae": "Other"}, "nmae"),
        ("POST", "/users/invitations", {"email": "new@example.com", "role": "viewer", "agian": True}, "agian"),
        ("POST", "/users/bulk", {"change": "deactivate", "user": ["1"], "newrole": "viewer"}, "newrole"),
        ("POST", "/account/delete", {"confirm": "root@example.com", "whom": "target@example.com"}, "whom"),
    ],
)
def test_a_field_that_is_mistyped_is_named_and_nothing_is_done(
    client: FlaskClient, root: SignedIn, target: int, method: str, path: str, fields: Any, unknown: str
) -> None:
    before = kept(client)
    address, headers = path.format(target=target), {**JSON, **root.headers}
    answer = client.open(address, method=method, headers=headers, json=fields)
    assert (answer.status_code, answer.get_json()["fields"]) == (422, {unknown: "There is no such field."})
    page = client.open(address, method=method, headers=root.headers, json=fields)
    assert (page.status_code, f"There is no field called {unknown}." in page.text) == (422, True)
    assert kept(client) == before


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/users/{target}/toggle-active", {"active": "true"}),
        ("PUT", "/users/{target}", {"version": "1", "name": "Other", "rloe": "admin"}),
        ("POST", "/users/{target}", {"_method": "put", "version": "1", "name": "Other", "rloe": "admin"}),
        # A program may repeat in JSON what it was told; a form that says one of these wants it to be so.
        ("POST", "/users/{target}", {"_method": "put", "version": "1", "name": "Other", "email": "other@example.com"}),
        ("PUT", "/users/{target}", {"version": "1", "name": "Other", "locked": "true"}),
        ("POST", "/users/invitations", {"email": "new@example.com", "role": "viewer", "agian": "true"}),
        ("POST", "/users/bulk", {"change": "deactivate", "user": "{target}", "everyon": "1"}),
        ("POST", "/account/delete", {"confirm": "root@example.com", "whom": "target@example.com"}),
        ("POST", "/admin/access-review", {"part": "roles", "decision": "withdraw", "user": "{target}", "everyon": "1"}),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX, JSON])
def test_a_form_is_refused_by_a_field_that_is_mistyped_too(
    client: FlaskClient,
    root: SignedIn,
    target: int,
    method: str,
    path: str,
    fields: dict[str, str],
    headers: dict[str, str],
) -> None:
    before, is_page_only = kept(client), path == "/admin/access-review" and headers is JSON
    said = {name: value.format(target=target) for name, value in fields.items()}
    answer = client.open(path.format(target=target), method=method, headers={**headers, **root.headers}, data=said)
    assert answer.status_code == (406 if is_page_only else 422)
    mistyped = next(reversed(fields))
    assert (mistyped in answer.text) != is_page_only
    assert kept(client) == before


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        # What ``fetch`` says of a string.
        ("text/plain;charset=UTF-8", b'{"is_active": true}', 415),
        (None, b"is_active=true", 415),
        ("application/x-json", b'{"is_active": true}', 415),
        ("multipart/form-data", b"is_active=true", 415),
        ("multipart/form-data; boundary=b", b"is_active=true", 415),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="is_active"; filename="x"\r\n\r\ntrue\r\n--b--',
            422,
        ),
        ("application/x-www-form-urlencoded", b"", 200),
    ],
)
def test_what_is_neither_form_nor_json_does_not_do_the_opposite(
    client: FlaskClient, root: SignedIn, target: int, kind: str | None, body: bytes, status: int
) -> None:
    before = kept(client)
    answer = client.post(
        f"/users/{target}/toggle-active", data=body, content_type=kind, headers={**JSON, **root.headers}
    )
    assert answer.status_code == status
    assert (kept(client) == before) is (status != 200)


@pytest.mark.parametrize(
    "fields",
    [
        {"complete": "2"},
        {"complete": ""},
        {"part": "roles", "decision": "withdraw", "everyone": "0"},
        {"part": "roles", "decision": "withdraw", "everyone": ""},
    ],
)
def test_a_review_takes_no_tick_that_its_form_does_not_send(
    client: FlaskClient, root: SignedIn, target: int, fields: dict[str, str]
) -> None:
    before = kept(client)
    answer = client.post("/admin/access-review", data=fields, headers=root.headers)
    assert (answer.status_code, kept(client)) == (422, before)
    assert "There has been no review yet" in client.get("/admin/access-review").text


def test_what_a_host_adds_to_a_form_is_its_own(app: Flask, client: FlaskClient, root: SignedIn, target: int) -> None:
    app.config["WTF_CSRF_FIELD_NAME"] = "token"
    own = {"csrf_token": root.csrf_token, "token": "x", "_charset_": "utf-8", "_csrf": "y", "is_active": "false"}
    assert client.post(f"/users/{target}/toggle-active", data=own, headers=root.headers).status_code == 303
    assert not client.get(f"/users/{target}", headers=JSON).get_json()["is_active"]


@pytest.mark.parametrize("said", ["yes", 1, None, [], "true"])
def test_a_wanted_state_is_true_or_false(client: FlaskClient, root: SignedIn, target: int, said: Any) -> None:
    path, headers = f"/users/{target}/toggle-active", {**JSON, **root.headers}
    answer = client.post(path, json={"is_active": said}, headers=headers)
    assert (answer.status_code, set(answer.get_json()["fields"])) == (422, {"is_active"})
    assert client.get(f"/users/{target}", headers=JSON).get_json()["is_active"]


@pytest.mark.parametrize(
    "changed",
    [
        {"user": ["{target}"]},
        {"user": [True]},
        {"user": [0]},
        {"user": [-1]},
        {"user": [2**31]},
        {"user": [None, 1]},
        {"user": {"id": 1}},
        {"user": []},
        {"user": None},
        {"user": list(range(1, 1002))},
        {"everyone": True},
        {"everyone": "yes"},
        {"change": 1},
        {"change": "role", "new_role": 3},
    ],
)
def test_a_change_of_many_is_refused_whole(
    client: FlaskClient, root: SignedIn, target: int, changed: dict[str, Any]
) -> None:
    before = kept(client)
    body = {"change": "deactivate", "user": [target]} | changed
    answer = client.post("/users/bulk", json=body, headers={**JSON, **root.headers})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert kept(client) == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"user": [-1]}, {"user": "That must be a whole number, from 1 on."}),
        ({"user": [2**31]}, {"user": "Nobody and nothing here answers to that."}),
        ({"change": "role"}, {"new_role": "Please fill this in."}),
        ({"change": "role", "new_role": "king"}, {"new_role": "Please choose one of the list."}),
        ({"change": "role:king"}, {"change": "Please choose one of the list."}),
    ],
)
def test_a_change_of_many_is_refused_by_the_field_that_is_wrong(
    client: FlaskClient, root: SignedIn, target: int, changed: dict[str, Any], told: dict[str, str]
) -> None:
    body = {"change": "deactivate", "user": [target]} | changed
    answer = client.post("/users/bulk", json=body, headers={**JSON, **root.headers})
    assert (answer.status_code, answer.get_json()["fields"]) == (422, told)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/users?after=nope", {"after": "That is no place in this list."}),
        ("/admin/audit-logs?after=xyz", {"after": "That must be a whole number, from 1 on."}),
        ("/admin/audit-logs?before=1&after=1", {"after": "That is no place in this list."}),
        *(
            (f"{path}?{asked}", told)
            for path in ("/users/invitations", "/account/activity", "/users/{target}/activity")
            for asked, told in (
                ("before=nope", {"before": "That must be a whole number, from 1 on."}),
                ("nope=1", {"nope": "There is no such filter."}),
            )
        ),
    ],
)
def test_a_list_is_refused_by_what_is_wrong_with_what_was_asked(
    client: FlaskClient, root: SignedIn, target: int, asked: str, told: dict[str, str]
) -> None:
    answer = client.get(asked.format(target=target), headers=JSON)
    assert (answer.status_code, answer.get_json()["fields"]) == (422, told)


def test_many_are_changed_by_json_too(client: FlaskClient, root: SignedIn, target: int) -> None:
    body = {"change": "role", "new_role": "editor", "user": [target, root.user_id, 4711]}
    answer = client.post("/users/bulk", json=body, headers={**JSON, **root.headers})
    assert answer.get_json() == {
        "changed": 1,
        "unchanged": 0,
        "skipped": [{"id": 4711, "reason": "not_found"}, {"id": root.user_id, "reason": "yourself"}],
        "finished": True,
    }


@pytest.mark.parametrize("decision", ["", "maybe", None, 1, ["approve"]])
def test_nobody_is_declined_by_mistake(client: FlaskClient, root: SignedIn, decision: Any) -> None:
    body = {"join_request": 1, "decision": decision, "role": "viewer"}
    answer = client.post("/users/invitations", json=body, headers={**JSON, **root.headers})
    assert answer.status_code == 422


TWICE = '{"name": "One", "name": "Other", "version": 1, "change": "activate", "change": "deactivate"}'


@pytest.mark.parametrize("body", ["[]", "5", "null", '"x"', "{", "", "\0", '{"version": NaN}', TWICE, "[" * 100_000])
def test_what_is_no_object_is_refused(client: FlaskClient, root: SignedIn, target: int, body: str) -> None:
    headers = {**JSON, **root.headers, "Content-Type": "application/json"}
    for method, path in (("PUT", f"/users/{target}"), ("POST", "/users/bulk"), ("POST", "/users/invitations")):
        assert client.open(path, method=method, data=body, headers=headers).status_code == 400
