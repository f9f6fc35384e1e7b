"""The audit log in a browser: what the address says, events that unfold, the chart, news, keys, and no script."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from flask_gatehouse.audit import AuditEvent, Personal, record
from flask_gatehouse.db.database import begin_immediately
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from tests.browser.crowd import focused
from tests.browser.test_german import BERLIN, SCREENS, look
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node

PATIENCE_MS = 40_000
# An open page looks for news this often.
PAUSE_MS = 10_000
# One of those who sign in with the provider by pressing one button.
STRANGER = Actor(ip="198.51.100.23", user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0", request_id="f" * 16)


@pytest.fixture(scope="module")
def month(engine: Engine) -> None:
    """Four weeks in which people signed in and some were refused, and an article that was moved."""
    with Session(engine) as db, db.begin():
        begin_immediately(db.connection())
        for day in range(28):
            for hour in range(1, 3 + day % 5):
                with time_machine.travel(utc_now() - timedelta(days=27 - day, hours=hour), tick=False):
                    kind = AuditEvent.LOGIN_FAIL if (day + hour) % 4 == 0 else AuditEvent.LOGIN_SUCCESS
                    record(kind, resource=("user", 1 + hour % 3), session=db, actor=STRANGER)
        values = {"email": Personal("somebody@example.com", None)}
        record("article.moved", resource=("article", 7), change={"status": ("draft", "published"), "shelf": (None, 3)},
               personal=values, details={"by": "hand"}, session=db, actor=STRANGER)  # fmt: skip


@pytest.fixture
def log(node: Node, page: Page, month: None, sign_in: Callable[[Page], Page]) -> Page:
    sign_in(page).goto(f"{node.base_url}/admin/audit-logs")
    expect(page.get_by_role("heading", name="Audit log", exact=True)).to_be_visible()
    return page


def happen(engine: Engine, event: str) -> None:
    with Session(engine) as db, db.begin():
        begin_immediately(db.connection())
        record(event, session=db, actor=STRANGER)


def test_the_address_says_what_is_on_the_screen(log: Page, node: Node) -> None:
    start = f"{node.base_url}/admin/audit-logs"
    assert_accessible(log)
    log.get_by_label("What").select_option("article.moved")
    expect(log).to_have_url(f"{start}?event=article.moved")
    expect(log.locator("#log-count")).to_have_text("1 event")
    log.get_by_role("link", name="7 days").click()
    expect(log).to_have_url(f"{start}?event=article.moved&when=7d")
    expect(log.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    log.get_by_role("searchbox").press_sequentially("ada", delay=20)
    expect(log).to_have_url(f"{start}?q=ada&event=article.moved&when=7d")
    expect(log.get_by_role("heading", name="Nothing matches")).to_be_visible()
    assert focused(log) == "log-search"
    expect(log.locator("#log-status")).to_have_text("No events to show")
    assert_accessible(log)
    # Typing has replaced the address; one step back leads to the list as it was before the range.
    log.go_back()
    expect(log).to_have_url(f"{start}?event=article.moved")
    expect(log.get_by_role("searchbox")).to_have_value("")
    expect(log.get_by_label("What")).to_have_value("article.moved")
    log.get_by_role("link", name="Clear filters").click()
    expect(log).to_have_url(start)
    expect(log.get_by_label("What")).to_have_value("")


def test_a_time_that_is_given_takes_the_place_of_a_range(log: Page) -> None:
    log.get_by_role("link", name="30 days").click()
    expect(log).to_have_url(re.compile(r"\?when=30d$"))
    log.get_by_label("From (UTC)").fill("2020-01-01T00:00")
    log.get_by_label("From (UTC)").blur()
    expect(log).to_have_url(re.compile(r"\?since=2020-01-01T00%3A00$"))
    log.get_by_role("link", name="Today").click()
    expect(log.get_by_label("From (UTC)")).to_have_value("")


def test_a_wrong_filter_is_told_and_nothing_is_lost(log: Page, node: Node, complaints: Complaints) -> None:
    complaints.allow("status of 422")
    network, reason = log.get_by_label("Network address"), "Please give a network address, such as 192.0.2.7."
    network.fill("1.2.3")
    network.blur()
    expect(log.locator("#ip-problem")).to_have_text(reason)
    expect(network).to_have_attribute("aria-invalid", "true")
    expect(network).to_have_value("1.2.3")
    expect(log.locator("#log-status")).to_have_text(f"That cannot be asked {reason}")
    assert_accessible(log)
    network.fill("192.0.2.7")
    network.blur()
    expect(log.locator("#log-count")).to_be_visible()
    expect(log.locator("#ip-problem")).to_be_empty()
    expect(network).not_to_have_attribute("aria-invalid", "true")
    log.goto(f"{node.base_url}/admin/audit-logs?ip=1.2.3&event=article.moved")
    expect(log.get_by_label("Network address")).to_have_value("1.2.3")
    expect(log.get_by_label("Network address")).to_have_attribute("aria-invalid", "true")
    expect(log.get_by_label("What")).to_have_value("article.moved")
    assert_accessible(log)


def test_an_event_unfolds_and_folds_up_again_by_keys_alone(log: Page, node: Node) -> None:
    log.goto(f"{node.base_url}/admin/audit-logs?event=article.moved")
    asked: list[str] = []
    log.on("request", lambda request: asked.append(request.url) if re.search(r"/\d+$", request.url) else None)
    log.keyboard.press("/")
    assert focused(log) == "log-search"
    log.keyboard.press("ArrowDown")
    link = log.locator("#log-rows .unfold").first
    expect(link).to_be_focused()
    expect(link).to_have_attribute("aria-expanded", "false")
    log.keyboard.press("Enter")
    facts = log.locator(".event-more .event")
    expect(facts.locator("del").filter(has_text="draft")).to_be_visible()
    expect(facts.locator("ins").filter(has_text="published")).to_be_visible()
    expect(facts).to_contain_text("somebody@example.com")
    expect(facts).to_contain_text("198.51.100.23")
    expect(link).to_have_attribute("aria-expanded", "true")
    assert_accessible(log)
    log.keyboard.press("Escape")
    expect(facts).to_be_hidden()
    expect(link).to_be_focused()
    log.keyboard.press("Enter")
    expect(facts).to_be_visible()
    assert len(asked) == 1
    log.keyboard.press("ArrowUp")
    assert focused(log) == "log-search"
    # What belongs to it is one click away.
    facts.get_by_text("Request", exact=True).locator("xpath=..").get_by_role("link").click()
    expect(log).to_have_url(re.compile("q=ffffffffffffffff$"))


def test_a_bar_of_the_chart_asks_for_its_day(log: Page) -> None:
    bars = log.locator(".chart-bars a")
    expect(log.locator(".chart-bars .bar-in").first).to_be_visible(timeout=PATIENCE_MS)
    expect(bars).to_have_count(30)
    log.get_by_text("As a table").click()
    expect(log.locator(".chart-table tbody tr").nth(5)).to_be_visible()
    assert_accessible(log)
    bars.nth(20).click()
    expect(log).to_have_url(re.compile(r"\?since=.+T00:00&until=.+T00:00$"))
    expect(log.locator(".chart-bars a")).to_have_count(24)
    expect(log.get_by_label("From (UTC)")).to_have_value(re.compile("T00:00$"))
    assert_accessible(log)


def test_news_announce_themselves_and_leave_the_session_alone(log: Page, engine: Engine) -> None:
    headers: list[str] = []
    log.on(
        "request",
        lambda one: headers.append(one.headers.get("gatehouse-background", "")) if "/news" in one.url else None,
    )
    log.get_by_label("What").select_option("authn_login_fail")
    expect(log).to_have_url(re.compile("event=authn_login_fail"))
    expect(log.locator("#trail")).not_to_have_attribute("aria-busy", "true")
    for event in (AuditEvent.LOGIN_FAIL, AuditEvent.LOGIN_FAIL, "article.read"):
        happen(engine, event)
    news = log.locator("#trail-news")
    expect(news).to_contain_text("2 new events", timeout=PATIENCE_MS)
    assert set(headers) == {"true"}
    assert_accessible(log)
    top = log.locator("#log-rows > tr").first.get_attribute("id")
    news.get_by_role("link", name="Show").click()
    expect(news).to_be_empty()
    expect(log.locator("#log-count")).to_be_focused()
    assert log.locator("#log-rows > tr").first.get_attribute("id") != top
    expect(log.locator("#seal")).to_contain_text("sealed")


def test_nothing_is_asked_for_while_nobody_looks(log: Page) -> None:
    log.clock.install()
    log.reload()
    asked: list[str] = []
    log.on("request", lambda request: asked.append(request.url) if "/news" in request.url else None)
    with log.expect_response("**/news?*") as first:
        log.clock.run_for(PAUSE_MS)
    first.value.finished()
    log.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    log.clock.run_for(3 * PAUSE_MS)
    with log.expect_response("**/news?*"):
        log.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    assert len(asked) == 2


def test_pages_turn_both_ways(log: Page, node: Node) -> None:
    expect(log.get_by_role("link", name="Newer")).to_be_disabled()
    first = log.locator("#log-rows > tr").first.get_attribute("id")
    log.get_by_role("link", name="Older").click()
    expect(log).to_have_url(re.compile(r"\?before=\d+$"))
    expect(log.locator("#log-count")).to_be_focused()
    log.get_by_role("link", name="Newer").click()
    expect(log).to_have_url(re.compile(r"\?after=\d+$"))
    expect(log.locator(f"#{first}")).to_be_visible()
    log.get_by_role("link", name="Older").click()
    expect(log).to_have_url(re.compile(r"\?before=\d+$"))
    log.get_by_role("link", name="Newest").click()
    expect(log).to_have_url(f"{node.base_url}/admin/audit-logs")
    log.goto(f"{node.base_url}/admin/audit-logs?before=1")
    expect(log.get_by_role("heading", name="Nothing is this far back")).to_be_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_in_german_on_a_wide_screen_and_on_a_narrow_one(
    node: Node, log: Page, new_browser: Callable[..., Page], screen: str
) -> None:
    german = new_browser(viewport=SCREENS[screen], **BERLIN)
    german.goto(f"{node.base_url}/admin/audit-logs")
    german.get_by_role("link", name="anmelden").click()
    german.get_by_role("button", name="Ada Admin").click()
    expect(german.get_by_role("heading", name="Protokoll", exact=True)).to_be_visible()
    look(german)
    german.get_by_label("Was").select_option("article.moved")
    expect(german.locator("#log-count")).to_have_text("1 Ereignis")
    german.locator("#log-rows .unfold").first.click()
    expect(german.locator(".event-more .event").first).to_be_visible()
    look(german)
    german.goto(german.locator("#log-rows .unfold").first.evaluate("(link) => link.href"))
    expect(german.get_by_text("Was sich geändert hat")).to_be_visible()
    look(german)


def test_without_script_everything_is_a_form_or_a_link(node: Node, log: Page, new_browser: Callable[..., Page]) -> None:
    plain = new_browser(java_script_enabled=False)
    plain.goto(f"{node.base_url}/admin/audit-logs")
    plain.get_by_role("link", name="Sign in with").click()
    plain.get_by_role("button", name="Ada Admin").click()
    plain.get_by_label("What").select_option("article.moved")
    plain.get_by_role("button", name="Search").click()
    expect(plain).to_have_url(re.compile("event=article.moved"))
    expect(plain.get_by_label("What")).to_have_value("article.moved")
    plain.get_by_role("link", name="article.moved").first.click()
    expect(plain.get_by_role("heading", name="article.moved")).to_be_visible()
    expect(plain.locator("del").first).to_be_visible()
    plain.get_by_role("link", name="Audit log").last.click()
    expect(plain.locator("#log-rows")).to_be_visible()
