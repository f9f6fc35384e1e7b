"""A limit holds at all nodes together, through one Redis, and at each alone while it is away."""

import http.client
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from flask_gatehouse.db.engine import make_engine
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import PATIENCE_S, Node, running_gatehouse

Open = Callable[[Node], Browser]


def takes_both_kinds() -> bool:
    """Return whether a socket of this machine can take IPv6, and IPv4 with it."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
            return not probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return False


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


def test_callers_by_ipv4_are_themselves_on_a_socket_that_takes_ipv6_too(sqlite_url: str) -> None:
    """Such a socket says ::ffff:127.0.0.1, and all of IPv4 is within 64 bits of that. Without IPv6 there is none."""
    environment = {"DATABASE_URL": sqlite_url, "GATEHOUSE_RATE_LIMIT": "3 per hour"}
    engine = make_engine(sqlite_url)
    interface = "[::]" if takes_both_kinds() else "127.0.0.1"
    with running_gatehouse(environment, server="gunicorn", interface=interface) as node:
        found = [status(node, "/auth/login", {}, source="127.0.0.1") for _ in range(4)]
        assert found == [200, 200, 200, 429]
        assert status(node, "/auth/login", {}, source="127.0.0.2") == 200
        assert status(node, "/auth/authorize/dev?state=nobody&code=none", {}, source="127.0.0.2") == 400
    with engine.connect() as connection:
        refused = text("SELECT personal FROM gatehouse_audit_events WHERE event = 'authn_login_fail'")
        (personal,) = connection.execute(refused).scalars()
    engine.dispose()
    assert "127.0.0.2" in personal
    assert "ffff" not in personal


def status(node: Node, path: str, headers: dict[str, str], source: str = "") -> int:
    port = int(node.base_url.rpartition(":")[2])
    connection = http.client.HTTPConnection(
        "127.0.0.1" if source else "localhost", port, timeout=PATIENCE_S, source_address=(source, 0) if source else None
    )
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
