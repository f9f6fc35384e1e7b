"""What the log says of a fault, and what it keeps to itself."""

import logging
from linecache import getlines
from typing import NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient


def test_a_fault_is_logged_under_its_route_and_not_under_the_token_of_a_letter(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(token: str) -> NoReturn:
        raise RuntimeError("a bug of a test")

    app.testing = False
    app.view_functions["gatehouse.not_me"] = fail
    assert app.test_client().get("/auth/not-me/canary-of-a-letter").status_code == 500
    assert "Exception on /auth/not-me/<token> [GET]" in caplog.messages
    assert "canary-of-a-letter" not in caplog.text


def test_what_a_host_logs_of_its_own_views_is_its_own(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> NoReturn:
        raise RuntimeError("a bug of a test")

    app.testing = False
    app.add_url_rule("/theirs", view_func=fail)
    assert app.test_client().get("/theirs").status_code == 500
    assert "Exception on /theirs [GET]" in caplog.messages


def test_the_line_of_a_request_says_where_it_is_written(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """For an operator's own format of the log, which asks for it."""
    caplog.set_level(logging.INFO, logger="flask_gatehouse.requests")
    client.get("/auth/login")
    (line,) = (one for one in caplog.records if one.name == "flask_gatehouse.requests")
    assert "def write_down" in getlines(line.pathname)[line.lineno - 1]
    assert line.funcName == "write_down"
