"""The page's own script, part by part: what the story of a whole visit does not come across."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.chromium import PATIENCE, Complaints, assert_accessible
from tests.processes import Node, running_gatehouse


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_gatehouse({}) as node:
        yield node


@pytest.fixture
def account(node: Node, page: Page) -> Page:
    """The account page of somebody who has just signed in."""
    page.goto(f"{node.base_url}/account")
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("button", name="Ada Admin").click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    return page


def session_says(where: Page | BrowserContext, seconds_left: int, *, extendable: bool = True) -> None:
    """Let the server say this of the session from now on; a POST prolongs it to half an hour."""

    def answer(route: Route) -> None:
        left = 1800 if route.request.method == "POST" else seconds_left
        body = {"seconds_left": left, "extendable": extendable, "warn_at": 120}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    where.route("**/auth/session", answer)


def test_an_answer_enters_as_markup_and_never_as_code(account: Page, complaints: Complaints) -> None:
    # htmx's inner interface for Trusted Types is not promised by anybody; this test stands instead of a promise.
    complaints.allow("Gatehouse runs no code that comes as text|TrustedScriptURL|require-trusted-types-for")
    bodies = iter(
        [
            '<p id="good">Good</p>',
            '<p id="bad">Bad</p><script>window.ran = true</script>',
            '<p id="bad">Bad</p><script src="/static/gatehouse/gatehouse.js?again"></script>',
        ]
    )
    account.route("**/fragment", lambda route: route.fulfill(status=200, content_type="text/html", body=next(bodies)))
    ask = "htmx.ajax('GET', '/fragment', {target: '#main', swap: 'beforeend'})"
    account.evaluate(ask)
    expect(account.locator("#good")).to_be_visible()
    for _ in range(2):
        account.evaluate(ask)
        expect(account.get_by_text("Something went wrong.")).to_be_visible()
        account.evaluate("document.getElementById('gatehouse-messages').replaceChildren()")
    expect(account.locator("#bad")).to_have_count(0)
    assert account.evaluate("window.ran") is None


@pytest.mark.usefixtures("account")
def test_the_token_travels_in_a_header_and_never_in_an_address(
    node: Node, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    # The answer by which the page whose session is ended learns of it, if it asks before the test is over.
    complaints.allow("status of 401")
    other = new_browser()
    other.goto(f"{node.base_url}/account")
    other.get_by_role("link", name="Sign in with").click()
    other.get_by_role("button", name="Ada Admin").click()
    end = other.get_by_role("button", name=re.compile("End the session on")).first
    with other.expect_request(lambda request: request.method == "DELETE") as caught:
        end.click()
    assert "csrf" not in caught.value.url
    assert caught.value.headers["x-csrftoken"]
    expect(other.get_by_text("The session was ended.")).to_be_visible()
    expect(other.get_by_role("heading", name="Where you are signed in")).to_be_focused()


def test_a_failing_server_is_told_apart_from_a_lost_connection(account: Page, complaints: Complaints) -> None:
    complaints.allow("status of 502|Failed to (load|fetch)|ERR_INTERNET_DISCONNECTED")
    ask = "htmx.ajax('GET', '/fragment', {target: '#main', swap: 'beforeend'})"
    account.route("**/fragment", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    account.evaluate(ask)
    expect(account.get_by_text("Something went wrong.")).to_be_visible()
    expect(account.get_by_role("heading", name="Bad Gateway")).to_have_count(0)
    account.unroute("**/fragment")
    account.context.set_offline(True)
    account.evaluate(ask)
    expect(account.get_by_text("No answer from the server.")).to_be_visible()
    expect(account.get_by_text("Connection lost.")).to_be_visible(timeout=2 * PATIENCE)
    account.context.set_offline(False)
    expect(account.get_by_text("Connection lost.")).to_be_hidden()


def test_the_warning_asks_and_an_answer_in_one_tab_counts_in_all(account: Page) -> None:
    session_says(account.context, 110)
    second = account.context.new_page()
    second.goto(account.url)
    for tab in (account, second):
        expect(tab.get_by_role("dialog", name="Are you still there?")).to_be_visible()
    account.bring_to_front()
    expect(account.get_by_role("button", name="Stay signed in")).to_be_focused()
    expect(account.get_by_role("timer")).to_have_text(re.compile(r"1:\d\d"))
    account.get_by_role("button", name="Stay signed in").click()
    for tab in (account, second):
        expect(tab.get_by_role("dialog")).to_be_hidden()


def test_escape_puts_the_warning_away_until_the_last_half_minute(account: Page) -> None:
    session_says(account, 110)
    dialog = account.get_by_role("dialog")
    expect(dialog).to_be_visible()
    account.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    account.unroute("**/auth/session")
    session_says(account, 25)
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("seconds left before you are signed out")).to_have_count(1)


def test_a_session_that_cannot_be_prolonged_offers_a_new_one(account: Page) -> None:
    # As a host may add to all addresses.
    account.evaluate("document.querySelector('[data-sign-in]').search = 'lang=de'")
    session_says(account, 110, extendable=False)
    dialog = account.get_by_role("dialog", name="Your session is about to end")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Stay signed in")).to_be_hidden()
    # Where it leads is walked in test_last_call.
    again = dialog.get_by_role("link", name="Sign in again")
    expect(again).to_be_focused()
    expect(again).to_have_attribute("href", re.compile(r"\?lang=de&next=%2Faccount$"))
    assert_accessible(account)
