"""How long a session lasts: without use, at all, and who writes down that it is over. Real seconds, short limits."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.nodes.people import Browser, csrf_token_of, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]
# Long enough for a busy machine to ask again before somebody counts as idle.
IDLE_S, LIFETIME_S = 4, 9
ABANDONED = "abandoned@example.com"
# The worker goes round every ten seconds.
WORKER_S = 180
# How much longer than that a busy machine may take to answer.
PATIENCE_S = 120


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    limits = {"GATEHOUSE_IDLE_TIMEOUT": f"{IDLE_S}s", "GATEHOUSE_SESSION_LIFETIME": f"{LIFETIME_S}s"}
    with running_site(place, limits, servers=("run",)) as site:
        yield site


@pytest.fixture(scope="module", autouse=True)
def abandoned(site: Site) -> Iterator[Browser]:
    """Somebody who has left before all other tests, so that they do the waiting for the worker."""
    browser = Browser(site.node)
    browser.sign_in(ABANDONED)
    yield browser
    browser.close()


@pytest.fixture
def email() -> str:
    return new_address()


@pytest.fixture
def person(site: Site, open_browser: Open, email: str) -> Browser:
    browser = open_browser(site.node)
    assert browser.sign_in(email).status_code == 302
    return browser


def wait_for_the_end(site: Site, email: str, seconds: float) -> dict[str, object]:
    """Return the row of her only session once it says that it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (row,) = site.sessions(email)
        if row["ended_at"] is not None:
            return row
        time.sleep(0.1)
    raise AssertionError("nobody wrote down that the session has ended")


def test_a_page_that_asks_all_the_time_keeps_nobody_signed_in(person: Browser, site: Site, email: str) -> None:
    began, left = time.monotonic(), []
    while (answer := person.get("/auth/session", headers={"Accept": "application/json"})).status_code == 200:
        left.append(answer.json()["seconds_left"])
        assert time.monotonic() - began < IDLE_S + PATIENCE_S
        time.sleep(0.1)
    assert left == sorted(left, reverse=True)
    assert len(left) > 3
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/auth/login?notice=expired"
    (row,) = site.sessions(email)
    assert row["end_reason"] == "idle"
    assert row["ended_at"] - row["last_seen_at"] >= timedelta(seconds=IDLE_S)
    it_is_told_in_every_form(person, site)


def it_is_told_in_every_form(person: Browser, site: Site) -> None:
    page = person.get("/account?tab=1")
    assert (page.status_code, page.headers["Location"]) == (
        302,
        "/auth/login?next=%2Faccount%3Ftab%3D1&notice=expired",
    )
    fragment = person.get(
        "/account", headers={"HX-Request": "true", "HX-Current-URL": f"{site.node.base_url}/dashboard?a=1"}
    )
    assert (fragment.status_code, fragment.text) == (401, "")
    assert fragment.headers["HX-Redirect"] == "/auth/login?next=%2Fdashboard%3Fa%3D1&notice=expired"
    problem = person.get("/account", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["Content-Type"]) == (401, "application/problem+json")
    sign_in = person.get(page.headers["Location"])
    assert "Your session has expired. Please sign in again." in sign_in.text
    # She is back where she was after signing in again.
    callback = person.choose(person.begin("/account?tab=1"), new_address())
    assert person.arrive(callback).headers["Location"] == "/account?tab=1"


def test_staying_prolongs_the_session_but_not_past_its_absolute_end(person: Browser, site: Site, email: str) -> None:
    began = time.monotonic()
    token = csrf_token_of(person.get("/dashboard"))
    while (answer := person.post("/auth/session", headers={"X-CSRFToken": token})).status_code == 200:
        assert answer.json()["seconds_left"] <= IDLE_S
        last = answer.json()
        assert time.monotonic() - began < LIFETIME_S + PATIENCE_S
        time.sleep(0.3)
    assert not last["extendable"]
    (row,) = site.sessions(email)
    assert row["end_reason"] == "absolute"
    assert row["ended_at"] - row["created_at"] >= timedelta(seconds=LIFETIME_S)
    assert not person.is_signed_in()


def test_using_pages_prolongs_the_session(site: Site, open_browser: Open) -> None:
    # A machine that pauses for so long that she counts as idle shows nothing.
    assert any(stays_by_using_pages(open_browser(site.node)) for _ in range(10))


def stays_by_using_pages(person: Browser) -> bool:
    """Use pages for longer than a session lasts without; return whether no pause was as long as that."""
    began = asked = time.monotonic()
    assert person.sign_in(new_address()).status_code == 302
    while asked - began < IDLE_S * 1.2:
        time.sleep(IDLE_S * 0.4)
        before, asked = asked, time.monotonic()
        if not person.is_signed_in():
            assert time.monotonic() - before >= IDLE_S or time.monotonic() - began >= LIFETIME_S
            return False
    return True


def test_the_worker_ends_the_session_of_somebody_who_never_returns(abandoned: Browser, site: Site) -> None:
    row = wait_for_the_end(site, ABANDONED, WORKER_S)
    # Which of them depends on when the worker came by.
    assert row["end_reason"] in {"idle", "absolute"}
    (event,) = site.events(target_id=row["id"], event="session_expired", actor_kind="system")
    assert event[1] == {"reason": row["end_reason"]}
    assert abandoned.get("/dashboard").headers["Location"].endswith("notice=expired")
    # One end is written down once, whoever comes later.
    assert len(site.events(target_id=row["id"], event="session_expired")) == 1
