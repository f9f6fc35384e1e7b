"""User administration as the web answers it: who may, pages and rows, bad input, conflicts, many at once."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, text
from sqlalchemy.exc import OperationalError

from flask_gatehouse import Role
from flask_gatehouse.accounts.holds import hold_user
from flask_gatehouse.accounts.models import User
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web import many
from tests.web.conftest import state_of

HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}
Enter = Callable[[Role], tuple[FlaskClient, SignedIn]]


@pytest.fixture
def enter(app: Flask) -> Enter:
    def enter(role: Role) -> tuple[FlaskClient, SignedIn]:
        client = app.test_client()
        return client, sign_in_as(client, role, email=f"{role}@example.com", name=role.title())

    return enter


@pytest.fixture
def target(app: Flask) -> int:
    """Somebody on whom things are tried."""
    return sign_in_as(app.test_client(), email="target@example.com", name="Tess Target").user_id


FIELDS = {"name": "A Name", "version": "1"}


def test_a_form_may_not_delete_what_its_sender_may_only_edit(enter: Enter, app: Flask) -> None:
    client, who = enter(Role.VIEWER)
    answer = client.post(f"/users/{who.user_id}", data={"_method": "delete"}, headers=who.headers)
    assert answer.status_code == 403
    assert client.get("/dashboard").status_code == 200


def test_the_list_is_a_page_rows_and_json(enter: Enter, target: int) -> None:
    client, _ = enter(Role.VIEWER)
    assert b"<!doctype html>" in client.get("/users").data
    assert b"<!doctype html>" not in client.get("/users", headers=HTMX).data
    answer = client.get("/users?q=tess", headers=JSON).get_json()
    assert [user["id"] for user in answer["users"]] == [target]
    assert set(answer["users"][0]) == {"id", "email", "name", "role", "is_active", "created_at", "last_login", "locked"}
    assert answer["next"] is None


def test_json_says_who_is_locked(enter: Enter, app: Flask, target: int) -> None:
    client, _ = enter(Role.ADMIN)
    assert client.get(f"/users/{target}", headers=JSON).get_json()["locked"] is False
    with state_of(app).database.transaction() as db:
        assert hold_user(db, target, 0, about="test", actor=Actor())
    told = client.get(f"/users/{target}", headers=JSON).get_json()
    assert (told["locked"], told["is_active"]) == (True, True)
    listed = client.get("/users?q=tess", headers=JSON).get_json()["users"]
    assert [user["locked"] for user in listed] == [True]


def test_who_is_locked_is_found_and_changed_together(enter: Enter, app: Flask, target: int) -> None:
    client, who = enter(Role.ADMIN)
    with state_of(app).database.transaction() as db:
        assert hold_user(db, target, 0, about="test", actor=Actor())
    found = {
        status: [user["id"] for user in client.get(f"/users?status={status}", headers=JSON).get_json()["users"]]
        for status in ("active", "inactive", "locked")
    }
    assert (found["inactive"], found["locked"], target in found["active"]) == ([], [target], False)
    assert '<option value="locked" selected>' in client.get("/users?status=locked").text
    everyone = {"change": "deactivate", "everyone": "1", "status": "locked"}
    assert client.post("/users/bulk", json=everyone, headers=who.headers | JSON).get_json()["changed"] == 1
    assert client.get("/users?status=locked", headers=JSON).get_json()["users"] == []


@pytest.mark.parametrize(
    "query",
    [
        "sort=bogus",
        "role=king",
        "status=x",
        "after=x",
        "q=%00",
        "q=" + "x" * 5000,
        "q=%E2%80%AE",
        "after=" + "A" * 9000,
        "stauts=inactive",
        "page=2",
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX, JSON])
def test_a_list_that_cannot_be_is_refused(enter: Enter, query: str, headers: dict[str, str]) -> None:
    client, _ = enter(Role.VIEWER)
    assert client.get(f"/users?{query}", headers=headers).status_code == 422


def test_a_filter_that_nobody_knows_is_refused_by_its_name(enter: Enter) -> None:
    client, _ = enter(Role.VIEWER)
    asked = "/users?stauts=inactive&role=viewer"
    assert client.get(asked, headers=JSON).get_json()["fields"] == {"stauts": "There is no such filter."}
    for headers in ({}, HTMX):
        assert "There is no filter called stauts." in client.get(asked, headers=headers).text


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "form"])
def test_a_change_of_everybody_is_refused_where_a_filter_is_mistyped(
    enter: Enter, target: int, *, as_json: bool
) -> None:
    """It would change all people there are."""
    client, who = enter(Role.ADMIN)
    fields = {"change": "deactivate", "everyone": "1", "stauts": "inactive"}
    sent: dict[str, Any] = {"json": fields} if as_json else {"data": fields}
    assert client.post("/users/bulk", headers=who.headers, **sent).status_code == 422
    assert client.get(f"/users/{target}", headers=JSON).get_json()["is_active"]


@pytest.mark.parametrize("path", ["/users/0{}", "/users/00{}/edit", "/users/0{}/activity"])
def test_one_person_has_one_address(enter: Enter, target: int, path: str) -> None:
    client, _ = enter(Role.ADMIN)
    assert client.get(path.format(target)).status_code == 404


@pytest.mark.parametrize("identifier", ["0", "99999999", "9" * 40, "-1", "1.5", "x", "%00"])
def test_nobody_is_there(enter: Enter, identifier: str) -> None:
    client, who = enter(Role.ADMIN)
    for answer in (
        client.get(f"/users/{identifier}"),
        client.put(f"/users/{identifier}", data=FIELDS, headers=who.headers),
        client.delete(f"/users/{identifier}", headers=who.headers),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize("headers", [JSON, HTMX, {}], ids=["json", "htmx", "page"])
def test_whoever_has_gone_is_not_called_an_address(enter: Enter, headers: dict[str, str]) -> None:
    client, who = enter(Role.ADMIN)
    answer = client.post("/users/4711/toggle-active", headers={**headers, **who.headers})
    assert answer.status_code == 404
    assert "There is no such account, or it was deleted meanwhile." in answer.text


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/toggle-active")])
def test_an_administrator_is_told_that_it_is_she_herself(enter: Enter, method: str, path: str) -> None:
    client, who = enter(Role.ADMIN)
    answer = client.open(f"/users/{who.user_id}{path}", method=method, headers={**JSON, **who.headers})
    assert (answer.status_code, answer.get_json()["title"]) == (403, "Not on yourself")
    viewer, she = enter(Role.VIEWER)
    refused = viewer.open(f"/users/{she.user_id}{path}", method=method, headers={**JSON, **she.headers})
    assert (refused.status_code, refused.get_json()["title"]) == (403, "Not allowed")


def test_what_an_edit_leaves_out_stays_as_it_is(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    for body, expected in (
        ({"role": "editor", "version": 1}, ("Tess Target", "editor")),
        ({"name": "Tess", "version": 2}, ("Tess", "editor")),
    ):
        row = client.put(f"/users/{target}", json=body, headers={**JSON, **who.headers}).get_json()
        assert (row["name"], row["role"]) == expected


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "x" * 5000, "a\0b", "a\u202eb", "<b>bold</b>"])
def test_a_name_that_cannot_be_stands_in_the_form_again(enter: Enter, target: int, name: str) -> None:
    client, who = enter(Role.ADMIN)
    sent = {"name": name, "role": "viewer", "version": "1"}
    answer = client.put(f"/users/{target}", data=sent, headers={**HTMX, **who.headers})
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.data
    assert client.get(f"/users/{target}", headers=JSON).get_json()["name"] == "Tess Target"


def test_an_unknown_role_is_refused(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    answer = client.put(
        f"/users/{target}", json={"name": "T", "role": "king", "version": 1}, headers={**JSON, **who.headers}
    )
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert set(answer.get_json()["fields"]) == {"role"}


def test_whoever_is_slower_sees_both_versions(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    sent = {"name": "First", "role": "viewer", "version": "1"}
    headers = {**HTMX, **who.headers}
    assert client.put(f"/users/{target}", data=sent, headers=headers).status_code == 200
    late = client.put(f"/users/{target}", data=sent | {"name": "Second"}, headers=headers)
    assert late.status_code == 409
    assert b"First" in late.data
    assert b"Second" in late.data
    said = {"name": "Second", "version": "1"}
    told = client.put(f"/users/{target}", data=said, headers=JSON | who.headers).get_json()
    assert (told["current"]["name"], told["yours"]) == ("First", {"name": "Second"})
    assert client.get(f"/users/{target}", headers=JSON).get_json()["name"] == "First"
    assert (
        client.put(f"/users/{target}", data=sent | {"name": "Second", "version": "2"}, headers=headers).status_code
        == 200
    )


def test_a_person_does_not_raise_herself(app: Flask, enter: Enter) -> None:
    client, who = enter(Role.VIEWER)
    sent = {"name": "Me", "role": "admin", "version": "1"}
    assert client.put(f"/users/{who.user_id}", data=sent, headers={**HTMX, **who.headers}).status_code == 403
    assert client.get(f"/users/{who.user_id}", headers=JSON).get_json()["role"] == "viewer"
    with state_of(app).database.reading() as connection:
        found = connection.execute(
            text("SELECT actor_id, target_type, target_id, body FROM gatehouse_audit_events WHERE event='authz_fail'")
        )
        ((actor_id, kind, target_id, body),) = found.all()
    assert (actor_id, kind, target_id) == (who.user_id, "user", str(who.user_id))
    assert json.loads(body)["details"] == {"method": "PUT", "route": "/users/<int:user_id>", "needed": "admin"}
    counted = state_of(app).metrics.text(state_of(app).database).decode()
    assert 'gatehouse_refusals_total{reason="not_allowed"} 1.0' in counted


def test_the_last_administrator_stays(enter: Enter) -> None:
    client, who = enter(Role.ADMIN)
    sent = {"name": "Admin", "role": "viewer", "version": "1"}
    assert client.put(f"/users/{who.user_id}", data=sent, headers={**HTMX, **who.headers}).status_code == 409
    assert client.get("/users/invitations").status_code == 200


def test_deactivation_acts_on_the_next_request(enter: Enter, app: Flask) -> None:
    admin, who = enter(Role.ADMIN)
    viewer, she = enter(Role.VIEWER)
    assert admin.post(f"/users/{she.user_id}/toggle-active", headers={**HTMX, **who.headers}).status_code == 200
    assert viewer.get("/dashboard").location == "/auth/login?next=%2Fdashboard&notice=deactivated"
    assert admin.post(f"/users/{she.user_id}/toggle-active", headers={**HTMX, **who.headers}).status_code == 200
    assert viewer.get("/dashboard").status_code == 302


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_an_older_tab_does_not_turn_the_meaning_round(enter: Enter, target: int, wanted: str) -> None:
    """Two tabs want the same. The second is told that it is so already, and undoes nothing."""
    client, who = enter(Role.ADMIN)
    path, sent = f"/users/{target}/toggle-active", {"is_active": wanted}
    if wanted == "true":
        client.post(path, data={"is_active": "false"}, headers=who.headers)
    assert client.post(path, data=sent, headers=who.headers | HTMX).status_code == 200
    row, page = (client.post(path, data=sent, headers=who.headers | more) for more in (HTMX, {}))
    for answer in (row, page):
        assert answer.status_code == 409
        assert f"Tess Target is {'active' if wanted == 'true' else 'deactivated'} already" in answer.text
    assert row.text.startswith(f'<tr role="row" id="user-{target}"')
    problem = client.post(path, json={"is_active": wanted == "true"}, headers=who.headers | JSON)
    assert (problem.status_code, problem.get_json()["current"]["is_active"]) == (409, wanted == "true")
    assert client.get(f"/users/{target}", headers=JSON).get_json()["is_active"] is (wanted == "true")


def test_every_button_says_which_state_it_has_seen(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    for wanted in ("false", "true"):
        for path in ("/users", f"/users/{target}"):
            assert f'name="is_active" value="{wanted}"' in client.get(path).text
        client.post(f"/users/{target}/toggle-active", headers=who.headers)


@pytest.mark.parametrize("said", [{"name": "Other"}, {"_method": "get"}, {"_method": "head"}, {"_method": "post"}])
def test_a_form_that_does_not_say_what_it_means_is_told_the_methods(
    enter: Enter, target: int, said: dict[str, str]
) -> None:
    client, who = enter(Role.ADMIN)
    answer = client.post(f"/users/{target}", data=said, headers=who.headers)
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "PUT", "DELETE"})


def test_many_at_once_leave_oneself_out(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    sent = {"change": "deactivate", "everyone": "1", "q": ""}
    answer = client.post("/users/bulk", data=sent, headers={**JSON, **who.headers}).get_json()
    assert answer == {
        "changed": 1,
        "unchanged": 0,
        "skipped": [{"id": who.user_id, "reason": "yourself"}],
        "finished": True,
    }
    assert not client.get(f"/users/{target}", headers=JSON).get_json()["is_active"]


@pytest.mark.parametrize(
    "sent", [{}, {"change": "explode", "user": "1"}, {"change": "role", "user": "1"}, {"change": "remove"}]
)
def test_many_at_once_need_a_change_and_somebody(enter: Enter, sent: dict[str, str]) -> None:
    client, who = enter(Role.ADMIN)
    assert client.post("/users/bulk", data=sent, headers={**HTMX, **who.headers}).status_code == 422


def test_who_has_ticked_nobody_is_told_on_the_list(enter: Enter, target: int) -> None:
    """Without script the bar is there before anybody is ticked. Nothing is confirmed for a change of nobody."""
    client, who = enter(Role.ADMIN)
    sent = {"change": "remove", "q": "tess"}
    answer = client.post("/users/bulk", data=sent, headers=who.headers)
    assert (answer.status_code, answer.location) == (303, "/users?q=tess")
    assert "Nobody was selected." in client.get(answer.location).text
    part = client.post("/users/bulk", data=sent, headers=who.headers | HTMX)
    assert (part.status_code, "Nobody was selected." in part.text) == (422, True)
    assert client.post("/users/bulk", data=sent, headers=who.headers | JSON).get_json()["fields"].keys() == {"user"}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_page_without_a_place_beside_the_field_says_what_is_wrong_with_it(
    enter: Enter, target: int, headers: dict[str, str]
) -> None:
    client, who = enter(Role.ADMIN)
    for path, sent, reason in (
        ("/users/invitations", {"join_request": "1", "decision": "maybe"}, "decision: Please choose one of the list."),
        (f"/users/{target}/toggle-active", {"is_active": "perhaps"}, "is_active: That must be true or false."),
        ("/users/bulk", {"change": "role", "new_role": "root", "user": str(target)}, "new_role: Please choose"),
    ):
        answer = client.post(path, data=sent, headers=who.headers | headers)
        assert (answer.status_code, reason in answer.text) == (422, True)
    asked = client.get("/users?sort=x", headers=headers)
    assert (asked.status_code, "sort: Please choose one of the list." in asked.text) == (422, True)


def test_a_change_of_everybody_says_how_far_it_came(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thousand stands by itself. Here the database goes away after the first, and time is up after the second."""
    who = sign_in_as(client, Role.ADMIN, email="root@example.com")
    with state_of(app).database.transaction() as db:
        crowd = [{"name": f"Person {number}", "role": "viewer", "created_at": utc_now()} for number in range(2500)]
        db.execute(insert(User), crowd)
    fields = {"change": "role", "new_role": "editor", "everyone": "1", "role": "viewer"}
    engine, seen = state_of(app).database.engine, []

    def go_away(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("UPDATE gatehouse_users"):
            seen.append(statement)
            if len(seen) == 2:
                raise OperationalError(statement, {}, sqlite3.OperationalError("locked"), connection_invalidated=True)

    event.listen(engine, "before_cursor_execute", go_away)
    answer = client.post("/users/bulk", data=fields, headers=who.headers | {"HX-Request": "true"})
    event.remove(engine, "before_cursor_execute", go_away)
    assert "1,000 users were changed. That is not everybody yet" in answer.text
    monkeypatch.setattr(many, "PATIENCE_S", 0)
    again = client.post("/users/bulk", json=fields, headers=who.headers | {"Accept": "application/json"})
    assert (again.json["changed"], again.json["finished"]) == (1000, False)
    monkeypatch.undo()
    last = client.post("/users/bulk", json=fields, headers=who.headers | {"Accept": "application/json"})
    assert (last.json["changed"], last.json["finished"]) == (500, True)


def test_a_deleted_row_is_swapped_for_nothing_at_all(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    answer = client.delete(f"/users/{target}", headers=who.headers | HTMX)
    assert (answer.status_code, answer.data) == (200, b"")
    assert "Tess Target was deleted." in answer.headers["HX-Trigger"]
