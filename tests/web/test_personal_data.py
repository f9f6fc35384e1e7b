"""Having one's data and leaving: what is answered to pages, htmx and programs."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from flask_gatehouse import Role
from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.service import Profile, invite, request_to_join
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.kernel.context import COMMAND_LINE
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.testing import SignedIn, sign_in_as
from tests.web.conftest import state_of
from tests.web.test_answers import HTMX, JSON

CONFIRM = {"confirm": "someone@example.com"}


def users(app: Flask) -> int:
    with state_of(app).database.reading() as connection:
        return connection.scalar(select(func.count(User.id))) or 0


def long_ago(app: Flask) -> None:
    """Let every confirmation be too old."""
    with state_of(app).database.transaction() as db:
        db.execute(
            update(UserSession).values(confirmed_at=_an_hour_before(db.scalars(select(UserSession.created_at)).first()))
        )


def _an_hour_before(moment: Any) -> Any:
    return moment - timedelta(hours=1)


def test_the_download_is_a_file_of_json(client: FlaskClient) -> None:
    who = sign_in_as(client)
    answer = client.get("/account/export")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Content-Disposition"].startswith(f"attachment; filename=personal-data-{who.user_id}-20")
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads(answer.data)["user"]["id"] == who.user_id


def test_an_administrator_hands_it_over(app: Flask, client: FlaskClient) -> None:
    other = sign_in_as(app.test_client(), email="other@example.com", name="Other")
    root = sign_in_as(client, Role.ADMIN)
    told = json.loads(client.get(f"/users/{other.user_id}/export").data)
    assert told["user"]["email"] == "other@example.com"
    assert told["events"][-1]["actor"] == {"id": root.user_id, "kind": "user"}
    assert client.get("/users/4711/export").status_code == 404


@pytest.mark.parametrize("path", ["/account/export", "/users/{}/export"])
def test_a_download_asks_who_is_there_and_leads_back_to_the_page_before(
    app: Flask, client: FlaskClient, path: str
) -> None:
    who = sign_in_as(client, Role.ADMIN)
    long_ago(app)
    path = path.format(who.user_id)
    answer = client.get(path, headers={"Referer": "http://localhost/account"})
    assert (answer.status_code, answer.location) == (302, "/auth/confirm?next=/account")
    assert "Choose it again now." in client.get("/account").text
    assert client.get(path, headers=JSON).json["type"] == "confirmation-required"  # type: ignore[index]
    with state_of(app).database.reading() as connection:
        exported = select(func.count()).where(AuditEventRow.event == "personal_data_exported")
        assert connection.scalar(exported) == 0


@pytest.mark.parametrize("path", ["/account/export", "/users/{}/export"])
def test_who_typed_the_address_of_a_download_is_led_to_the_page_that_offers_it(
    app: Flask, client: FlaskClient, path: str
) -> None:
    """Also where a browser keeps the page before to itself."""
    who = sign_in_as(client, Role.ADMIN)
    long_ago(app)
    page = f"/users/{who.user_id}" if "{" in path else "/account"
    assert client.get(path.format(who.user_id)).location == f"/auth/confirm?next={page}"


@pytest.mark.parametrize("path", ["/account/export", "/users/{}/export", "/users/4711/export"])
def test_who_only_asks_about_a_download_has_none(app: Flask, client: FlaskClient, path: str) -> None:
    path = path.format(sign_in_as(client, Role.ADMIN).user_id)
    exported = select(func.count()).where(AuditEventRow.event == "personal_data_exported")
    head = client.head(path)
    with state_of(app).database.reading() as connection:
        assert (head.data, connection.scalar(exported)) == (b"", 0)
    answer = client.get(path)
    assert (head.status_code, head.content_type) == (answer.status_code, answer.content_type)


def test_a_form_erases_and_says_goodbye(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client)
    page = client.get("/account/delete").text
    assert "To go on, type someone@example.com" in page
    answer = client.post("/account/delete", data=CONFIRM, headers=who.headers)
    assert (answer.status_code, answer.location) == (303, "/auth/login?notice=erased")
    assert client.get_cookie(state_of(app).session_cookie) is None
    assert "Your account is deleted" in client.get(answer.location).text
    assert users(app) == 0


def test_programs_and_htmx_are_told_their_way(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client)
    answer = client.post("/account/delete", json=CONFIRM, headers={**who.headers, **JSON})
    assert (answer.status_code, answer.data) == (204, b"")
    again = sign_in_as(client)
    assert again.user_id != who.user_id
    answer = client.post("/account/delete", data=CONFIRM, headers={**again.headers, **HTMX})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/auth/login?notice=erased")
    assert users(app) == 0


@pytest.mark.parametrize("typed", ["", "someone", "someone@example.co", "yes", "\0"])
def test_whoever_has_not_typed_it_stays(app: Flask, client: FlaskClient, typed: str) -> None:
    who = sign_in_as(client)
    answer = client.post("/account/delete", data={"confirm": typed}, headers=who.headers)
    assert answer.status_code == 422
    assert "Please type exactly what stands above." in answer.text
    answer = client.post("/account/delete", json={"confirm": typed}, headers={**who.headers, **JSON})
    assert answer.status_code == 422
    assert answer.json["fields"]["confirm"]  # type: ignore[index]
    assert users(app) == 1


def test_letters_may_be_of_either_case_and_whoever_has_no_address_types_a_name(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, name="Some One")
    with state_of(app).database.transaction() as db:
        db.execute(update(User).values(email=None))
    assert "type Some One" in client.get("/account/delete").text
    answer = client.post("/account/delete", data={"confirm": " some one"}, headers=who.headers)
    assert answer.status_code == 303


def test_an_open_browser_is_not_enough(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client)
    long_ago(app)
    answer = client.post(
        "/account/delete", data=CONFIRM, headers={**who.headers, "Referer": "http://localhost/account/delete"}
    )
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/confirm?")
    assert users(app) == 1


def test_without_the_token_nothing_happens(app: Flask, client: FlaskClient) -> None:
    sign_in_as(client)
    assert client.post("/account/delete", data=CONFIRM).status_code == 400
    assert users(app) == 1


def test_the_only_administrator_is_told_before_and_refused(app: Flask, client: FlaskClient) -> None:
    root = sign_in_as(client, Role.ADMIN)
    page = client.get("/account/delete").text
    assert "You are the only administrator" in page
    assert 'name="confirm"' not in page
    answer = client.post("/account/delete", data=CONFIRM, headers=root.headers)
    assert answer.status_code == 409
    assert "Make somebody else an administrator first." in answer.text
    assert users(app) == 1
    second(app)
    assert 'name="confirm"' in client.get("/account/delete").text
    assert client.post("/account/delete", data=CONFIRM, headers=root.headers).status_code == 303


def second(app: Flask) -> SignedIn:
    return sign_in_as(app.test_client(), Role.ADMIN, email="second@example.com")


def test_deleting_somebody_on_her_page_erases_her(app: Flask, client: FlaskClient) -> None:
    other = sign_in_as(app.test_client(), email="other@example.com", name="Other Person")
    root = sign_in_as(client, Role.ADMIN)
    assert client.delete(f"/users/{other.user_id}", headers=root.headers).status_code == 303
    with state_of(app).database.reading() as connection:
        assert not [text for text in connection.scalars(select(AuditEventRow.personal)) if text and "Other" in text]
    third = sign_in_as(app.test_client(), email="third@example.com", name="Third Person")
    fields = {"user": str(third.user_id), "change": "remove"}
    assert client.post("/users/bulk", data=fields, headers=root.headers).status_code == 303
    with state_of(app).database.reading() as connection:
        assert not [text for text in connection.scalars(select(AuditEventRow.personal)) if text and "Third" in text]
    assert users(app) == 1


def test_the_command_says_that_she_is_gone_though_the_ledger_takes_nothing(app: Flask) -> None:
    sign_in_as(app.test_client(), email="ada@example.com", name="Ada")
    ledger = state_of(app).settings.erasure_ledger
    ledger.mkdir(parents=True)
    result = app.test_cli_runner().invoke(args=["gatehouse", "erase", "--yes", "ada@example.com"])
    assert (result.exit_code, users(app)) == (0, 0)
    assert "ada@example.com was erased.\n" in result.stdout
    assert "the ledger of erasures (Is a directory) is not available. The worker goes on." in result.stderr


@pytest.mark.parametrize("sure", [("--yes",), ()])
def test_the_command_refuses_the_last_administrator_before_it_says_what_goes(app: Flask, sure: tuple[str, ...]) -> None:
    sign_in_as(app.test_client(), Role.ADMIN, email="ada@example.com", name="Ada")
    result = app.test_cli_runner().invoke(args=["gatehouse", "erase", *sure, "ada@example.com"], input="y\n")
    assert (result.exit_code, result.output) == (1, "Error: user 1 is the last active administrator.\n")
    assert users(app) == 1


def test_the_commands_find_who_was_only_invited_and_say_who_is_unknown(app: Flask) -> None:
    with state_of(app).database.transaction() as db:
        invite(db, "ada@example.com", "viewer", actor=COMMAND_LINE)
    run = partial(app.test_cli_runner().invoke, input="n\n")
    exported = run(args=["gatehouse", "export", "ADA@example.com"])
    assert exported.exit_code == 0, exported.output
    assert [one["email"] for one in json.loads(exported.stdout)["invitations"]] == ["ada@example.com"]
    asked = run(args=["gatehouse", "erase", "ada@example.com"])
    assert "Invitations and requests to join for it: 1. Others that are over, in the trail: 0." in asked.output
    for command in ("export", "erase"):
        nobody = run(args=["gatehouse", command, "nobody@example.com"])
        assert (nobody.exit_code, nobody.output) == (1, "Error: nothing is held about nobody@example.com.\n")


@pytest.mark.parametrize("typed", ["Ada@Bücher.example", "ada@xn--bcher-kva.example"])
def test_the_commands_find_a_domain_in_either_form(app: Flask, typed: str) -> None:
    with state_of(app).database.transaction() as db:
        invite(db, "ada@bücher.example", "viewer", actor=COMMAND_LINE)
        for number, stated in enumerate(("ada@bücher.example", "ada@xn--bcher-kva.example")):
            who = Profile("corp", "https://corp.example", str(number), "Ada", stated, email_is_authoritative=False)
            request_to_join(db, who, actor=COMMAND_LINE)
    run = app.test_cli_runner().invoke
    told = json.loads(run(args=["gatehouse", "export", typed]).stdout)
    assert (len(told["invitations"]), len(told["join_requests"])) == (1, 2)
    erased = run(args=["gatehouse", "erase", "--yes", typed])
    assert "Invitations and requests to join for it: 3." in erased.output
    assert f"nothing is held about {typed.lower()}" in run(args=["gatehouse", "export", typed]).output
