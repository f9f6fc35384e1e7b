"""What an ordinary authenticated request costs: one SELECT and no write, as the database itself counts."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import update

from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.sessions.rules import EndReason
from flask_gatehouse.sessions.service import end_session
from tests.nodes.people import SESSION_COOKIE, Browser, new_address, set_cookies_of
from tests.nodes.sites import Site, running_site
from tests.ports import free_port
from tests.processes import PATIENCE_S, Node, running_gatehouse
from tests.services import Services

Open = Callable[[Node], Browser]
# The cookie of a node whose address is https.
SECURE_COOKIE = f"__Host-{SESSION_COOKIE}"
# What a proxy says that has taken a request by https.
ENCRYPTED = {"X-Forwarded-Proto": "https"}
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (.*)")


@dataclass(frozen=True, slots=True)
class Journal:
    """What a database wrote down about the statements of one node.

    :param mark: what the lines of the node begin with.
    """

    path: Path
    mark: str

    def length(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def since(self, length: int) -> list[str]:
        """Return the statements that came after the journal had this length."""
        with self.path.open("rb") as file:
            file.seek(length)
            lines = file.read().decode(errors="replace").splitlines()
        if not self.mark:
            return lines
        own = (STATEMENT.match(line.removeprefix(self.mark)) for line in lines if line.startswith(self.mark))
        return [found[1] for found in own if found]


@dataclass(frozen=True, slots=True)
class Counted:
    """A production node whose statements are counted, beside a development node at which people sign in.

    Production has no embedded provider. Both have one database, so that a session begun at one counts at the other,
    which reads it from the cookie of its own name.
    """

    site: Site
    production: Node
    journal: Journal

    def request(
        self, token: str, path: str, method: str = "GET", **headers: str
    ) -> tuple[requests.Response, list[str]]:
        """Return the production node's answer, and what it cost."""
        before = self.journal.length()
        # By hand: a browser's jar would not send a Secure cookie over plain http.
        response = requests.request(
            method,
            f"{self.production.base_url}{path}",
            headers={"Cookie": f"{SECURE_COOKIE}={token}"} | ENCRYPTED | headers,
            allow_redirects=False,
            timeout=PATIENCE_S,
        )
        return response, self.journal.since(before)


@contextmanager
def counting(place: str, services: Services | None, folder: Path) -> Iterator[Counted]:
    """Start the two nodes. Each pool opens its connections before anything is counted."""
    with ExitStack() as stack:
        site = stack.enter_context(running_site(place))
        port = free_port()
        url, journal = place, Journal(folder / f"trace-{port}", "")
        if services is not None:
            assert services.postgresql_log is not None
            url, journal = (
                f"{place}&application_name=counted{port}",
                Journal(services.postgresql_log, f"counted{port}|"),
            )
        production = {
            "GATEHOUSE_ENV": "production",
            "GATEHOUSE_BASE_URL": "https://gate.example.com",
            "GATEHOUSE_TRUSTED_PROXIES": "1",
            "DATABASE_URL": url,
            "TRACE_FILE": str(journal.path),
        }
        node = stack.enter_context(
            running_gatehouse(
                {**site.environment, **production},
                server="gunicorn",
                application="flask_gatehouse.wsgi:app" if services else "tests.nodes.traced:app",
                port=port,
            )
        )
        counted = Counted(site, node, journal)
        for _ in range(8):
            counted.request("x" * 43, "/dashboard")
        yield counted


@pytest.fixture(scope="module")
def servers(place: str, request: pytest.FixtureRequest) -> Services | None:
    found: Services | None = request.getfixturevalue("postgresql_services") if "postgresql" in place else None
    return found


