"""The standalone application in this process, for tests of what it answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse.app import create_app
from flask_gatehouse.testing import SignedIn
from flask_gatehouse.web.routes import Route
from flask_gatehouse.web.state import EXTENSION, State

KEY = "k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe"


def development(database_url: str, **more: str) -> dict[str, Any]:
    return {
        "GATEHOUSE_ENV": "development",
        "GATEHOUSE_BASE_URL": "http://localhost",
        "SECRET_KEY": KEY,
        "DATABASE_URL": database_url,
        **more,
    }


@pytest.fixture
def app(sqlite_url: str) -> Iterator[Flask]:
    yield from running(create_app(development(sqlite_url)))


@pytest.fixture
def production_app(sqlite_url: str) -> Iterator[Flask]:
    config = development(sqlite_url, GATEHOUSE_ENV="production", GATEHOUSE_BASE_URL="https://app.example.com")
    yield from running(create_app(config))


def running(app: Flask) -> Iterator[Flask]:
    app.testing = True
    yield app
    state_of(app).database.engine.dispose()


def state_of(app: Flask) -> State:
    found: State = app.extensions[EXTENSION]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def path_about(route: Route, who: SignedIn) -> str:
    """Return the address of a route that is about somebody, or about nothing that there is."""
    path = route.rule
    for place, value in {
        "<int:user_id>": who.user_id,
        "<session_id>": who.session_id,
        "<int:identity_id>": 1,
        "<provider>": "dev",
        "<token>": "nonsense",
    }.items():
        path = path.replace(place, str(value))
    return path
