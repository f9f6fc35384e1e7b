"""What somebody does between a press and its answer: no press is lost, and no answer takes away what came after it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.browser.crowd import focused, row, search, stored
from tests.browser.late import count_answers, expect_answers, meanwhile, sends
from tests.chromium import Complaints
from tests.processes import Node


def button(page: Page, name: str) -> Callable[[], None]:
    return page.get_by_role("button", name=name, exact=True).click


def test_an_order_and_a_filter_that_follows_it_both_count(users: Page, node: Node) -> None:
    by_name = users.get_by_role("link", name="Name")
    with meanwhile(users, sends("GET", "/users?sort=name"), by_name.click):
        users.get_by_label("Status").select_option("inactive")
        expect(users).to_have_url(f"{node.base_url}/users?status=inactive&sort=name")
        expect(users.locator("#user-rows tr")).to_have_count(1)


def test_what_is_typed_counts_for_a_link_that_was_there_before(users: Page, node: Node) -> None:
    field = users.get_by_role("searchbox")
    with meanwhile(users, sends("GET", "/users?q=person"), lambda: field.fill("person")):
        users.get_by_role("link", name="Next").click()
        expect(users.locator("#user-table")).to_have_attribute("aria-busy", "true")
        users.get_by_role("link", name="Name").click()
        expect(users).to_have_url(f"{node.base_url}/users?q=person&sort=name")
        expect(users.locator("#user-rows tr").first).to_contain_text("Person 000")
    users.get_by_role("link", name="Next").click()
    expect(users).to_have_url(re.compile(r"\?q=person&sort=name&after=.+"))


def test_what_was_chosen_still_counts_after_a_refusal(users: Page, node: Node, complaints: Complaints) -> None:
    complaints.allow("status of 422")
    refused = f"{node.base_url}/users?status=unheard-of"
    users.route("**/users?status=inactive", lambda route: route.fulfill(response=route.fetch(url=refused)), times=1)
    count_answers(users)
    users.get_by_label("Status").select_option("inactive")
    expect_answers(users, 1)
    expect(users.locator("#gatehouse-messages")).not_to_be_empty()
    users.get_by_role("link", name="Name").click()
    expect(users).to_have_url(f"{node.base_url}/users?status=inactive&sort=name")
    expect(users.locator("#user-rows tr")).to_have_count(1)


def test_an_edit_begins_although_the_list_comes_in_between(users: Page) -> None:
    with meanwhile(users, sends("GET", "/edit"), button(users, "Edit Person 109")):
        search(users, "person")
    # But what she types goes where she has gone.
    expect(users.get_by_label("Name of Person 109")).to_be_visible()
    expect(users.get_by_role("searchbox")).to_be_focused()


def test_an_edit_can_be_given_up_before_it_begins(users: Page) -> None:
    edit = users.get_by_role("button", name="Edit Person 109")
    with meanwhile(users, sends("GET", "/edit"), edit.click):
        users.keyboard.press("Escape")
        expect(edit).not_to_have_class(re.compile("htmx-request"))
    expect(edit).to_be_focused()
    users.keyboard.press("ArrowDown")
    expect(users.get_by_role("button", name="Edit Person 108")).to_be_focused()
    expect(users.get_by_label("Name of Person 109")).to_have_count(0)


def test_a_list_that_comes_late_leaves_what_is_typed_in_a_row(users: Page) -> None:
    field = users.get_by_role("searchbox")
    with meanwhile(users, sends("GET", "/users?q=person"), lambda: field.fill("person")):
        users.get_by_role("button", name="Edit Person 109").click()
        users.get_by_label("Name of Person 109").fill("Somebody")
    expect(users.locator("#user-count")).to_contain_text("match")
    name = users.get_by_label("Name of Person 109")
    expect(name).to_have_value("Somebody")
    expect(name).to_be_focused()
    users.keyboard.press("Enter")
    expect(users.get_by_role("button", name="Edit Somebody")).to_be_focused()


def test_what_is_pressed_in_one_row_is_done_in_turn_and_once(users: Page) -> None:
    search(users, "hedy")
    deactivate = button(users, "Deactivate Hedy Lamarr")
    with meanwhile(users, sends("POST", "/toggle-active"), deactivate) as asked:
        deactivate()
        users.get_by_role("button", name="Edit Hedy Lamarr").click()
        assert len(asked) == 1
    expect(users.get_by_label("Name of Hedy Lamarr")).to_be_focused()
    expect(row(users, "hedy.lamarr")).to_contain_text("Deactivated")
    expect(users.locator("#gatehouse-messages")).to_contain_text("Hedy Lamarr is deactivated.")


def test_a_question_is_asked_at_once_and_stays_while_its_row_is_replaced(users: Page, engine: Engine) -> None:
    search(users, "hedy")
    dialog = users.get_by_role("dialog", name="Delete Hedy Lamarr?")
    with meanwhile(users, sends("POST", "/toggle-active"), button(users, "Deactivate Hedy Lamarr")):
        button(users, "Delete Hedy Lamarr")()
        expect(dialog).to_be_visible()
    expect(row(users, "hedy.lamarr")).to_contain_text("Deactivated")
    users.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(users.get_by_role("button", name="Delete Hedy Lamarr")).to_be_focused()
    with meanwhile(users, sends("POST", "/toggle-active"), button(users, "Activate Hedy Lamarr")):
        button(users, "Delete Hedy Lamarr")()
        expect(dialog).to_be_visible()
    expect(row(users, "hedy.lamarr")).to_contain_text("Active")
    assert stored(engine, "Hedy Lamarr") is not None
    dialog.get_by_role("button", name="Delete").click()
    expect(row(users, "hedy.lamarr")).to_have_count(0)
    expect(users.locator("#gatehouse-messages")).to_contain_text("Hedy Lamarr was deleted.")


def test_one_answer_removes_one_person(users: Page, engine: Engine) -> None:
    search(users, "person 10")
    button(users, "Delete Person 109")()
    dialog = users.get_by_role("dialog")
    count_answers(users)
    # As whatever waited its turn would ask, behind the question that stands there.
    row(users, "Person 108").locator(".button-danger").evaluate("button => button.click()")
    expect(dialog).to_have_accessible_name("Delete Person 109?")
    expect_answers(users, 1)
    dialog.get_by_role("button", name="Delete").click()
    expect(row(users, "Person 109")).to_have_count(0)
    expect_answers(users, 2)
    assert stored(engine, "Person 108") is not None


def test_what_was_done_is_said_although_its_row_has_gone(users: Page, engine: Engine) -> None:
    search(users, "hedy")
    with meanwhile(users, sends("POST", "/toggle-active"), button(users, "Deactivate Hedy Lamarr")):
        users.get_by_role("searchbox").fill("grace")
        expect(row(users, "Grace Hopper")).to_be_visible()
    expect(users.locator("#gatehouse-messages")).to_contain_text("Hedy Lamarr is deactivated.")
    expect(users.locator("#user-rows tr")).to_have_count(1)
    expect(users.get_by_role("searchbox")).to_be_focused()


def test_focus_stays_with_whoever_has_gone_on(users: Page) -> None:
    count_answers(users)
    with meanwhile(users, sends("POST", "/toggle-active"), button(users, "Deactivate Person 109")):
        users.get_by_role("link", name="Next").focus()
    expect(users.get_by_role("button", name="Activate Person 109")).to_be_visible()
    expect_answers(users, 1)
    assert focused(users) == "page-next"


def test_a_list_that_was_read_before_many_were_changed_is_read_again(users: Page) -> None:
    field = users.get_by_role("searchbox")
    for name in ("Person 109", "Person 108"):
        users.get_by_label(f"Select {name}").check()
    bar = users.get_by_role("group", name="With everybody who is selected")
    deactivate = bar.get_by_role("button", name="Deactivate")
    with meanwhile(users, sends("GET", "/users?q=person+10"), lambda: field.fill("person 10"), done=True):
        with meanwhile(users, sends("POST", "/bulk"), deactivate.click):
            users.get_by_label("Select Person 107").check()
            field.focus()
        expect(users.locator("#gatehouse-messages")).to_contain_text("2 users were changed.")
        assert focused(users) == "search"
        expect(bar).to_contain_text("1 selected")
    expect(row(users, "Person 109")).to_contain_text("Deactivated")
    expect(users.locator("#user-rows tr")).to_have_count(10)
    expect(field).to_have_value("person 10")
    expect(users.get_by_label("Select Person 107")).to_be_checked()


def test_a_list_that_was_read_before_a_row_was_changed_is_read_again(users: Page) -> None:
    field = users.get_by_role("searchbox")
    with meanwhile(users, sends("GET", "/users?q=person"), lambda: field.fill("person"), done=True):
        users.get_by_role("button", name="Deactivate Person 109").click()
        expect(row(users, "Person 109")).to_contain_text("Deactivated")
    expect(users.locator("#user-count")).to_contain_text("match")
    expect(users.locator("#user-table")).not_to_have_attribute("aria-busy", "true")
    expect(row(users, "Person 109")).to_contain_text("Deactivated")
    expect(users.locator("#gatehouse-messages")).to_contain_text("Person 109 is deactivated.")


def test_what_is_typed_while_a_save_is_under_way_stays(users: Page, complaints: Complaints) -> None:
    complaints.allow("status of 422")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    name = users.get_by_label("Name of Grace Hopper")
    name.fill("")
    with meanwhile(users, sends("PUT"), button(users, "Save")):
        name.press_sequentially("Rear Admiral")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value("Rear Admiral")
    expect(name).to_be_focused()


def test_whoever_tries_again_no_longer_reads_why_it_failed(users: Page, complaints: Complaints) -> None:
    complaints.allow("ERR_FAILED|Failed to fetch")
    users.route("**/edit", lambda route: route.abort(), times=1)
    edit = button(users, "Edit Person 109")
    edit()
    expect(users.get_by_text("No answer from the server.")).to_be_visible()
    edit()
    expect(users.get_by_label("Name of Person 109")).to_be_focused()
    expect(users.locator("#gatehouse-messages")).to_be_empty()


def test_the_next_address_can_be_typed_while_an_invitation_is_under_way(
    node: Node, page: Page, sign_in: Callable[[Page], Page]
) -> None:
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    address = page.get_by_label("E-mail address")
    for name in ("first", "second"):
        address.fill(f"{name}@example.com")
        page.get_by_role("button", name="Invite", exact=True).click()
        expect(page.locator("li.row", has_text=f"{name}@example.com")).to_be_visible()
    withdraw = page.get_by_role("button", name="Withdraw the invitation of first@example.com")
    address.fill("third@example.com")
    count_answers(page)
    with meanwhile(page, sends("POST", "/invitations"), button(page, "Invite")) as asked:
        page.get_by_role("button", name="Invite", exact=True).click()
        withdraw.click()
        address.fill("fourth@example.com")
        assert len(asked) == 1
    expect(page.get_by_text("The invitation was withdrawn.")).to_be_visible()
    expect_answers(page, 2)
    expect(page.locator("li.row", has_text="third@example.com")).to_be_visible()
    expect(page.locator("li.row", has_text="first@example.com")).to_have_count(0)
    expect(address).to_have_value("fourth@example.com")
    expect(address).to_be_focused()
    for name in ("second", "third"):
        page.get_by_role("button", name=f"Withdraw the invitation of {name}@example.com").click()
    expect(page.get_by_text("Nobody is invited at the moment.")).to_be_visible()


def test_another_invitation_can_be_sent_while_one_is_under_way(
    node: Node, page: Page, sign_in: Callable[[Page], Page]
) -> None:
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    address = page.get_by_label("E-mail address")
    count_answers(page)

    def invite_two() -> None:
        address.fill("one@example.com")
        with meanwhile(page, sends("POST", "/invitations"), button(page, "Invite")):
            for name in ("other", "one", "other"):
                address.fill(f"{name}@example.com")
                address.press("Enter")

    with meanwhile(page, lambda request: "other" in (request.post_data or ""), invite_two):
        expect(page.locator("li.row", has_text="one@example.com")).to_be_visible()
        expect_answers(page, 1)
        # Into the form that the first answer has brought.
        address.fill("third@example.com")
    expect_answers(page, 2)
    expect(address).to_have_value("third@example.com")
    for name in ("one", "other"):
        page.get_by_role("button", name=f"Withdraw the invitation of {name}@example.com").click()
    expect(page.get_by_text("Nobody is invited at the moment.")).to_be_visible()


def test_who_decides_about_the_next_one_is_left_there(
    node: Node, page: Page, engine: Engine, sign_in: Callable[[Page], Page]
) -> None:
    sign_in(page)
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE gatehouse_users SET role_confirmed_at = '2024-01-01 00:00:00.000000'")
    page.goto(f"{node.base_url}/admin/access-review")
    keep = page.get_by_role("button", name="Keep the role of Grace Hopper")
    count_answers(page)
    with meanwhile(page, sends("POST", "/access-review"), keep.click) as asked:
        # One decision about one person: what is under way cannot be turned round.
        page.get_by_role("button", name="Make a viewer: Grace Hopper").click()
        other = page.get_by_role("button", name="Keep the role of Joan Clarke")
        other.focus()
        assert len(asked) == 1
    expect(page.get_by_text("Keeps the role.")).to_be_visible()
    expect_answers(page, 1)
    expect(other).to_be_focused()


@pytest.fixture
def log(node: Node, page: Page, sign_in: Callable[[Page], Page]) -> Page:
    sign_in(page).goto(f"{node.base_url}/admin/audit-logs")
    expect(page.get_by_role("heading", name="Audit log", exact=True)).to_be_visible()
    return page


def test_a_range_and_a_filter_that_follows_it_both_count(log: Page, node: Node) -> None:
    week = log.get_by_role("link", name="7 days")
    with meanwhile(log, sends("GET", "?when=7d"), week.click):
        log.get_by_label("What").select_option("user_created")
        expect(log).to_have_url(f"{node.base_url}/admin/audit-logs?event=user_created&when=7d")
        expect(week).to_have_attribute("aria-current", "true")


def test_what_is_typed_in_the_log_stays_and_counts_for_its_links(log: Page, node: Node) -> None:
    start = f"{node.base_url}/admin/audit-logs"
    who = log.get_by_label("Who")
    what = log.get_by_label("What")
    with (
        meanwhile(log, sends("GET", "?event=user_created"), lambda: what.select_option("user_created")),
        meanwhile(log, sends("GET", "?who=ada&event=user_created"), lambda: who.fill("ada")),
    ):
        log.get_by_role("link", name="30 days").click()
        expect(log).to_have_url(f"{start}?who=ada&event=user_created&when=30d")
    expect(who).to_have_value("ada")
    field = log.get_by_role("searchbox")
    with meanwhile(log, sends("GET", "?q=no&who=ada&event=user_created&when=30d"), lambda: field.fill("no")):
        log.get_by_role("link", name="Clear filters").click()
        expect(log).to_have_url(start)
        expect(field).to_have_value("")


@pytest.mark.parametrize("key", ["Enter", "Escape"])
def test_a_second_press_on_an_event_that_is_unfolding_folds_it(log: Page, key: str) -> None:
    link, facts = log.locator("#log-rows .unfold").first, log.locator(".event-more").first
    count_answers(log)
    with meanwhile(log, lambda request: bool(re.search(r"/audit-logs/\d+$", request.url)), link.click) as asked:
        log.keyboard.press(key)
        expect(link).to_be_focused()
    expect_answers(log, 1)
    expect(facts).to_be_hidden()
    expect(link).to_have_attribute("aria-expanded", "false")
    # What has come is there for whoever wants it after all.
    log.keyboard.press("Enter")
    expect(facts.locator(".event")).to_be_visible()
    expect(link).to_have_attribute("aria-expanded", "true")
    assert len(asked) == 1


def test_a_third_press_on_an_event_that_is_unfolding_unfolds_it(log: Page) -> None:
    link = log.locator("#log-rows .unfold").first
    with meanwhile(log, lambda request: bool(re.search(r"/audit-logs/\d+$", request.url)), link.click):
        log.keyboard.press("Enter")
        log.keyboard.press("Enter")
    expect(log.locator(".event-more .event").first).to_be_visible()
    expect(link).to_have_attribute("aria-expanded", "true")


def test_what_is_typed_while_the_log_answers_stays(log: Page) -> None:
    what = log.get_by_label("What")
    with meanwhile(log, sends("GET", "?event=user_created"), lambda: what.select_option("user_created")):
        # As it stands before the pause after the last letter is over.
        log.evaluate("document.getElementById('log-who').value = 'ad'")
    expect(log.locator("#trail")).to_have_attribute("data-filters", "event=user_created")
    expect(log.locator("#trail")).not_to_have_attribute("aria-busy", "true")
    expect(log.get_by_label("Who")).to_have_value("ad")
