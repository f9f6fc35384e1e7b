"""Databases that the tests of one module share, since starting nodes takes time, and browsers that are closed."""

import itertools
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.databases import WorkerDatabase
from tests.nodes.people import Browser
from tests.processes import Node

_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a migrated database of this module alone; what asks for it runs on both kinds."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('nodes') / 'gatehouse.db')}"
        return
    databases: WorkerDatabase = request.getfixturevalue("postgresql_database")
    with databases.another(f"nodes_{request.getfixturevalue('worker_name')}_{next(_numbers)}") as url:
        yield url


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
