"""The list of users: what the address says, order, pages, and many at once."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from tests.browser.crowd import CROWD, focused, row, search
from tests.chromium import assert_accessible
from tests.processes import Node


def test_the_address_bar_always_says_what_is_on_the_screen(users: Page, node: Node) -> None:
    start = f"{node.base_url}/users"
    users.get_by_role("searchbox").press_sequentially("person", delay=20)
    expect(users).to_have_url(f"{start}?q=person")
    expect(users.locator("#user-status")).to_have_text(f"{CROWD} users match")
    assert focused(users) == "search"
    users.get_by_label("Status").select_option("inactive")
    expect(users).to_have_url(f"{start}?q=person&status=inactive")
    expect(users.locator("#user-rows tr")).to_have_count(1)
    expect(row(users, "Person 007")).to_contain_text("Deactivated")
    # Typing has replaced the address, so one step back leads to the search as it was before the filter.
    users.go_back()
    expect(users).to_have_url(f"{start}?q=person")
    expect(users.get_by_label("Status")).to_have_value("")
    expect(users.get_by_role("searchbox")).to_have_value("person")
    expect(users.locator("#user-rows tr")).to_have_count(50)
    users.get_by_role("searchbox").fill("nobody of this name")
    expect(users.get_by_role("heading", name="Nobody matches")).to_be_visible()
    assert_accessible(users)
    users.get_by_role("link", name="Clear filters").first.click()
    expect(users).to_have_url(start)


def test_a_late_answer_does_not_overwrite_a_newer_one(users: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    users.route("**/users?q=pers", hold)
    users.get_by_role("searchbox").fill("pers")
    expect(users.locator("#user-table")).to_have_attribute("aria-busy", "true")
    search(users, "hedy")
    expect(users.locator("#user-rows tr")).to_have_count(1)
    assert len(held) == 1
    expect(users.locator("#user-table")).not_to_have_attribute("aria-busy", "true")
    expect(row(users, "Hedy Lamarr")).to_be_visible()


def test_order_and_pages_are_links_that_stay_where_they_are(users: Page, node: Node) -> None:
    users.get_by_role("link", name="Name").click()
    expect(users).to_have_url(f"{node.base_url}/users?sort=name")
    expect(users.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(users.locator("#user-rows tr").first).to_contain_text("Ada Admin")
    assert focused(users) == "sort-name"
    users.keyboard.press("Enter")
    expect(users).to_have_url(f"{node.base_url}/users?sort=-name")
    expect(users.locator("#user-rows tr").first).to_contain_text(f"Person {CROWD - 1:03}")
    users.get_by_role("link", name="Next").click()
    expect(users).to_have_url(re.compile(r"\?sort=-name&after=.+"))
    expect(users.locator("#user-count")).to_be_focused()
    second = users.locator("#user-rows tr").first.inner_text()
    users.get_by_role("link", name="Last", exact=True).click()
    expect(users.locator("#user-rows tr").last).to_contain_text("Ada Admin")
    expect(users.get_by_role("link", name="Next")).to_be_disabled()
    users.go_back()
    expect(users.locator("#user-rows tr").first).to_have_text(second, use_inner_text=True)
    users.get_by_role("link", name="First", exact=True).click()
    expect(users).to_have_url(f"{node.base_url}/users?sort=-name")
    # The filters know the order that came with the rows.
    search(users, "person")
    expect(users).to_have_url(f"{node.base_url}/users?q=person&sort=-name")


def test_many_are_changed_at_once_and_oneself_is_left_out(users: Page, engine: Engine) -> None:
    bar = users.get_by_role("group", name="With everybody who is selected")
    expect(bar).to_be_hidden()
    users.get_by_role("link", name="Name").click()
    expect(users).to_have_url(re.compile("sort=name"))
    for name in ("Ada Admin", "Grace Hopper", "Hedy Lamarr"):
        users.get_by_label(f"Select {name}").check()
    expect(bar).to_contain_text("3 selected")
    assert_accessible(users)
    # A row that is answered anew keeps its tick.
    users.get_by_role("button", name="Edit Grace Hopper").click()
    expect(users.get_by_label("Name of Grace Hopper")).to_be_focused()
    users.keyboard.press("Escape")
    expect(users.get_by_role("button", name="Edit Grace Hopper")).to_be_focused()
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Deactivate").click()
    expect(row(users, "Hedy Lamarr")).to_contain_text("Deactivated")
    expect(row(users, "Ada Admin")).to_contain_text("Active")
    expect(users.locator("#gatehouse-messages")).to_contain_text(re.compile("yourself", re.IGNORECASE))
    expect(bar).to_be_hidden()
    expect(users.get_by_role("heading", name="Users", exact=True)).to_be_focused()


def test_all_that_match_are_more_than_the_page_shows(users: Page, engine: Engine) -> None:
    search(users, "person")
    bar = users.get_by_role("group", name="With everybody who is selected")
    everyone = bar.get_by_label(f"All {CROWD} that match")
    users.get_by_label("Select Person 100").check()
    expect(everyone).to_be_hidden()
    users.get_by_label("Select everybody on this page").check()
    expect(bar).to_contain_text("50 selected")
    everyone.check()
    expect(bar).to_contain_text(f"All {CROWD} selected")
    bar.get_by_label("New role").select_option("editor")
    bar.get_by_role("button", name="Change role").click()
    expect(row(users, "Person 100")).to_contain_text("Editor")
    with Session(engine) as db:
        changed = db.scalars(select(User).where(User.role == Role.EDITOR, User.name.like("Person%"))).all()
        hedy = db.scalars(select(User).where(User.name == "Hedy Lamarr")).one()
        assert (len(changed), hedy.role) == (CROWD, Role.VIEWER)
    users.get_by_label("Select everybody on this page").check()
    bar.get_by_role("button", name="Delete…").click()
    dialog = users.get_by_role("dialog", name="Delete 50 users?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Delete").click()
    expect(users.locator("#user-count")).to_have_text(f"{CROWD - 50} users match")


def test_a_narrow_screen_shows_cards_that_are_still_a_table(
    node: Node, new_browser: Callable[..., Page], sign_in: Callable[[Page], Page]
) -> None:
    page = sign_in(new_browser(viewport={"width": 375, "height": 800}))
    page.goto(f"{node.base_url}/users?q=grace")
    expect(page.get_by_role("row").filter(has_text="Grace Hopper").get_by_role("cell")).to_have_count(8)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert_accessible(page)
