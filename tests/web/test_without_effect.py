"""Settings that nothing obeys yet: an operator who relies on one is told at start."""

import logging
from collections.abc import Iterator

import pytest

from flask_gatehouse.app import create_app
from flask_gatehouse.settings.names import WITHOUT_EFFECT
from tests.web.conftest import development, state_of

VALUES = {
    "GATEHOUSE_METRICS_TOKEN": "canary-canary-canary-canary",
}


def warnings_of(caplog: pytest.LogCaptureFixture, sqlite_url: str, **more: str) -> Iterator[str]:
    with caplog.at_level(logging.WARNING, "flask_gatehouse"):
        app = create_app(development(sqlite_url, **more))
    state_of(app).database.engine.dispose()
    return (record.getMessage() for record in caplog.records if "obeys" in record.getMessage())


def test_all_of_them_are_named_and_none_of_their_values(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert set(VALUES) == WITHOUT_EFFECT
    said = list(warnings_of(caplog, sqlite_url, **VALUES))
    assert said == [f"{name} is set, and nothing in this release obeys it yet" for name in sorted(VALUES)]
    assert "canary" not in caplog.text


def test_nothing_is_said_where_nothing_is_set(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert list(warnings_of(caplog, sqlite_url, GATEHOUSE_REFUSAL_LIMIT="")) == []
