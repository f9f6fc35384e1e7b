"""Editing one user: all mistakes at once, and what was done can be taken back, also without script."""

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask, get_flashed_messages
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.signals import RecordedEvent, event_recorded
from flask_gatehouse.testing import SignedIn, sign_in_as

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


def form_of(page: str, button: str) -> tuple[str, dict[str, str]]:
    """Return where the form of a button is sent, and its hidden fields."""
    form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if f">{button}</button>" in form)
    action = re.search(r'action="([^"]+)"', form)
    assert action
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in fields}


def test_an_edit_is_taken_back_without_script(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    sent = {"_method": "put", "name": "Tess O'Hara & Sons", "role": "editor", "version": "1"}
    page = client.post(f"/users/{target}", data=sent, headers=who.headers, follow_redirects=True).text
    address, fields = form_of(page, "Undo")
    # It is offered once, with its message.
    assert ">Undo</button>" not in client.get(f"/users/{target}").text
    assert client.post(address, data=fields).status_code == 303
    user = client.get(f"/users/{target}", headers=JSON).get_json()
    assert (user["name"], user["role"]) == ("Tess Target", "viewer")


def test_a_deactivation_is_taken_back_without_script(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    page = client.post(f"/users/{target}/toggle-active", headers=who.headers, follow_redirects=True).text
    assert "is deactivated." in page
    address, fields = form_of(page, "Undo")
    assert client.post(address, data=fields).status_code == 303
    assert client.get(f"/users/{target}", headers=JSON).get_json()["is_active"]


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
@pytest.mark.parametrize(("said", "why"), [("false", "That is not changed here."), ("no", "true or false")])
def test_a_form_says_why_it_does_not_take_another_state(
    enter: Enter, target: int, headers: dict[str, str], said: str, why: str
) -> None:
    client, who = enter(Role.ADMIN)
    sent = {"name": "Other", "role": "viewer", "version": "1", "is_active": said}
    answer = client.put(f"/users/{target}", data=sent, headers=who.headers | headers)
    assert (answer.status_code, why in answer.text, 'value="Other"' in answer.text) == (422, True, True)
    user = client.get(f"/users/{target}", headers=JSON).get_json()
    assert (user["name"], user["is_active"]) == ("Tess Target", True)


@pytest.mark.parametrize("said", [{"name": "Tess Target", "role": "viewer"}, {"name": " Tess  Target "}, {}])
def test_saving_what_is_so_already_changes_nothing(app: Flask, enter: Enter, target: int, said: dict[str, str]) -> None:
    client, who = enter(Role.ADMIN)
    before = client.get(f"/users/{target}/edit", headers=JSON).get_json()
    recorded: list[str] = []

    def note(sender: Flask, event: RecordedEvent) -> None:
        recorded.append(event.name)

    with event_recorded.connected_to(note, app):
        for _ in range(2):
            form = said | {"version": str(before["version"])}
            answer = client.put(f"/users/{target}", data=form, headers=who.headers | {"HX-Request": "true"})
            assert (answer.status_code, "Nothing has changed." in answer.text) == (200, True)
    assert (client.get(f"/users/{target}/edit", headers=JSON).get_json(), recorded) == (before, [])


def test_what_is_taken_back_belongs_to_its_message(enter: Enter, app: Flask, target: int) -> None:
    @app.get("/own")
    def own() -> str:
        return " ".join(get_flashed_messages())

    client, who = enter(Role.ADMIN)
    client.post(f"/users/{target}/toggle-active", headers=who.headers)
    # A page of somebody else's has shown the message, as text.
    assert client.get("/own").text == "Tess Target is deactivated."
    page = client.post(f"/users/{target}", data={"_method": "delete"}, headers=who.headers, follow_redirects=True).text
    assert "Tess Target was deleted." in page
    assert ">Undo</button>" not in page


def test_all_that_is_wrong_is_said_at_once(enter: Enter, target: int) -> None:
    client, who = enter(Role.ADMIN)
    wrong = {"name": "<b>", "role": "king", "version": "1"}
    refused = client.put(f"/users/{target}", json=wrong | {"version": 1}, headers={**JSON, **who.headers})
    assert refused.status_code == 422
    assert set(refused.get_json()["fields"]) == {"name", "role"}
    form = client.put(f"/users/{target}", data=wrong, headers={**HTMX, **who.headers})
    assert (form.status_code, form.text.count('aria-invalid="true"')) == (422, 2)
