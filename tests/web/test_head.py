"""HEAD is GET without a body (RFC 9110 section 9.3.2): it changes nothing, whatever a view asks."""

import pytest
from flask import Flask
from sqlalchemy import text

from flask_gatehouse import Role
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web import ROUTES
from tests.web.conftest import state_of

READABLE = [route.rule for route in ROUTES if "GET" in route.may and "<" not in route.rule]
KEPT = (
    "gatehouse_users",
    "gatehouse_identities",
    "gatehouse_sessions",
    "gatehouse_invitations",
    "gatehouse_join_requests",
)


def everything(app: Flask) -> list[object]:
    with state_of(app).database.reading() as connection:
        return [[tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))] for table in KEPT]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
@pytest.mark.parametrize("rule", READABLE)
def test_head_answers_as_get_does_and_changes_nothing(app: Flask, rule: str, role: Role) -> None:
    sign_in_as(app.test_client(), Role.ADMIN, email="boss@example.com")
    client = app.test_client()
    sign_in_as(client, role, email="own@example.com")
    before = everything(app)
    head = client.head(rule)
    assert (head.data, everything(app)) == (b"", before)
    with client.get(rule) as answer:
        assert head.status_code == answer.status_code


@pytest.mark.parametrize("path", ["/auth/logout", "/account/delete"])
def test_nobody_is_signed_out_or_erased_by_looking(app: Flask, path: str) -> None:
    client = app.test_client()
    sign_in_as(client)
    assert client.head(path, query_string={"email": "someone@example.com"}).status_code == 200
    assert client.get("/dashboard").status_code == 200
