"""The main job with a provider that nobody here wrote: the certified ``oidc-provider``, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import Complaints
from tests.panva import running_panva
from tests.ports import free_port
from tests.processes import Node, running_gatehouse


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    port = free_port()
    with (
        running_panva([f"http://localhost:{port}/auth/authorize/panva"]) as panva,
        running_gatehouse(panva.environment, port=port) as node,
    ):
        yield node


def sign_in(page: Page, node: Node, name: str) -> None:
    """Sign in at the provider's own pages, which ask for a name, a password and consent."""
    page.goto(f"{node.base_url}/account")
    page.get_by_role("link", name="Sign in with Panva").click()
    page.locator('input[name="login"]').fill(name)
    page.locator('input[name="password"]').fill("whatever it likes")
    page.locator('button[type="submit"]').click()
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(f"{node.base_url}/account")


def test_a_person_signs_in_and_out(node: Node, page: Page, complaints: Complaints) -> None:
    # The provider's own pages load a font from elsewhere, which the tests do not let them.
    complaints.allow("fonts.googleapis.com|ERR_FAILED")
    sign_in(page, node, "alice")
    expect(page.get_by_role("main").get_by_text("alice@example.com").first).to_be_visible()
    page.goto(f"{node.base_url}/auth/logout")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have been signed out.")).to_be_visible()


def test_a_person_confirms_that_it_is_she(node: Node, page: Page, complaints: Complaints) -> None:
    complaints.allow("fonts.googleapis.com|ERR_FAILED")
    sign_in(page, node, "bob")
    before = page.context.cookies(node.base_url)
    page.goto(f"{node.base_url}/auth/confirm?next=/account")
    # max_age=0: the provider knows her, and asks again all the same.
    page.locator('input[name="login"]').fill("bob")
    page.locator('input[name="password"]').fill("whatever it likes")
    page.locator('button[type="submit"]').click()
    expect(page).to_have_url(f"{node.base_url}/account")
    after = page.context.cookies(node.base_url)
    token = {cookie["name"]: cookie["value"] for cookie in before}["gatehouse"]
    assert {cookie["name"]: cookie["value"] for cookie in after}["gatehouse"] != token


def test_a_person_who_changes_her_mind_is_told_so(node: Node, page: Page, complaints: Complaints) -> None:
    complaints.allow("fonts.googleapis.com|ERR_FAILED|status of 403")
    page.goto(f"{node.base_url}/auth/login/panva")
    page.get_by_role("link", name=re.compile("Cancel")).click()
    expect(page.get_by_role("heading", name="You did not sign in")).to_be_visible()
