"""The review of access, as the web answers it: what is meant by a form, and how far it came."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from flask_gatehouse import Role
from flask_gatehouse.accounts.models import User
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web import access_review
from tests.web.conftest import state_of

PAGE = "/admin/access-review"


@pytest.fixture
def root(client: FlaskClient) -> SignedIn:
    return sign_in_as(client, Role.ADMIN, email="root@example.com", name="Root")


@pytest.fixture
def editor(app: Flask) -> int:
    """Return somebody about whose role nobody has decided for a year."""
    who = sign_in_as(app.test_client(), Role.EDITOR, email="tess@example.com", name="Tess Target")
    with state_of(app).database.transaction() as db:
        long_ago = utc_now() - timedelta(days=365)
        db.execute(update(User).where(User.id == who.user_id).values(role_confirmed_at=long_ago))
    return who.user_id


def role_of(app: Flask, user_id: int) -> Role:
    with state_of(app).database.transaction() as db:
        return db.scalars(select(User.role).where(User.id == user_id)).one()


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ({"one": "roles:withdraw:{editor}"}, {"complete": "1"}),
        ({"one": "roles:withdraw:{editor}"}, {"part": "roles", "decision": "confirm", "user": "{editor}"}),
        ({"one": "roles:withdraw:{editor}"}, {"everyone": "1"}),
        ({"part": "roles", "decision": "withdraw", "user": "{editor}"}, {"complete": "1"}),
    ],
)
def test_what_means_two_things_does_neither(
    app: Flask, client: FlaskClient, root: SignedIn, editor: int, said: dict[str, str], more: dict[str, str]
) -> None:
    fields = {name: value.format(editor=editor) for name, value in (said | more).items()}
    refused = client.post(PAGE, data=fields, headers=root.headers)
    assert (refused.status_code, role_of(app, editor)) == (422, Role.EDITOR)
    assert "There has been no review yet" in client.get(PAGE).text
    alone = {name: value.format(editor=editor) for name, value in said.items()}
    assert client.post(PAGE, data=alone, headers=root.headers).status_code == 303
    assert role_of(app, editor) is Role.VIEWER


def test_where_it_stops_halfway_she_and_the_log_are_told(
    app: Flask,
    client: FlaskClient,
    root: SignedIn,
    editor: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    decide, asked = access_review.decide, []

    def decide_once(*arguments: Any, **more: Any) -> Any:
        asked.append(arguments)
        if len(asked) > 1:
            raise DependencyUnavailable("database")
        return decide(*arguments, **more)

    monkeypatch.setattr(access_review, "decide", decide_once)
    said = {"part": "roles", "decision": "withdraw", "everyone": "1"}
    with caplog.at_level(logging.WARNING, "flask_gatehouse"):
        told = client.post(PAGE, data=said, headers=root.headers, follow_redirects=True).text
    assert "1 person is a viewer now. That is not everybody yet: choose them once more to go on." in told
    assert role_of(app, editor) is Role.VIEWER
    assert [line.getMessage() for line in caplog.records] == ["deciding about everybody has stopped; decided: 1"]
