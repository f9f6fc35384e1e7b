"""Lines to the servers of this run, and nodes at the other end of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.databases import WorkerDatabase
from tests.nodes.conftest import place
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site
from tests.processes import Node
from tests.services import Services

from .line import Line, open_line
from .provider import FarProvider, running_far_provider

__all__ = ["place"]


@pytest.fixture(scope="module")
def new_database(
    postgresql_database: WorkerDatabase, request: pytest.FixtureRequest, worker_name: str
) -> Iterator[str]:
    """The name of a migrated PostgreSQL database of this module alone."""
    name = f"faults_{request.path.stem}_{worker_name}"
    with postgresql_database.another(name):
        yield name


@pytest.fixture(scope="module")
def database_line(postgresql_services: Services) -> Iterator[Line]:
    assert postgresql_services.postgresql_url is not None
    (folder,) = parse_qs(urlsplit(postgresql_services.postgresql_url).query)["host"]
    with open_line(Path(folder) / ".s.PGSQL.5432") as line:
        yield line


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[Browser]:
    """The browser of somebody who administers the site of this module."""
    browser, address = Browser(site.node), new_address("admin")
    browser.sign_in(address)
    assert site.command("create-admin", address).returncode == 0
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def far() -> Iterator[FarProvider]:
    """A provider at the other end of a line, for this module alone."""
    with running_far_provider() as far:
        yield far


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
