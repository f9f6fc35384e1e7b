"""How a host tests its own views: with people who are really signed in, and nothing switched off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.notes.notes import Note, create_app, db
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from flask_gatehouse import Role
from flask_gatehouse.testing import (
    attach_provider,
    configuration,
    empty_database,
    sign_in_as,
    sign_in_through_provider,
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app({**configuration(tmp_path), "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'notes.db'}"})
    attach_provider(app)
    with empty_database(app):
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _write(client: FlaskClient, token: str, title: str = "Milk") -> str:
    answer = client.post("/notes/new", data={"title": title, "body": "Two bottles", "csrf_token": token})
    assert answer.status_code == 302
    return str(answer.location)


def test_everybody_sees_the_start_page_and_nobody_else_sees_notes(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200
    answer = client.get("/notes?page=2")
    assert answer.status_code == 302
    assert answer.location == "/gate/auth/login?next=%2Fnotes%3Fpage%3D2"


def test_a_person_comes_back_to_the_page_that_she_wanted(client: FlaskClient) -> None:
    assert sign_in_through_provider(client, email="ada@example.com", name="Ada", next="/notes") == "/notes"
    assert b"Ada" in client.get("/notes").data


def test_viewers_read_and_do_not_write(client: FlaskClient) -> None:
    who = sign_in_as(client, Role.VIEWER)
    assert client.get("/notes").status_code == 200
    assert client.get("/notes/new").status_code == 403
    assert client.post("/notes/new", data={"title": "No"}, headers=who.headers).status_code == 403


def test_an_editor_writes_and_edits_her_own(client: FlaskClient) -> None:
    who = sign_in_as(client, Role.EDITOR, email="eddie@example.com", name="Eddie")
    page = _write(client, who.csrf_token)
    assert client.post(f"{page}/edit", data={"title": "Bread", "body": ""}, headers=who.headers).status_code == 302
    assert b"Bread" in client.get(page).data


def test_an_editor_does_not_edit_what_is_not_hers(app: Flask, client: FlaskClient) -> None:
    page = _write(client, sign_in_as(client, Role.EDITOR, email="eddie@example.com").csrf_token)
    other = app.test_client()
    sign_in_as(other, Role.EDITOR, email="edith@example.com")
    assert other.get(f"{page}/edit").status_code == 403


def test_an_empty_title_is_explained_beside_the_field(client: FlaskClient) -> None:
    who = sign_in_as(client, Role.EDITOR)
    answer = client.post("/notes/new", data={"title": " ", "body": "kept"}, headers=who.headers)
    assert answer.status_code == 422
    assert b"A title needs" in answer.data
    assert b"kept" in answer.data


def test_a_change_without_the_token_is_refused_and_changes_nothing(app: Flask, client: FlaskClient) -> None:
    sign_in_as(client, Role.EDITOR)
    assert client.post("/notes/new", data={"title": "Forged"}).status_code == 400
    with app.app_context():
        assert db.session.query(Note).count() == 0


def test_an_administrator_deletes(client: FlaskClient) -> None:
    who = sign_in_as(client, Role.ADMIN)
    page = _write(client, who.csrf_token)
    assert client.post(f"{page}/delete", headers=who.headers).status_code == 302
    assert client.get(page).status_code == 404


def test_a_change_and_its_event_are_one_transaction(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, Role.EDITOR)
    _write(client, who.csrf_token)
    with app.app_context():
        row = db.session.execute(
            text("SELECT actor_id, session_id, target_type FROM gatehouse_audit_events WHERE event = 'note.written'")
        ).one()
    assert row == (who.user_id, who.session_id, "note")
