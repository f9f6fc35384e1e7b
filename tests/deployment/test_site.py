"""The files of ``deploy/`` at work: what an operator relies on who has copied them."""

import re
import time
from collections.abc import Callable, Mapping

import psycopg
import requests
from playwright.sync_api import Page, expect

from tests.chromium import Complaints
from tests.deployment.conftest import Deployment
from tests.deployment.load import PATIENCE_S, under_load, until


def test_a_person_signs_in_through_it(
    deployment: Deployment, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    # The provider's own pages load a font from elsewhere, which the tests do not let them.
    complaints.allow("fonts.googleapis.com|ERR_FAILED")
    page = new_browser(ignore_https_errors=True)
    page.goto(f"{deployment.base_url}/account")
    page.get_by_role("link", name="Sign in with Panva").click()
    page.locator('input[name="login"]').fill("alice")
    page.locator('input[name="password"]').fill("whatever it likes")
    page.locator('button[type="submit"]').click()
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(f"{deployment.base_url}/account")
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "__Host-gatehouse"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")


def test_plain_http_is_led_to_https_and_health_checks_are_not(deployment: Deployment) -> None:
    def ask(path: str) -> requests.Response:
        return requests.get(f"{deployment.plain_url}{path}", allow_redirects=False, timeout=PATIENCE_S)

    led = ask("/users?q=a")
    assert (led.status_code, led.headers["Location"]) == (308, f"{deployment.base_url}/users?q=a")
    assert ask("/healthz").json() == {"status": "ok"}
    assert ask("/readyz").json()["status"] == "ok"


def test_no_address_is_written_that_would_open_something(deployment: Deployment) -> None:
    secret = "the-token-of-a-letter"
    for base_url in (deployment.base_url, deployment.plain_url):
        answer = deployment.browser().get(f"{base_url}/auth/not-me/{secret}", allow_redirects=False, timeout=PATIENCE_S)
        assert answer.status_code in {308, 400, 404, 410}
    # Another site of the same nginx goes on writing its own there.
    another = deployment.environment["GATEHOUSE_OIDC_PANVA_ISSUER"]
    deployment.browser().get(f"{another}/a-page-of-another-site", timeout=PATIENCE_S)
    until(lambda: "/a-page-of-another-site" in (deployment.folder / "access.log").read_text())
    assert secret not in (deployment.folder / "access.log").read_text()


def test_nobody_chooses_the_address_that_the_trail_knows_her_by(deployment: Deployment) -> None:
    browser = deployment.browser()
    browser.headers.update({"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
    browser.headers["X-Request-ID"] = "another-request"
    refused = browser.get(f"{deployment.base_url}/auth/authorize/panva?state=x", timeout=PATIENCE_S)
    assert refused.status_code == 400
    health = browser.get(f"{deployment.plain_url}/healthz", timeout=PATIENCE_S)
    for answer in (refused, health):
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    with psycopg.connect(deployment.environment["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT DISTINCT ip FROM gatehouse_audit_events WHERE ip IS NOT NULL").fetchall()
    assert found == [("127.0.0.1",)]


def test_a_header_with_underscores_does_not_pass_for_the_proxys(deployment: Deployment) -> None:
    """``X_Forwarded_For`` is the same variable as ``X-Forwarded-For`` to whoever reads CGI names."""
    for node in deployment.nodes:
        assert node.status("/healthz", {"X_Forwarded_For": "203.0.113.9"}) == 400


def test_pages_and_what_they_load_are_compressed(deployment: Deployment) -> None:
    browser = deployment.browser()
    for path in ("/auth/login", "/static/gatehouse/gatehouse.css", "/static/gatehouse/vendor/htmx.min.js"):
        assert browser.get(f"{deployment.base_url}{path}", timeout=PATIENCE_S).headers["Content-Encoding"] == "gzip"


def test_who_signs_out_at_one_node_is_out_at_the_other(deployment: Deployment) -> None:
    browser = deployment.sign_in("bob")
    cookie = deployment.cookie(browser)
    assert [_dashboard(deployment, number, cookie) for number in (0, 1)] == [200, 200]
    deployment.command("sessions", "revoke", "--user", "bob@example.com")
    assert [_dashboard(deployment, number, cookie) for number in (0, 1)] == [302, 302]


def _dashboard(deployment: Deployment, number: int, cookie: str) -> int:
    return deployment.nodes[number].status("/dashboard", _proxied(cookie))


def _proxied(cookie: str) -> Mapping[str, str]:
    return {"Cookie": cookie, "X-Forwarded-For": "127.0.0.1"}


def test_a_rolling_restart_fails_nobodys_request(deployment: Deployment) -> None:
    browsers = [deployment.sign_in(name) for name in ("carol", "dave", "erin", "frank")]
    with under_load(browsers, deployment.base_url) as load:
        for node in deployment.nodes:
            until(lambda seen=load.answered: load.answered > seen + 50)
            assert node.stop() == 0
            # Nobody holds this node's requests but the queue of its socket.
            time.sleep(0.5)
            node.start()
        until(lambda seen=load.answered: load.answered > seen + 50)
    assert load.failed == []
    assert load.answered > 150


def test_a_request_that_is_under_way_when_a_node_is_stopped_is_answered(deployment: Deployment) -> None:
    """SIGTERM under load at both nodes at once: what they have taken they answer, and what waits is answered later."""
    browsers = [deployment.sign_in(name) for name in ("grace", "heidi")]
    with under_load(browsers, deployment.base_url) as load:
        until(lambda: load.answered > 30)
        for node in deployment.nodes:
            assert node.stop() == 0
        for node in deployment.nodes:
            node.start()
        until(lambda seen=load.answered: load.answered > seen + 30)
    assert load.failed == []
