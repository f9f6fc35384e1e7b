"""Administrators' sessions end sooner where the operator says so, and everybody else's do not. Real seconds."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser, csrf_token_of, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]
IDLE_S, LIFETIME_S = 4, 9


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    limits = {
        "GATEHOUSE_ADMIN_IDLE_TIMEOUT": f"{IDLE_S}s",
        "GATEHOUSE_ADMIN_SESSION_LIFETIME": f"{LIFETIME_S}s",
        "GATEHOUSE_IDLE_TIMEOUT": "20m",
        "GATEHOUSE_SESSION_LIFETIME": "12h",
    }
    with running_site(place, limits, servers=("run",)) as site:
        yield site


@pytest.fixture
def viewer(site: Site, open_browser: Open) -> Browser:
    browser = open_browser(site.node)
    assert browser.sign_in(new_address()).status_code == 302
    assert seconds_left(browser) > LIFETIME_S + 60
    return browser


@pytest.fixture
def email() -> str:
    return new_address("admin")


@pytest.fixture
def admin(site: Site, open_browser: Open, email: str) -> Browser:
    assert site.command("create-admin", email).returncode == 0
    browser = open_browser(site.node)
    assert browser.sign_in(email).status_code == 302
    return browser


def seconds_left(browser: Browser) -> int:
    """Ask as an open page does, which prolongs nothing; -1 once the session has ended."""
    answer = browser.get("/auth/session", headers={"Accept": "application/json"})
    assert answer.status_code in {200, 401}
    return int(answer.json()["seconds_left"]) if answer.status_code == 200 else -1


def test_without_use(admin: Browser, viewer: Browser, site: Site, email: str) -> None:
    assert seconds_left(admin) <= IDLE_S
    wait_until(lambda: seconds_left(admin) < 0)
    (row,) = site.sessions(email)
    assert row["end_reason"] == "idle"
    assert admin.get("/dashboard").headers["Location"].endswith("notice=expired")
    assert viewer.is_signed_in()


# Whoever may be away for long comes first: an administrator's time runs from her own sign-in on.
def test_at_all(viewer: Browser, admin: Browser, site: Site, email: str) -> None:
    (row,) = site.sessions(email)
    # What was promised when it began is an administrator's.
    assert (row["expires_at"] - row["created_at"]).total_seconds() == LIFETIME_S
    token = csrf_token_of(admin.get("/dashboard"))
    while (answer := admin.post("/auth/session", headers={"X-CSRFToken": token})).status_code == 200:
        assert answer.json()["seconds_left"] <= IDLE_S
        time.sleep(0.2)
    assert [row["end_reason"] for row in site.sessions(email)] == ["absolute"]
    assert viewer.is_signed_in()


def test_from_when_on_somebody_is_one(site: Site, open_browser: Open) -> None:
    browser, email = open_browser(site.node), new_address()
    assert browser.sign_in(email).status_code == 302
    wait_until(lambda: seconds_left(browser) < 20 * 60 - IDLE_S)
    assert site.command("create-admin", email).returncode == 0
    # The session that she has had for longer than an administrator may be away ends with her next request.
    assert not browser.is_signed_in()
    (row,) = site.sessions(email)
    assert row["end_reason"] in {"idle", "absolute"}


def test_of_one_who_never_returns(admin: Browser, viewer: Browser, site: Site, email: str) -> None:
    # The worker goes round every ten seconds.
    wait_until(lambda: site.sessions(email)[0]["ended_at"] is not None)
    ended = site.sessions(email)[0]
    (event,) = site.events(target_id=ended["id"], event="session_expired", actor_kind="system")
    assert event[1] == {"reason": ended["end_reason"]}
    assert viewer.is_signed_in()
