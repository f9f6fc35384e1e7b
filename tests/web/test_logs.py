"""What the log says of a fault, and what it keeps to itself."""

from typing import NoReturn

import pytest
from flask import Flask


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
