"""A worker removes what is old, while it runs and with short times."""

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    short = {f"GATEHOUSE_{name}_RETENTION": "1s" for name in ("SESSION", "REFUSAL", "INVITATION")}
    # Two workers, who do everything once.
    with running_site(place, short, servers=("run", "run")) as site:
        yield site


def rows(site: Site, statement: str) -> int:
    with site.database.reading() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def wait_until_none(site: Site, statement: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while rows(site, statement) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert rows(site, statement) == 0, site.node.log[-2000:]


def test_what_is_old_goes_and_the_trail_verifies(site: Site, open_browser: Callable[[Node], Browser]) -> None:
    stranger, person = open_browser(site.other), open_browser(site.node)
    assert stranger.get("/auth/authorize/dev?state=x&code=y").status_code == 400
    email = new_address("invited")
    assert site.command("create-admin", email).returncode == 0
    assert person.sign_in(email).status_code == 302
    assert person.sign_out().status_code == 303

    wait_until_none(site, "SELECT count(*) FROM gatehouse_sessions WHERE ended_at IS NOT NULL")
    wait_until_none(
        site, "SELECT count(*) FROM gatehouse_audit_events WHERE event = 'authn_login_fail' AND personal IS NOT NULL"
    )
    wait_until_none(
        site, "SELECT count(*) FROM gatehouse_audit_events WHERE event = 'invite_created' AND personal IS NOT NULL"
    )
    assert rows(site, "SELECT count(*) FROM gatehouse_audit_events WHERE event = 'authn_login_fail'") == 1
    verified = site.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
