"""A database that is away: nobody is signed out by it, nothing hangs, and it comes back by itself."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from requests import Response

from tests.nodes.meeting import at_once
from tests.nodes.people import Browser, csrf_token_of, new_address, reason_of, set_cookies_of
from tests.nodes.sites import Site, running_site
from tests.nodes.wire import Wire
from tests.processes import Node
from tests.services import Services

Open = Callable[[Node], Browser]
FORMS = {"page": {}, "htmx": {"HX-Request": "true"}, "json": {"Accept": "application/json"}}


@pytest.fixture(scope="module")
def wire(postgresql_services: Services) -> Iterator[Wire]:
    assert postgresql_services.postgresql_url is not None
    (folder,) = parse_qs(urlsplit(postgresql_services.postgresql_url).query)["host"]
    # Short, because a socket's path is; and readable, because the server's owner is somebody else.
    place = Path(tempfile.mkdtemp(prefix="wire-", dir="/tmp"))
    wire = Wire(Path(folder) / ".s.PGSQL.5432", place)
    yield wire
    wire.cut()
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def name(postgresql_services: Services, worker_name: str) -> Iterator[str]:
    assert postgresql_services.postgresql_url is not None
    name = f"away_{worker_name}"
    with psycopg.connect(postgresql_services.postgresql_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield name
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def site(wire: Wire, name: str) -> Iterator[Site]:
    url = f"postgresql://gatehouse@/{name}?host={wire.folder}"
    with running_site(url, servers=("gunicorn",), application="tests.nodes.hasty:app") as site:
        assert site.command("db", "upgrade").returncode == 0
        yield site


@pytest.fixture
def person(site: Site, open_browser: Open) -> Browser:
    browser = open_browser(site.node)
    assert browser.sign_in(new_address()).status_code == 302
    assert browser.is_signed_in()
    return browser


def is_a_pause(answer: Response) -> bool:
    """Return whether an answer says to come back, and takes nothing away from whoever asks."""
    return (
        answer.status_code == 503
        and int(answer.headers["Retry-After"]) > 0
        and set_cookies_of(answer) == []
        and "HX-Redirect" not in answer.headers
        and "Location" not in answer.headers
        and "psycopg" not in answer.text
    )


def test_while_it_is_stopped_everybody_stays_signed_in(site: Site, person: Browser, wire: Wire) -> None:
    token = csrf_token_of(person.get("/dashboard"))
    cookies = person.cookies
    with wire.being_cut():
        for headers in FORMS.values():
            for path in ("/dashboard", "/account", "/auth/session", "/auth/login", "/"):
                assert is_a_pause(person.get(path, headers=headers)), path
        assert is_a_pause(person.post("/auth/logout", {"csrf_token": token}))
        assert person.get("/healthz").status_code == 200
        assert person.get("/readyz").status_code == 503
        page = person.get("/dashboard")
        assert "Nobody is signed out by that." in page.text
        assert 'href="/dashboard"' in page.text
        problem = person.get("/dashboard", headers=FORMS["json"])
        assert problem.headers["Content-Type"] == "application/problem+json"
    assert person.get("/readyz").status_code == 200
    assert person.is_signed_in()
    assert person.cookies == cookies


def test_nobody_needs_it_to_see_the_sign_in_page(site: Site, open_browser: Open, wire: Wire) -> None:
    with wire.being_cut():
        stranger = open_browser(site.node)
        assert stranger.get("/auth/login").status_code == 200
        assert stranger.begin().status_code == 200


def test_a_sign_in_that_finds_it_stopped_leads_back_to_the_beginning(
    site: Site, open_browser: Open, wire: Wire
) -> None:
    person, email = open_browser(site.node), new_address()
    callback = person.choose(person.begin(), email)
    with wire.being_cut():
        answer = person.arrive(callback)
    assert (answer.status_code, "gatehouse" in person.cookies) == (503, False)
    # The provider has redeemed the code: to send it again would only earn a refusal.
    assert 'href="/auth/login"' in answer.text
    assert site.user_id(email) is None
    assert person.sign_in(email).status_code == 302


def test_a_refusal_that_cannot_be_written_down_is_still_a_refusal(site: Site, open_browser: Open, wire: Wire) -> None:
    with wire.being_cut():
        refused = open_browser(site.node).get("/auth/authorize/dev?state=x&code=y")
    assert (refused.status_code, reason_of(refused)) == (400, "state_unknown")


def test_connections_that_died_in_the_pool_are_not_noticed(
    site: Site, person: Browser, open_browser: Open, wire: Wire
) -> None:
    # All threads get a connection, and all connections die: the server was restarted in between.
    at_once([lambda: person.get("/account")] * 4)
    wire.cut()
    wire.mend()
    for _ in range(6):
        assert person.is_signed_in()
    # A change is not tried twice, so that it must not begin on a dead connection at all.
    for _ in range(4):
        wire.cut()
        wire.mend()
        assert open_browser(site.node).sign_in(new_address()).status_code == 302
    wire.cut()
    wire.mend()
    assert person.sign_out().status_code == 303


def test_while_it_is_frozen_nothing_hangs(site: Site, person: Browser, wire: Wire) -> None:
    with wire.being_frozen():
        began = time.monotonic()
        answers = at_once([partial(person.get, "/dashboard", headers=headers) for headers in FORMS.values()])
        # An answer's patience is 2 s, that for the connection that is tried after it 3 s, and the rest is for this
        # machine. What it shows is that patience ends while the wire is frozen; a second round would go unseen.
        assert time.monotonic() - began < 20
        assert all(is_a_pause(answer) for answer in answers)
        assert person.get("/healthz").status_code == 200
    assert person.is_signed_in()


def test_a_locked_sqlite_file_is_read_and_not_waited_for_without_end(sqlite_url: str, open_browser: Open) -> None:
    with running_site(sqlite_url) as site:
        person = open_browser(site.node)
        person.sign_in(new_address())
        page = person.get("/dashboard")
        lock = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        # Reading goes on, and what needs to write is put off.
        assert person.get("/account").status_code == 200
        assert is_a_pause(person.post("/auth/logout", {"csrf_token": csrf_token_of(page)}))
        lock.execute("ROLLBACK")
        lock.close()
        assert person.is_signed_in()
        assert person.sign_out().status_code == 303
