"""Pages that stand without a database, or without our tables in it, also for whoever brings a session's cookie."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse.app import create_app
from tests.nodes.sites import gatehouse
from tests.web.conftest import development, running, state_of
from tests.web.test_answers import HTMX, JSON

# Port 1 is nobody's.
NOBODY = "postgresql://gatehouse@127.0.0.1:1/gatehouse"
FORMS = pytest.mark.parametrize("headers", [{}, HTMX, JSON], ids=["page", "htmx", "json"])


def with_cookie(app: Flask) -> FlaskClient:
    """Return a browser with a cookie that only the database could judge."""
    client = app.test_client()
    client.set_cookie(state_of(app).session_cookie, "t" * 43)
    return client


@pytest.fixture
def away() -> Iterator[Flask]:
    yield from running(create_app(development(NOBODY)))


@FORMS
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/auth/authorize/dev?state=x&code=y", 400),
        ("/auth/authorize/dev", 400),
        ("/auth/login/nobody", 404),
        ("/nowhere", 404),
        ("/static/gatehouse/nothing.css", 404),
        ("/dashboard", 503),
        ("/auth/login", 503),
        ("/readyz", 503),
        ("/healthz", 200),
    ],
)
def test_without_a_database_every_answer_stands(away: Flask, path: str, status: int, headers: dict[str, str]) -> None:
    away.testing = False
    with with_cookie(away).get(path, headers=headers) as answer:
        assert answer.status_code == status
        assert "Set-Cookie" not in answer.headers


def test_without_a_database_a_wrong_method_is_still_a_wrong_method(away: Flask) -> None:
    away.testing = False
    assert with_cookie(away).post("/dashboard").status_code == 405


def test_a_refusal_has_its_reason_without_a_database(away: Flask) -> None:
    away.testing = False
    assert "state_unknown" in with_cookie(away).get("/auth/authorize/dev?state=x&code=y").text


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database in which there is nothing yet."""
    if request.param == "sqlite":
        (tmp_path / "empty.db").touch()
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture
def fresh(empty_url: str) -> Iterator[Flask]:
    yield from running(create_app(development(empty_url)))


@FORMS
def test_without_our_tables_a_person_is_told_that_it_is_not_set_up(fresh: Flask, headers: dict[str, str]) -> None:
    answer = with_cookie(fresh).get("/dashboard", headers=headers)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "set up or updated" in answer.text
    assert "gatehouse_" not in answer.text
    assert "Set-Cookie" not in answer.headers
    if not headers:
        assert "Not set up yet" in answer.text


def test_without_our_tables_an_operator_is_told_what_to_type(empty_url: str, tmp_path: Path) -> None:
    settings = development(empty_url)
    made = gatehouse(["create-admin", "ada@example.com"], settings, tmp_path)
    assert (made.returncode, made.stdout) == (1, "")
    # A file that is not there is told from one without tables; either is made by the same command.
    assert made.stderr.startswith(("Error: the database lacks tables of this release;", "Error: there is no database "))
    assert made.stderr.endswith(": gatehouse db upgrade.\n")
    checked = gatehouse(["db", "check"], settings, tmp_path)
    assert checked.returncode == 1
    assert "gatehouse db upgrade" in checked.stdout
    assert checked.stderr == ""
    for words in (["db", "upgrade"], ["db", "check"], ["create-admin", "ada@example.com"]):
        assert gatehouse(words, settings, tmp_path).returncode == 0


@pytest.mark.parametrize("words", [["db", "upgrade"], ["db", "check"], ["create-admin", "ada@example.com"]])
def test_without_a_database_an_operator_is_told_so_in_a_line(words: list[str], tmp_path: Path) -> None:
    answer = gatehouse(words, development(NOBODY), tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("Error: ")
    assert answer.stderr.count("\n") == 1
