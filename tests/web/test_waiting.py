"""Who has to wait for what strangers of her network did, and who has not: her living session tells, and no cookie."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from flask_gatehouse.accounts.models import User
from flask_gatehouse.app import create_app
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.signin.models import RefusalTally
from flask_gatehouse.testing import sign_in_through_provider
from tests.trail import said
from tests.web.conftest import development, running, state_of
from tests.web.relying_party import decide
from tests.web.test_ways_back import link_of, next_of

ADA, BOB = "ada@example.com", "bob@example.com"
Begin = Callable[[FlaskClient], str]


@pytest.fixture
def app(sqlite_url: str) -> Iterator[Flask]:
    yield from running(create_app(development(sqlite_url, GATEHOUSE_REFUSAL_LIMIT="1 per hour")))


@pytest.fixture
def ada(app: Flask, client: FlaskClient) -> FlaskClient:
    sign_in_through_provider(app.test_client(), email=BOB, name="Bob")
    sign_in_through_provider(client, email=ADA, name="Ada")
    return client


def let_the_network_wait(app: Flask) -> None:
    """Be refused as a stranger beside her, so that no slow machine sees the end of the wait."""
    assert app.test_client().get("/auth/authorize/dev").status_code == 400
    with state_of(app).database.transaction() as db:
        db.execute(update(RefusalTally).values(wait_until=utc_now() + timedelta(hours=1)))
    assert app.test_client().get("/auth/login/dev").status_code == 429


def begin_to_confirm(client: FlaskClient) -> str:
    return client.get("/auth/confirm?next=/account").location


def begin_to_link(client: FlaskClient) -> str:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account").text)
    assert token is not None
    headers = {"HX-Request": "true", "X-CSRFToken": token[1]}
    return client.post("/account/link/dev", headers=headers).headers["HX-Redirect"]


def answer_of(client: FlaskClient, begun: str, person: str) -> str:
    """Return where the provider sends the browser back after this choice."""
    return decide(client, client.get(begun), email=person, name="Somebody").location


def recorded(app: Flask, event: str) -> list[tuple[int | None, str]]:
    """Return who did it, and for which reason it was refused, of each event of a name."""
    row = AuditEventRow
    asked = select(row.actor_id, row.body).where(row.event == event).order_by(row.id)
    with state_of(app).database.reading() as connection:
        return [(who, said(body)["reason"]) for who, body in connection.execute(asked)]


def id_of(app: Flask, email: str) -> int:
    with state_of(app).database.reading() as connection:
        return connection.scalars(select(User.id).where(User.email == email)).one()


WAYS = pytest.mark.parametrize(
    ("begin", "event", "reason"),
    [
        (begin_to_confirm, "authn_reauth_fail", "other_person"),
        (begin_to_link, "identity_link_fail", "identity_taken"),
    ],
    ids=["confirm", "link"],
)


@WAYS
def test_who_is_signed_in_is_told_what_was_refused_and_the_trail_has_each(
    app: Flask, ada: FlaskClient, begin: Begin, event: str, reason: str
) -> None:
    let_the_network_wait(app)
    for _ in range(3):
        refused: TestResponse = ada.get(answer_of(ada, begin(ada), BOB))
        assert refused.status_code in {403, 409}
        assert reason in refused.text
    assert recorded(app, event) == [(id_of(app, ADA), reason)] * 3


def end_her_session(app: Flask, client: FlaskClient) -> FlaskClient:
    with state_of(app).database.transaction() as db:
        db.execute(update(UserSession).values(ended_at=utc_now(), end_reason="revoked"))
    return client


def take_to_another_browser(app: Flask, client: FlaskClient) -> FlaskClient:
    client.delete_cookie(state_of(app).session_cookie)
    return client


def take_to_another_session(app: Flask, client: FlaskClient) -> FlaskClient:
    sign_in_through_provider(take_to_another_browser(app, client), email=BOB, name="Bob")
    return client


@pytest.mark.parametrize("leave", [end_her_session, take_to_another_browser, take_to_another_session])
@WAYS
def test_an_attempt_of_a_session_that_is_not_there_waits_as_everybody(
    app: Flask,
    ada: FlaskClient,
    begin: Begin,
    event: str,
    reason: str,
    leave: Callable[[Flask, FlaskClient], FlaskClient],
) -> None:
    answer = answer_of(ada, begin(ada), ADA)
    elsewhere = leave(app, ada)
    let_the_network_wait(app)
    assert elsewhere.get(answer).status_code == 429
    assert recorded(app, event) == []


def test_who_has_to_wait_begins_again_on_the_way_to_the_same_page(app: Flask, client: FlaskClient) -> None:
    answer = answer_of(client, client.get("/auth/login/dev?next=/account?tab%3D1").location, ADA)
    let_the_network_wait(app)
    told = client.get(answer)
    assert told.status_code == 429
    assert next_of(link_of(told, "Try again") or "") == "/account?tab=1"
