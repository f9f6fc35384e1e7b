"""A running system seals what was committed within two seconds, and no request waits for that."""

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import PATIENCE_S, Node
from tests.trail import sealed

WITHIN_S = 2.0


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    # Each of them has a worker of its own.
    with running_site(place, servers=("run", "run")) as site:
        yield site


def unsealed(site: Site) -> int:
    with site.database.reading() as connection:
        return int(
            connection.execute(
                text(
                    "SELECT count(*) FROM gatehouse_audit_events"
                    " WHERE id NOT IN (SELECT event_id FROM gatehouse_audit_leaves)"
                )
            ).scalar_one()
        )


def is_sealed_soon(site: Site, open_browser: Callable[[Node], Browser]) -> bool:
    """Let people come and go, and return whether all of it is sealed in time."""
    for number in range(6):
        browser = open_browser(site.node)
        assert browser.sign_in(new_address()).status_code == 302
        assert browser.change("/auth/logout", at=site.nodes[number % 2]).status_code == 303
    deadline = time.monotonic() + WITHIN_S
    while unsealed(site) and time.monotonic() < deadline:
        time.sleep(0.1)
    return unsealed(site) == 0


def test_what_people_do_is_sealed_soon(site: Site, open_browser: Callable[[Node], Browser]) -> None:
    # A machine that is busy otherwise may be late, but not each time.
    assert any(is_sealed_soon(site, open_browser) for _ in range(10))
    wait_until(lambda: unsealed(site) == 0)
    # Two workers, and one tree without a gap.
    assert "session_logout" in sealed(site.database)


def test_nobody_waits_for_the_lock(site: Site, open_browser: Callable[[Node], Browser]) -> None:
    if site.database.engine.dialect.name == "sqlite":
        # It has one lock for everything, which a batch holds for milliseconds.
        return
    with site.database.engine.connect() as held:
        held.execute(text("SELECT 1 FROM gatehouse_audit_trees FOR UPDATE"))
        browser = open_browser(site.node)
        # It is answered while the lock is held.
        assert browser.sign_in(new_address()).status_code == 302
        assert unsealed(site) > 0


def test_what_was_done_last_is_sealed_at_the_end(database_url: str, open_browser: Callable[[Node], Browser]) -> None:
    # A database of its own: nobody else seals it, or is at it just when this worker comes.
    with running_site(database_url) as site:
        browser = open_browser(site.node)
        assert browser.sign_in(new_address()).status_code == 302
        site.node.process.terminate()
        assert site.node.process.wait(PATIENCE_S) is not None
        assert unsealed(site) == 0
