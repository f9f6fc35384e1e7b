"""Rules that a host declares beside its own models, asked by its views and its templates."""

from collections.abc import Iterator

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

from flask_gatehouse import NoObjectRule, Role, authorize, current_user, login_required, object_rule
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import HTMX, JSON, events, host

WRITER = "writer@example.com"


class Letter:
    def __init__(self, author: str) -> None:
        self.author = author


@object_rule(Letter, "write", role=Role.EDITOR)
def may_write(person: object, kind: type[Letter]) -> bool:
    return True


@object_rule(Letter, "open", role=Role.EDITOR)
def may_open(person: object, letter: Letter) -> bool:
    return bool(letter.author == current_user.email)


@pytest.fixture
def app(sqlite_url: str) -> Iterator[Flask]:
    with host(sqlite_url) as app:

        @app.get("/asks/<author>")
        def asks(author: str) -> ResponseReturnValue:
            return render_template_string(
                "{{ current_user.can('open', letter) }} {{ current_user.can('write', kind) }}",
                letter=Letter(author),
                kind=Letter,
            )

        @app.post("/open/<author>")
        @login_required
        def open_letter(author: str) -> ResponseReturnValue:
            authorize("open", Letter(author))
            return "opened"

        @app.get("/burn")
        @login_required
        def burn() -> ResponseReturnValue:
            return str(current_user.can("burn", Letter(WRITER)))

        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_a_template_asks_with_the_words_of_the_rule(client: FlaskClient) -> None:
    assert client.get(f"/asks/{WRITER}").text == "False False"
    sign_in_as(client, Role.EDITOR, email=WRITER)
    assert client.get(f"/asks/{WRITER}").text == "True True"
    assert client.get("/asks/other@example.com").text == "False True"
    sign_in_as(client, Role.VIEWER, email=WRITER)
    assert client.get(f"/asks/{WRITER}").text == "False False"


def test_a_view_goes_on_for_whoever_may_and_is_answered_for_otherwise(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, Role.EDITOR, email=WRITER)
    assert client.post(f"/open/{WRITER}", headers=who.headers).text == "opened"
    assert events(app, "authz_fail") == []
    for asked, part in (
        ({}, "<h1"),
        (HTMX, 'hx-swap-oob="innerHTML"'),
        (JSON, '"status":403'),
    ):
        refused = client.post("/open/other@example.com", headers={**who.headers, **asked})
        assert refused.status_code == 403
        assert part in refused.text
        assert "You may not do this here." in refused.text
    assert len(events(app, "authz_fail")) == 3


def test_a_role_that_is_missing_is_told_from_a_rule_that_says_no(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, Role.VIEWER, email=WRITER)
    refused = client.post(f"/open/{WRITER}", headers=who.headers)
    assert refused.status_code == 403
    assert "Your role does not include this." in refused.text
    assert events(app, "authz_fail")[0][:2] == (who.user_id, "user")


def test_the_question_comes_after_the_session_and_the_token(client: FlaskClient) -> None:
    assert client.post(f"/open/{WRITER}").status_code == 302
    sign_in_as(client, Role.EDITOR, email=WRITER)
    assert client.post(f"/open/{WRITER}").status_code == 400


def test_what_nobody_has_declared_is_a_mistake_and_no_permission(app: Flask, client: FlaskClient) -> None:
    sign_in_as(client, Role.ADMIN)
    with pytest.raises(NoObjectRule, match=r"Declared are: open, write"):
        client.get("/burn")
    app.testing = False
    assert client.get("/burn").status_code == 500


def test_nobody_in_particular_may_do_nothing_by_a_view_without_a_guard(app: Flask, client: FlaskClient) -> None:
    @app.get("/unguarded")
    def unguarded() -> ResponseReturnValue:
        authorize("write", Letter)
        return "written"

    app.testing = False
    assert client.get("/unguarded").status_code == 500


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (Role.EDITOR, "“open Letter” needs at least editor, which she is; then "),
        (Role.VIEWER, "“open Letter” needs at least editor, which she is not."),
    ],
)
def test_the_rule_that_a_view_asks_is_explained(app: Flask, client: FlaskClient, role: Role, said: str) -> None:
    """It is named and not asked: what it says depends on the letter."""
    sign_in_as(client, role, email=WRITER)

    def explained(method: str, path: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["gatehouse", "explain", WRITER, method, path])
        return result.exit_code, result.output

    code, output = explained("POST", f"/open/{WRITER}")
    assert (code, said in output) == (0, True)
    assert ("may_open decides about each one." in output) is (role is Role.EDITOR)
    assert "write Letter" not in output
    # Nobody has declared who may burn a letter, and the dashboard asks no such thing.
    for path in ("/burn", "/gate/dashboard"):
        assert "a rule of its own" not in explained("GET", path)[1]
