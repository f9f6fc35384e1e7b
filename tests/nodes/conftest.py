"""Databases that the tests of one module share, since starting nodes takes time, and browsers that are closed."""

import itertools
import shutil
from collections.abc import Callable, Iterator

import psycopg
import pytest

from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from tests.nodes.people import Browser
from tests.processes import Node
from tests.services import Services

_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a migrated database of this module alone; what asks for it runs on both kinds."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('nodes') / 'gatehouse.db')}"
        return
    services: Services = request.getfixturevalue("postgresql_services")
    name = f"nodes_{request.getfixturevalue('worker_name')}_{next(_numbers)}"
    assert services.postgresql_url is not None
    with psycopg.connect(services.postgresql_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        engine = make_engine(services.database_url(name))
        upgrade(engine)
        engine.dispose()
        yield services.database_url(name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def open_browser() -> Iterator[Callable[[Node], Browser]]:
    """Opens a browser with an empty jar, as often as one likes."""
    browsers: list[Browser] = []

    def open_one(node: Node) -> Browser:
        browsers.append(Browser(node))
        return browsers[-1]

    yield open_one
    for browser in browsers:
        browser.close()
