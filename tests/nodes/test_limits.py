"""A limit holds at all nodes together, through one Redis, and at each alone while it is away."""

import http.client
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import PATIENCE_S, Node, running_gatehouse

Open = Callable[[Node], Browser]


@contextmanager
def site_with(sqlite_url: str, **more: str) -> Iterator[Site]:
    with running_site(sqlite_url, more, servers=("run", "gunicorn")) as site:
        yield site


def test_two_nodes_count_together_and_a_person_by_herself(sqlite_url: str, redis_url: str, open_browser: Open) -> None:
    limits = {"REDIS_URL": redis_url, "GATEHOUSE_RATE_LIMIT": "12 per hour"}
    with site_with(sqlite_url, **limits) as site:
        nobody, person = open_browser(site.node), open_browser(site.node)
        assert person.sign_in(new_address()).status_code == 302
        nodes = [*site.nodes] * 8
        found = [nobody.get("/auth/login", at=node).status_code for node in nodes[:14]]
        assert found == [200] * 12 + [429] * 2
        found = [person.get("/dashboard", at=node).status_code for node in nodes[:14]]
        assert found == [200] * 12 + [429] * 2
        for node in site.nodes:
            refused = nobody.get("/auth/login", at=node)
            assert 0 < int(refused.headers["Retry-After"]) <= 3600


def test_headers_with_underscores_are_nobodys(sqlite_url: str) -> None:
    """Both spellings become one name in WSGI: a proxy that only knows the proper one would let the other through."""
    production = {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": "https://gate.example.com",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": sqlite_url,
        "GATEHOUSE_RATE_LIMIT": "3 per hour",
        "GATEHOUSE_TRUSTED_PROXIES": "1",
    }
    proper = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with running_gatehouse(production, server="gunicorn") as node:
        found = [status(node, "/auth/login", {**proper, "X_Forwarded_For": f"198.51.100.{n}"}) for n in range(1, 5)]
    assert found == [200, 200, 200, 429]


def status(node: Node, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("localhost", int(node.base_url.rpartition(":")[2]), timeout=PATIENCE_S)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_node_that_cannot_count_with_others_says_so_and_goes_on(
    sqlite_url: str, tmp_path: Path, open_browser: Open
) -> None:
    away = {"REDIS_URL": f"unix://{tmp_path}/nobody.sock"}
    with site_with(sqlite_url, **away) as site:
        person = open_browser(site.node)
        assert person.sign_in(new_address()).status_code == 302
        assert person.is_signed_in(at=site.other)
        assert "Redis does not answer" in site.node.log
        assert len(site.events(event="rate_limiter_unavailable")) == 2


def test_a_node_without_its_redis_is_not_ready(sqlite_url: str, tmp_path: Path, open_browser: Open) -> None:
    with site_with(sqlite_url, REDIS_URL=f"unix://{tmp_path}/nobody.sock?password=canary") as site:
        answer = open_browser(site.node).get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "status": "unavailable",
            "database": "ok",
            "migrations": "ok",
            "clock": "ok",
            "limiter": "Redis does not answer",
        }
        assert open_browser(site.node).get("/healthz").status_code == 200
