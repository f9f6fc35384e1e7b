"""A session near its absolute end, which nothing prolongs: the warning's last button begins a new one."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import assert_accessible
from tests.processes import Node, running_gatehouse

LIFETIME_S = 24
# A page warns when this much is left: two minutes, or half of the idle time if that is less.
WARNS_AT_S = 14


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    limits = {"GATEHOUSE_SESSION_LIFETIME": f"{LIFETIME_S}s", "GATEHOUSE_IDLE_TIMEOUT": f"{2 * WARNS_AT_S}s"}
    with running_gatehouse(limits) as node:
        yield node


def seconds_left(page: Page) -> int:
    answer = page.request.get("/auth/session", headers={"Accept": "application/json"})
    assert answer.status == 200
    left: int = answer.json()["seconds_left"]
    return left


def session_cookie(page: Page) -> str:
    (value,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "gatehouse"]
    return str(value)


def test_the_last_button_begins_a_new_session_on_the_same_page(node: Node, new_browser: Callable[..., Page]) -> None:
    page = new_browser(base_url=node.base_url)
    page.goto("/account?tab=a%20b")
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("button", name="Ada Admin").click()
    expect(page).to_have_url(f"{node.base_url}/account?tab=a%20b")
    before = session_cookie(page)

    dialog = page.get_by_role("dialog", name="Your session is about to end")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Stay signed in")).to_be_hidden()
    assert_accessible(page)
    left = seconds_left(page)
    assert 0 < left <= WARNS_AT_S

    dialog.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(re.compile("/dev/provider/authorize"))
    page.get_by_role("button", name="Ada Admin").first.click()
    expect(page).to_have_url(f"{node.base_url}/account?tab=a%20b")
    assert session_cookie(page) != before
    assert seconds_left(page) > WARNS_AT_S > left
    expect(page.get_by_role("dialog")).to_be_hidden()
    # The session that it replaces is over, and is on no list.
    expect(page.get_by_role("button", name=re.compile("End the session on"))).to_have_count(0)
