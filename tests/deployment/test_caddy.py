"""``deploy/Caddyfile`` at work, in front of nodes that come and go with their addresses, as containers do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import redis
import requests

from flask_gatehouse.ops.doctor.checklist import OF_A_DEPLOYMENT
from tests.deployment.caddy import running_caddy
from tests.deployment.conftest import Deployment
from tests.deployment.doctor import ask_doctor
from tests.deployment.load import PATIENCE_S, under_load, until
from tests.services import need, running_redis
from tools import provision


@pytest.fixture(scope="module")
def counters_url(folder: Path) -> Iterator[str]:
    """The address of a Redis that no other test asks, so that it may go away."""
    with running_redis(provision.find_redis() or need(provision.REDIS), folder) as url:
        yield url


@contextmanager
def being_away(counters_url: str) -> Iterator[None]:
    """Let nobody reach Redis: its socket has another name, and whoever is connected is shown out."""
    socket = Path(counters_url.removeprefix("unix://"))
    elsewhere = socket.rename(socket.with_suffix(".away"))
    try:
        with redis.Redis.from_url(f"unix://{elsewhere}") as client:
            client.client_kill_filter(_type="normal", skipme=True)
        yield
    finally:
        elsewhere.rename(socket)


@pytest.fixture(scope="module")
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy(proxy=running_caddy, held=False)


def test_plain_http_is_led_to_https_and_health_checks_are_not(deployment: Deployment) -> None:
    def ask(url: str, path: str) -> requests.Response:
        return deployment.browser().get(f"{url}{path}", allow_redirects=False, timeout=PATIENCE_S)

    for path in ("/users?q=a", "/metrics", "/healthz/"):
        led = ask(deployment.plain_url, path)
        assert (led.status_code, led.headers["Location"]) == (308, f"{deployment.base_url}{path}")
    for url in (deployment.plain_url, deployment.base_url):
        assert ask(url, "/healthz").json() == {"status": "ok"}
        assert ask(url, "/readyz").json()["status"] == "ok"


def test_a_person_signs_in_and_gets_the_applications_own_headers_compressed(deployment: Deployment) -> None:
    page = deployment.sign_in("alice").get(f"{deployment.base_url}/dashboard", timeout=PATIENCE_S)
    assert "alice@example.com" in page.text
    assert page.headers["Content-Encoding"] in {"zstd", "gzip"}
    assert page.headers["Strict-Transport-Security"] == "max-age=63072000"
    assert page.headers["Cache-Control"] == "no-store"


def test_nobody_chooses_the_address_that_the_trail_knows_her_by(deployment: Deployment) -> None:
    browser = deployment.browser()
    browser.headers.update(
        {
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Host": "evil.example.com",
            "X-Forwarded-Proto": "http",
            "Forwarded": "for=203.0.113.9;host=evil.example.com",
            "X-Request-ID": "another-request",
        }
    )
    refused = browser.get(f"{deployment.base_url}/auth/authorize/panva?state=x", timeout=PATIENCE_S)
    assert (refused.status_code, "evil" in refused.text) == (400, False)
    assert UUID(refused.headers["X-Request-ID"])
    with psycopg.connect(deployment.environment["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT DISTINCT ip FROM gatehouse_audit_events WHERE ip IS NOT NULL").fetchall()
    assert found == [("127.0.0.1",)]


def test_a_header_with_underscores_does_not_pass_for_the_proxys(deployment: Deployment) -> None:
    refused = deployment.browser().get(
        f"{deployment.base_url}/healthz", headers={"X_Forwarded_For": "203.0.113.9"}, timeout=PATIENCE_S
    )
    assert refused.status_code == 400


def test_doctor_finds_nothing_wrong_with_it(deployment: Deployment) -> None:
    _, found = ask_doctor(deployment)
    names = {one.name for one in OF_A_DEPLOYMENT}
    assert [found[name] for name in names - {"rate_limit"} if found[name]["result"] != "ok"] == []


def test_nodes_whose_redis_is_away_are_still_reached(deployment: Deployment, counters_url: str) -> None:
    """They work without it, all but for changes of roles: a proxy that took them out would shut everybody out."""

    def is_ready() -> bool:
        return deployment.browser().get(f"{deployment.plain_url}/readyz", timeout=PATIENCE_S).ok

    with being_away(counters_url), under_load([deployment.sign_in("erin")], deployment.base_url) as load:
        until(lambda: not is_ready())
        # Three times as long as Caddy waits between two looks.
        time.sleep(3)
        until(lambda seen=load.answered: load.answered > seen + 20)
    assert load.failed == []
    until(lambda: all(is_ready() for _ in range(8)))


def test_a_rolling_restart_fails_nobodys_request(deployment: Deployment) -> None:
    """Whoever would have come to a node that is gone comes to the other one."""
    browsers = [deployment.sign_in(name) for name in ("carol", "dave")]
    with under_load(browsers, deployment.base_url) as load:
        for node in deployment.nodes:
            until(lambda seen=load.answered: load.answered > seen + 50)
            assert node.stop() == 0
            until(lambda seen=load.answered: load.answered > seen + 20)
            node.start()
        until(lambda seen=load.answered: load.answered > seen + 50)
    assert load.failed == []
