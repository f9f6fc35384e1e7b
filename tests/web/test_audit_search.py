"""What a text means that is typed into the search field of the audit log."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from flask_gatehouse import Role
from flask_gatehouse.accounts.models import User
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.testing import sign_in_as
from tests.web.conftest import state_of
from tests.web.test_audit_log import GRACE, JSON, LOG, admin, happen, listed, names

__all__ = ["admin", "happen"]


def test_a_person_is_found_by_a_part_of_her_name_or_address(app: Flask, admin: FlaskClient) -> None:
    grace = sign_in_as(app.test_client(), email="grace@example.org", name="Grace Hopper")
    for text in ("hopp", "example.org", f"user:{grace.user_id}"):
        for field in ("who", "q"):
            assert set(names(admin, f"{field}={text}")) == {"user_created", "session_created"}


def test_a_session_is_found_by_its_id_with_all_that_happened_in_it(app: Flask, admin: FlaskClient) -> None:
    client = app.test_client()
    who = sign_in_as(client, email="grace@example.com", name="Grace")
    assert client.get(LOG).status_code == 403
    client.post("/auth/logout", headers=who.headers)
    assert names(admin, f"q={who.session_id}") == ["session_logout", "authz_fail", "session_created"]


@pytest.mark.parametrize(
    "name", ["0" * 16, "proxy-2C1F0E", "0B6F9F3E-0F7E-4C7A-9D3C-0D1F8A5B7C9E", "0193e4f0-1111-7222-8333-444455556666"]
)
def test_a_request_is_found_by_the_name_that_it_has(admin: FlaskClient, happen: Callable[..., None], name: str) -> None:
    """Also one that a proxy gave it, whatever it looks like."""
    assert names(admin, f"q={name}") == []
    happen("article.published", actor=replace(GRACE, request_id=name))
    happen("other")
    assert names(admin, f"q={name}") == ["article.published"]
    assert f"q={name}" in admin.get(f"{LOG}/{listed(admin, f'q={name}')[0]['number']}").text


def test_a_name_of_ours_is_found_in_capitals_too(admin: FlaskClient, happen: Callable[..., None]) -> None:
    happen("article.published", actor=replace(GRACE, request_id="2c1f0e3a5b7c9d1e"))
    assert names(admin, "q=2C1F0E3A5B7C9D1E") == ["article.published"]


def test_whether_a_request_has_a_name_is_asked_once(app: Flask, admin: FlaskClient) -> None:
    """An open page asks again and again."""
    engine, asked = state_of(app).database.engine, list[str]()

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "request_id = " in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    for name in ("2c1f0e3a5b7c9d1e", "proxy-2c1f0e"):
        asked.clear()
        assert names(admin, f"q={name}") == []
        assert len(asked) == 1
    event.remove(engine, "before_cursor_execute", note)


def test_nothing_is_hidden_by_a_request_that_has_its_name(
    app: Flask, admin: FlaskClient, happen: Callable[..., None]
) -> None:
    """A caller who tells a proxy how to call her requests may know an address, a session, an event and a person."""
    who = sign_in_as(app.test_client(), email="grace@example.com", name="Grace Hopperlace")
    happen("article.published", actor=replace(GRACE, ip="203.0.113.7"))
    (published,) = listed(admin, "event=article.published")
    texts = ("203.0.113.7", who.session_id, published["id"], "hopperlace")
    before = [names(admin, f"q={text}") for text in texts]
    assert all(before)
    for text in texts:
        happen("other", actor=replace(GRACE, request_id=text, ip="192.0.2.1"))
    assert [names(admin, f"q={text}") for text in texts] == before


@pytest.mark.parametrize(
    "name", ["2c1f0e3a5b7c9d1e", "2c1f0e3a5b7c9d1e2c1f0e3a5b7c9d1e", "0b6f9f3e-0f7e-4c7a-9d3c-0d1f8a5b7c9e"]
)
def test_nobody_hides_a_request_by_calling_herself_as_it_is_called(
    app: Flask, admin: FlaskClient, happen: Callable[..., None], name: str
) -> None:
    """As we name requests, and nginx and Caddy do: whoever was shown one may call herself anything."""
    happen("article.published", actor=replace(GRACE, request_id=name))
    sign_in_as(app.test_client(), email="mallory@example.com", name=name)
    for text in (name, name.upper()):
        assert names(admin, f"q={text}") == ["article.published"]
    assert set(names(admin, f"who={name}")) == {"user_created", "session_created"}


def test_an_event_is_found_by_its_own_id(admin: FlaskClient, happen: Callable[..., None]) -> None:
    happen("article.published")
    (published,) = listed(admin, "event=article.published")
    assert names(admin, f"q={published['id']}") == ["article.published"]
    answer = admin.get(f"{LOG}/{published['number']}", headers=JSON).get_json()
    assert answer == published | {"place": None}


def test_more_people_than_are_searched_for_are_told(app: Flask, admin: FlaskClient) -> None:
    with state_of(app).database.transaction() as db:
        db.add_all(User(name=f"Twin {number}", role=Role.VIEWER, created_at=utc_now()) for number in range(11))
    assert "“twin”" in admin.get(f"{LOG}?who=twin").text
    assert "“" not in admin.get(f"{LOG}?who=ada").text
