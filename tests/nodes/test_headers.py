"""Headers of every answer of a production node: each route, each kind, each status, signed in or not."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests

from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.headers import CONTENT_SECURITY_POLICY
from tests.nodes.listeners import wait_until
from tests.nodes.people import SESSION_COOKIE, Browser, csrf_token_of, new_address
from tests.nodes.sites import running_site
from tests.ports import free_port
from tests.processes import PATIENCE_S, Node, running_gatehouse

BASE = "https://gate.example.com"
BY_HTTPS = {"X-Forwarded-Proto": "https"}
EXACTLY = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
KINDS = {
    "page": {"Accept": "text/html"},
    "fragment": {"HX-Request": "true", "HX-Current-URL": f"{BASE}/dashboard"},
    "json": {"Accept": "application/json"},
}
STATIC = "/static/gatehouse/gatehouse.css"
# What is nobody's, and what cannot be asked for so.
BESIDE = ["/nowhere", "/broken", "/users/99999999", "/auth/login/nobody", "/static/gatehouse/nothing.js", STATIC]


@dataclass(frozen=True, slots=True)
class House:
    """A production node, and the cookie of an administrator who has signed in at another node on its database."""

    node: Node
    token: str

    def ask(self, method: str, path: str, *, signed_in: bool, **headers: str) -> requests.Response:
        cookie = {"Cookie": f"__Host-{SESSION_COOKIE}={self.token}"} if signed_in else {}
        sent = BY_HTTPS | cookie | headers
        url = self.node.base_url + path
        return requests.request(method, url, headers=sent, allow_redirects=False, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def house(place: str) -> Iterator[House]:
    with ExitStack() as stack:
        site = stack.enter_context(running_site(place))
        email = new_address()
        assert site.command("create-admin", email).returncode == 0
        browser = Browser(site.node)
        stack.callback(browser.close)
        assert browser.sign_in(email).status_code == 302
        production = {
            "GATEHOUSE_ENV": "production",
            "GATEHOUSE_BASE_URL": BASE,
            "GATEHOUSE_TRUSTED_PROXIES": "1",
            "GATEHOUSE_METRICS_TOKEN": secrets.token_urlsafe(24),
            "GITHUB_CLIENT_ID": "client",
            "GITHUB_CLIENT_SECRET": "secret",
        }
        node = stack.enter_context(
            running_gatehouse(
                {**site.environment, **production},
                server="gunicorn",
                application="tests.nodes.broken:app",
                port=free_port(),
            )
        )
        yield House(node, browser.session_token)


def address(rule: str) -> str:
    return re.sub(r"<[^>]+>", "1", rule).replace("/auth/login/1", "/auth/login/github")


PATHS = [address(route.rule) for route in ROUTES if not route.development] + BESIDE
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


def test_each_answer_carries_the_same(house: House) -> None:
    statuses: dict[int, int] = {}
    wrong = []
    for path in PATHS:
        for kind, headers in KINDS.items():
            for method in METHODS:
                for signed_in in (False, True):
                    # Without a token no change is made, so that all of them find the same.
                    answer = house.ask(method, path, signed_in=signed_in, **headers)
                    statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                    wrong += [
                        f"{method} {path} ({kind}) {answer.status_code}: {fault}" for fault in faults(answer, path)
                    ]
    assert wrong == []
    assert {200, 302, 400, 401, 403, 404, 405, 500} <= statuses.keys(), statuses


def faults(answer: requests.Response, path: str) -> Iterator[str]:
    headers = answer.headers
    yield from (f"{name}: {headers.get(name)}" for name, value in EXACTLY.items() if headers.get(name) != value)
    if "Permissions-Policy" not in headers or not headers.get("X-Request-ID"):
        yield "no Permissions-Policy or X-Request-ID"
    if path != STATIC or answer.status_code >= 400:
        if headers.get("Cache-Control") != "no-store":
            yield f"Cache-Control: {headers.get('Cache-Control')}"
        if "cookie" not in headers.get("Vary", "").lower():
            yield f"Vary: {headers.get('Vary')}"
    for name in ("Access-Control-Allow-Origin", "X-Powered-By"):
        if name in headers:
            yield f"{name}: {headers[name]}"
    if "Werkzeug" in headers.get("Server", ""):
        yield f"Server: {headers['Server']}"


def test_a_change_and_too_many_carry_the_same(house: House) -> None:
    page = house.ask("GET", "/dashboard", signed_in=True)
    done = house.ask("POST", "/auth/session", signed_in=True, **{"X-CSRFToken": csrf_token_of(page)})
    assert (done.status_code, list(faults(done, ""))) == (200, [])
    limits = {"GATEHOUSE_RATE_LIMIT": "1 per hour"}
    production = {"GATEHOUSE_ENV": "production", "GATEHOUSE_BASE_URL": BASE, "SECRET_KEY": secrets.token_urlsafe(32)}
    with running_gatehouse({**production, **limits, "GATEHOUSE_TRUSTED_PROXIES": "1"}, server="gunicorn") as node:
        limited = House(node, "")
        answers = [limited.ask("GET", "/auth/login", signed_in=False) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert [fault for answer in answers for fault in faults(answer, "")] == []
        # The node has no database at all.
        away = limited.ask("GET", "/readyz", signed_in=False)
        assert (away.status_code, list(faults(away, ""))) == (503, [])


def test_a_fault_is_in_the_log_and_on_no_page(house: House) -> None:
    answer = house.ask("GET", "/broken", signed_in=True)
    assert (answer.status_code, "canary-in-a-fault" in answer.text, "Traceback" in answer.text) == (500, False, False)
    name = answer.headers["X-Request-ID"]
    wait_until(lambda: any(name in line and "canary-in-a-fault" in line for line in house.node.log.splitlines()))
    lines = [json.loads(line) for line in house.node.log.splitlines() if name in line]
    assert any("canary-in-a-fault" in line.get("exception", "") for line in lines)
