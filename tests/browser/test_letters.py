"""Letters as a person sees them, and the page that their link opens."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from flask_gatehouse.alerts.messages import Alert, Message, as_text
from flask_gatehouse.alerts.not_me import NotMe, NotMeSigner
from flask_gatehouse.app import create_app
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.web.letters import writer_of
from flask_gatehouse.web.state import EXTENSION, State
from tests.chromium import assert_accessible
from tests.mounting.test_letters import FACTS, NAMES
from tests.processes import Node


@pytest.fixture
def application(sqlite_url: str) -> Iterator[Flask]:
    app = create_app(
        {
            "GATEHOUSE_ENV": "development",
            "GATEHOUSE_BASE_URL": "http://localhost",
            "SECRET_KEY": "a key for tests, which guards nothing",
            "DATABASE_URL": sqlite_url,
        }
    )
    yield app
    state: State = app.extensions[EXTENSION]
    state.database.engine.dispose()


def look(page: Page, html: str) -> None:
    """Look at a letter on a wide and on a narrow screen. Asking for anything elsewhere fails the test."""
    for width in (800, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(html)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)


@pytest.mark.parametrize("name", NAMES)
def test_a_letter_reads_well_in_both_schemes(page: Page, application: Flask, name: str) -> None:
    facts = FACTS | {"release": "gatehouse release ada@example.com"}
    look(page, writer_of(application)(name, "de", "ada@example.com", facts).html)
    expect(page.get_by_role("link", name="Das war ich nicht")).to_be_visible()


def test_an_alert_reads_well(page: Page, application: Flask) -> None:
    now = utc_now()
    network = "192.0.2.0/24"
    line = f"{now:%Y-%m-%d %H:%M:%S} UTC · authn_login_fail · by anonymous · state_reused · from 192.0.2.7"
    alerts = [
        Alert("refusals-network", "Repeated refusals from one network", network, "", 10_000, now, now, [line] * 3),
        Alert("verification-failed", "The audit trail does not verify", None, "", 1, now, now),
    ]
    message = Message("Corp & Co", "http://localhost/admin/audit-logs", alerts, [("A role was changed", 3)])
    facts = {"message": message, "lines": as_text(message)}
    look(page, writer_of(application)("alert", "en", "ops@example.com", facts).html)


def test_the_page_behind_the_link(
    node: Node, new_browser: Callable[..., Page], page: Page, sign_in: Callable[[Page], Page]
) -> None:
    sign_in(page)
    key = (node.directory / "instance/development-secret-key").read_text()
    link = NotMeSigner([key]).seal(NotMe(2, 0, "authn_login_success"))
    reader = new_browser(locale="en", java_script_enabled=False)
    reader.goto(f"{node.base_url}/auth/not-me/{link}")
    expect(reader.get_by_role("heading", name="Was this not you?")).to_be_visible()
    reader.get_by_role("button", name="Lock the account").focus()
    reader.keyboard.press("Enter")
    expect(reader.get_by_role("heading", name="The account is locked")).to_be_visible()
    watcher = new_browser()
    watcher.goto(f"{node.base_url}/auth/not-me/{link}")
    expect(watcher.get_by_role("heading", name="This link has done its work")).to_be_visible()
    assert_accessible(watcher)
    page.goto(f"{node.base_url}/dashboard")
    assert_accessible(page)
    page.get_by_role("region", name="Locked accounts").get_by_role("link").click()
    expect(page.get_by_role("button", name="Unlock the account")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Unlock the account").click()
    expect(page.get_by_text("can sign in again.")).to_be_visible()
    expect(page.get_by_role("button", name="Unlock the account")).to_have_count(0)