@pytest.fixture(scope="module")
def counted(place: str, servers: Services | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    with counting(place, servers, tmp_path_factory.mktemp("trace")) as counted:
        yield counted


def token_of_somebody(site: Site, open_browser: Open, email: str | None = None) -> str:
    browser = open_browser(site.node)
    assert browser.sign_in(email or new_address()).status_code == 302
    return browser.session_token


@pytest.mark.parametrize("path", ["/dashboard", "/auth/logout", "/auth/session", "/auth/login", "/"])
def test_an_ordinary_request_costs_one_select_and_writes_nothing(
    counted: Counted, open_browser: Open, path: str
) -> None:
    token = token_of_somebody(counted.site, open_browser)
    for _ in range(3):
        response, statements = counted.request(token, path)
        assert response.status_code == (302 if path in {"/", "/auth/login"} else 200)
        assert set_cookies_of(response) == []
        assert len(statements) == 1, statements
        assert re.match(r"SELECT gatehouse_sessions\.id", statements[0]), statements


def test_the_page_for_htmx_and_json_costs_the_same(counted: Counted, open_browser: Open) -> None:
    token = token_of_somebody(counted.site, open_browser)
    for headers in ({"HX-Request": "true"}, {"Accept": "application/json"}):
        _, statements = counted.request(token, "/dashboard", **headers)
        assert len(statements) == 1, statements


def test_nobody_costs_nothing(counted: Counted) -> None:
    for path in ("/", "/auth/login", "/dashboard", "/healthz", "/static/gatehouse/gatehouse.css", "/nowhere"):
        before = counted.journal.length()
        url = f"{counted.production.base_url}{path}"
        requests.get(url, headers=ENCRYPTED, allow_redirects=False, timeout=PATIENCE_S)
        assert counted.journal.since(before) == []


def test_a_cookie_that_cannot_be_a_session_costs_nothing(counted: Counted) -> None:
    for token in ("", "short", "x" * 44, "x" * 4000):
        assert counted.request(token, "/dashboard")[1] == []


def test_a_cookie_that_comes_after_the_end_writes_once_and_costs_one_select_from_then_on(
    counted: Counted, open_browser: Open
) -> None:
    email = new_address()
    token = token_of_somebody(counted.site, open_browser, email)
    with counted.site.database.transaction() as db:
        end_session(db, counted.site.sessions(email)[0]["id"], EndReason.REVOKED, actor=SYSTEM)
    words = [statement.split()[0] for statement in counted.request(token, "/dashboard")[1]]
    # SQLite's own journal has what a trigger looks at, too.
    assert (words[:3], words[-1]) == (["SELECT", "BEGIN", "UPDATE"], "COMMIT")
    assert set(words[3:-1]) == {"INSERT"}
    for path in ("/dashboard", "/account", "/auth/session"):
        assert [statement.split()[0] for statement in counted.request(token, path)[1]] == ["SELECT"]


def test_many_requests_of_one_minute_write_nothing(counted: Counted, open_browser: Open) -> None:
    token, before = token_of_somebody(counted.site, open_browser), counted.journal.length()
    for _ in range(20):
        counted.request(token, "/dashboard")
    statements = counted.journal.since(before)
    assert len(statements) == 20
    assert all(statement.startswith("SELECT") for statement in statements)


def test_the_journal_sees_writes_and_transactions(counted: Counted, open_browser: Open) -> None:
    token = token_of_somebody(counted.site, open_browser)
    page, _ = counted.request(token, "/dashboard")
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert csrf is not None
    response, statements = counted.request(token, "/auth/session", "POST", **{"X-CSRFToken": csrf[1]})
    assert response.status_code == 200
    words = [statement.split()[0] for statement in statements]
    assert words == ["SELECT", "BEGIN", "UPDATE", "COMMIT", "SELECT"]


def test_a_use_is_written_down_once_in_a_while_and_a_poll_never(counted: Counted, open_browser: Open) -> None:
    email = new_address()
    token = token_of_somebody(counted.site, open_browser, email)
    begun = let_a_while_pass(counted.site, email)
    for path, headers in (
        ("/auth/session", {}),
        ("/dashboard", {"Sec-Purpose": "prefetch"}),
        ("/dashboard", {"Gatehouse-Background": "true"}),
    ):
        _, statements = counted.request(token, path, **headers)
        assert len(statements) == 1, statements
    assert seen(counted.site, email) == begun

    first, second = (counted.request(token, "/dashboard")[1] for _ in range(2))
    assert [statement.split()[0] for statement in first] == ["SELECT", "BEGIN", "UPDATE", "COMMIT"]
    assert len(second) == 1
    assert seen(counted.site, email) > begun


def let_a_while_pass(site: Site, email: str) -> datetime:
    """Let it be longer than a minute since she was seen, after which her next use is written down; return when."""
    before = seen(site, email) - timedelta(minutes=2)
    mine = UserSession.id == site.sessions(email)[0]["id"]
    with site.database.transaction() as db:
        db.execute(update(UserSession).where(mine).values({UserSession.last_seen_at: before}))
    return before


def seen(site: Site, email: str) -> datetime:
    moment: datetime = site.sessions(email)[0]["last_seen_at"]
    return moment
