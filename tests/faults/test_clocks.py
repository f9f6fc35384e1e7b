"""A node whose clock is wrong: sessions are what they are at every other node, and nobody is believed for longer."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.sessions.models import UserSession
from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.ports import free_port
from tests.processes import Node, running_gatehouse
from tests.services import Services

from .provider import FarProvider
from .report import Shows

Open = Callable[[Node], Browser]
DAY, MINUTE = 86400.0, 60.0
HALF_A_DAY = timedelta(hours=12)


@pytest.fixture(scope="module")
def site(postgresql_services: Services, new_database: str, far: FarProvider) -> Iterator[Site]:
    url = postgresql_services.database_url(new_database)
    with running_site(url, far.environment, servers=("gunicorn",)) as site:
        yield site


@pytest.fixture(scope="module", params=[-DAY, -5 * MINUTE, 5 * MINUTE, DAY])
def skew(request: pytest.FixtureRequest) -> float:
    seconds: float = request.param
    return seconds


@contextmanager
def beside(site: Site, application: str, **own: str) -> Iterator[Node]:
    """Run one more node of a site, whose clock is its own."""
    port = free_port()
    environment = dict(site.environment) | own | {"GATEHOUSE_BASE_URL": f"http://localhost:{port}"}
    with running_gatehouse(environment, server="gunicorn", application=application, port=port) as node:
        yield node


@pytest.fixture(scope="module")
def wrong(site: Site, skew: float) -> Iterator[Node]:
    with beside(site, "tests.faults.skewed:app", TEST_SKEW_S=str(skew)) as node:
        yield node


def test_a_node_has_another_time(
    site: Site, wrong: Node, skew: float, far: FarProvider, open_browser: Open, shows: Shows
) -> None:
    person, email = open_browser(site.node), new_address()
    assert far.sign_in(person, email).status_code == 302
    # One clock judges sessions, and it is neither node's.
    assert person.is_signed_in(at=wrong)
    assert person.is_signed_in()
    far_away, other = open_browser(wrong), new_address()
    assert far_away.sign_in(other).status_code == 302
    assert far_away.is_signed_in(at=site.node)
    # What has ended stays so, whatever time it is.
    assert person.sign_out().status_code == 303
    assert not person.is_signed_in(at=wrong)
    idle = UserSession.last_seen_at
    with site.database.transaction() as db:
        hers = UserSession.id == site.sessions(other)[0]["id"]
        db.execute(update(UserSession).where(hers).values({idle: site.sessions(other)[0]["created_at"] - HALF_A_DAY}))
    assert not far_away.is_signed_in()
    assert not far_away.is_signed_in(at=site.node)
    # A token that is not of this moment by its clock lets nobody in, rather than anybody for longer.
    comes = open_browser(wrong)
    arrived = far.sign_in(comes, new_address())
    tolerated = skew == 5 * MINUTE
    assert arrived.status_code == (302 if tolerated else 400)
    # An attempt that was begun elsewhere is as old as this node thinks, and young enough or refused.
    begun = open_browser(site.node)
    crossed = begun.get(far.begin(begun, new_address()), at=wrong)
    assert crossed.status_code == (302 if tolerated else 400)
    # Whoever balances between the nodes is told which one not to ask.
    ready = comes.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["clock"].endswith("ahead of the database's" if skew > 0 else "behind the database's")
    assert begun.get("/readyz", at=site.node).status_code == 200
    assert verify(site.database.engine, Held([])).exit_code == 0
    shows(f"clock of a node: {skew:+.0f} s", "sessions as elsewhere, nobody believed for longer, node not ready")


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    path = tmp_path / "steps"
    path.write_text("0", encoding="ascii")
    return path


@pytest.fixture
def stepping(site: Site, steps: Path) -> Iterator[Node]:
    with beside(site, "tests.faults.stepping:app", TEST_STEPS=str(steps)) as node:
        yield node


def test_a_clock_jumps_back_and_comes_right(
    site: Site, stepping: Node, steps: Path, far: FarProvider, open_browser: Open, shows: Shows
) -> None:
    stays, ended, idle = (open_browser(stepping) for _ in range(3))
    names = [new_address() for _ in range(3)]
    for browser, email in zip((stays, ended, idle), names, strict=True):
        assert browser.sign_in(email).status_code == 302
    assert site.command("sessions", "revoke", "--user", names[1]).returncode == 0
    with site.database.transaction() as db:
        hers = site.sessions(names[2])[0]
        long_ago = {UserSession.last_seen_at: hers["created_at"] - timedelta(minutes=31)}
        db.execute(update(UserSession).where(UserSession.id == hers["id"]).values(long_ago))
    begun = open_browser(stepping)
    callback = far.begin(begun, new_address())

    steps.write_text(f"{-DAY}", encoding="ascii")
    wait_until(lambda: stays.get("/readyz").json()["clock"].endswith("behind the database's"))
    # An hour that comes twice gives nobody a session back.
    assert not ended.is_signed_in()
    assert not idle.is_signed_in()
    assert stays.is_signed_in()
    # What was begun in the future is refused; an age below nothing is none.
    assert begun.get(callback).status_code == 400
    page = stays.get("/account")
    assert page.status_code == 200
    assert not re.search(r">-\d", page.text)
    assert stays.sign_out().status_code == 303

    steps.write_text("0", encoding="ascii")
    wait_until(lambda: stays.get("/readyz").status_code == 200)
    assert not ended.is_signed_in()
    assert stays.sign_in(names[0]).status_code == 302
    # What happened in between stands where it happened, whatever its stamp says.
    happened = [name for name, _ in site.events() if name in {"authn_login_success", "session_logout"}]
    assert happened[-2:] == ["session_logout", "authn_login_success"]
    assert verify(site.database.engine, Held([])).exit_code == 0
    shows("clock of a node: a day back and again", "nobody gets a session back, the trail keeps its order")
