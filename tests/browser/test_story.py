"""The main job, as a person sees it: she signs in, is warned, is signed out from elsewhere, and comes back."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import PATIENCE, Complaints, assert_accessible
from tests.processes import Node, running_gatehouse

# Short enough to wait for the warning: it comes when half of it is left.
IDLE_S = 16


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_gatehouse(
        {"GATEHOUSE_IDLE_TIMEOUT": f"{IDLE_S}s", "GATEHOUSE_SUPPORT_EMAIL": "help@example.com"}
    ) as node:
        yield node


def sign_in(page: Page, node: Node, path: str = "/dashboard", person: str = "Ada Admin") -> None:
    """Go to a page of a node and sign in on the way, by clicking as a person does."""
    page.goto(node.base_url + path)
    expect(page).to_have_url(re.compile("/auth/login"))
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("button", name=person).click()
    expect(page).to_have_url(node.base_url + path)


def test_the_whole_story(node: Node, new_browser: Callable[..., Page], complaints: Complaints) -> None:
    # The answer by which an open page learns that it has been signed out.
    complaints.allow("status of 401")
    page = new_browser()

    page.goto(node.base_url)
    expect(page).to_have_url(f"{node.base_url}/auth/login")
    assert_accessible(page)
    sign_in(page, node)
    expect(page.get_by_role("status").first).to_contain_text("Welcome, Ada Admin! Your account has been created.")
    expect(page.get_by_text("This is your first sign-in")).to_be_visible()
    assert_accessible(page)

    page.goto(f"{node.base_url}/account")
    warning = page.get_by_role("dialog")
    expect(warning).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()
    page.reload()
    expect(page).to_have_url(f"{node.base_url}/account")

    elsewhere = new_browser()
    sign_in(elsewhere, node, "/account")
    elsewhere.get_by_role("button", name=re.compile("End the session on")).click()
    expect(elsewhere.get_by_text("The session was ended.")).to_be_visible()
    expect(elsewhere.get_by_role("button", name=re.compile("End the session on"))).to_have_count(0)
    assert_accessible(elsewhere)

    expect(page).to_have_url(re.compile("/auth/login"))
    expect(page.get_by_text("Your session was ended")).to_be_visible()
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("button", name="Ada Admin").first.click()
    expect(page).to_have_url(f"{node.base_url}/account")


def test_a_session_that_nobody_uses_ends_and_says_so(node: Node, page: Page, complaints: Complaints) -> None:
    complaints.allow("status of 401")
    sign_in(page, node, "/account", "Vera Viewer")
    expect(page).to_have_url(re.compile("/auth/login"), timeout=2 * PATIENCE)
    expect(page.get_by_text("Your session has expired. Please sign in again.")).to_be_visible()
    assert_accessible(page)
    page.go_back()
    expect(page).to_have_url(re.compile("/auth/login"))


def test_signing_out_asks_and_says_goodbye(node: Node, page: Page) -> None:
    sign_in(page, node, person="Eddie Editor")
    page.goto(f"{node.base_url}/auth/logout")
    assert_accessible(page)
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/auth/login\?notice=signed_out"))
    expect(page.get_by_text("You have been signed out.")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile("/auth/login"))


def test_errors_and_refusals_are_pages(node: Node, page: Page, complaints: Complaints) -> None:
    complaints.allow("status of 40[034]")
    for path, words in (
        ("/nowhere", "Page not found"),
        ("/auth/authorize/dev?state=unknown", "That sign-in is no longer open"),
        ("/auth/login/nobody", "Page not found"),
    ):
        page.goto(node.base_url + path)
        expect(page.get_by_role("heading", name=words)).to_be_visible()
        assert_accessible(page)
    page.goto(f"{node.base_url}/auth/login")
    page.get_by_role("link", name="Sign in with").click()
    expect(page.get_by_role("button", name="Deny")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("The sign-in was cancelled.")).to_be_visible()
    assert_accessible(page)


def test_a_keyboard_is_enough(node: Node, page: Page) -> None:
    page.goto(f"{node.base_url}/account")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in with")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Vera Viewer").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{node.base_url}/account")
    page.get_by_role("button", name="Your account:").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").last.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/auth/login\?notice=signed_out"))


def test_everything_works_without_script(node: Node, new_browser: Callable[..., Page]) -> None:
    page = new_browser(java_script_enabled=False)
    sign_in(page, node, "/account", "Oscar Outsider")
    other = new_browser()
    sign_in(other, node, "/dashboard", "Oscar Outsider")
    page.reload()
    page.get_by_role("button", name=re.compile("End the session on")).click()
    expect(page.get_by_text("The session was ended.")).to_be_visible()
    page.goto(f"{node.base_url}/auth/logout")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have been signed out.")).to_be_visible()


def test_pages_fit_a_small_screen(node: Node, new_browser: Callable[..., Page]) -> None:
    page = new_browser(viewport={"width": 320, "height": 640})
    sign_in(page, node, "/account", "Vera Viewer")
    for path in ("/account", "/dashboard", "/auth/logout"):
        page.goto(node.base_url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
