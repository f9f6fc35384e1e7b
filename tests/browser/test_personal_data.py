"""A person has her data and leaves, with a keyboard, without script, in German and on a narrow screen."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_german import BERLIN, SCREENS, look
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node, running_gatehouse

GRACE = "grace@example.com"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_gatehouse({}) as node:
        yield node


def sign_in(page: Page, node: Node, email: str = GRACE, at: str = "/account") -> None:
    page.goto(f"{node.base_url}/auth/login?next={at}")
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{node.base_url}{at}")


def test_she_downloads_and_leaves_with_a_keyboard(node: Node, page: Page, complaints: Complaints) -> None:
    complaints.allow("status of 422")
    sign_in(page, node)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").press("Enter")
    told = json.loads(download.value.path().read_text())
    assert told["user"]["email"] == GRACE
    page.get_by_role("link", name="Delete…").press("Enter")
    expect(page.get_by_role("heading", name="Delete your account")).to_be_visible()
    assert_accessible(page)
    field = page.get_by_label(f"To go on, type {GRACE}")
    field.fill("grace")
    field.press("Enter")
    expect(page.get_by_text("Please type exactly what stands above.")).to_be_visible()
    expect(field).to_be_focused()
    assert_accessible(page)
    field.fill(GRACE)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Delete my account for good")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your account is deleted, with all that was held about you.")).to_be_visible()
    assert_accessible(page)
    page.goto(f"{node.base_url}/account")
    expect(page.get_by_role("heading", name="Sign in to Gatehouse")).to_be_visible()


def test_without_script(node: Node, new_browser: Callable[..., Page]) -> None:
    page = new_browser(java_script_enabled=False)
    sign_in(page, node, "plain@example.com")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_label("To go on, type plain@example.com").fill("plain@example.com")
    page.get_by_role("button", name="Delete my account for good").click()
    expect(page.get_by_text("Your account is deleted, with all that was held about you.")).to_be_visible()


def test_the_only_administrator_is_told_why_not(page: Page) -> None:
    with running_gatehouse({}) as node:
        sign_in(page, node, "only@example.com", "/dashboard")
        page.get_by_role("button", name="administrator").click()
        expect(page.get_by_role("link", name="Audit log").first).to_be_visible()
        page.goto(f"{node.base_url}/account/delete")
        expect(page.get_by_text("You are the only administrator")).to_be_visible()
        expect(page.get_by_role("textbox")).to_have_count(0)
        assert_accessible(page)


@pytest.mark.parametrize("screen", SCREENS)
def test_in_german(node: Node, new_browser: Callable[..., Page], screen: str) -> None:
    page = new_browser(viewport=SCREENS[screen], **BERLIN)
    page.goto(f"{node.base_url}/auth/login?next=/account")
    page.get_by_role("link", name="anmelden").click()
    page.get_by_label("E-mail").fill("a.rather.long.address.of.somebody@department.example.com")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Ihre Daten")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Löschen").click()
    expect(page.get_by_role("heading", name="Was gelöscht wird")).to_be_visible()
    look(page)
