"""One user after the other, as somebody does it every day: by keyboard, by pointer, and without script."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.browser.crowd import change_meanwhile, row, search, stored
from tests.browser.late import count_answers, expect_answers, meanwhile, sends
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node


def test_the_keyboard_leads_from_the_search_field_to_a_saved_row(users: Page, engine: Engine) -> None:
    users.keyboard.press("/")
    expect(users.get_by_role("searchbox")).to_be_focused()
    users.keyboard.type("hedy")
    expect(users.locator("#user-rows tr")).to_have_count(1)
    users.keyboard.press("ArrowDown")
    expect(users.get_by_role("button", name="Edit Hedy Lamarr")).to_be_focused()
    users.keyboard.press("ArrowUp")
    expect(users.get_by_role("searchbox")).to_be_focused()
    users.keyboard.press("ArrowDown")
    users.keyboard.press("e")
    name = users.get_by_label("Name of Hedy Lamarr")
    expect(name).to_be_focused()
    users.keyboard.press("Escape")
    expect(users.get_by_role("button", name="Edit Hedy Lamarr")).to_be_focused()
    users.keyboard.press("Enter")
    expect(name).to_be_focused()
    users.keyboard.press("Control+A")
    users.keyboard.type("Hedwig Kiesler")
    users.keyboard.press("Enter")
    expect(users.get_by_role("button", name="Edit Hedwig Kiesler")).to_be_focused()
    expect(users.locator("#gatehouse-messages")).not_to_be_empty()
    assert stored(engine, "Hedwig Kiesler") is not None
    users.keyboard.press("Escape")
    expect(users.get_by_role("searchbox")).to_be_focused()


def test_keys_that_are_characters_can_be_switched_off(users: Page) -> None:
    users.get_by_text("Keyboard", exact=True).click()
    users.get_by_label("Single letters and signs are shortcuts").uncheck()
    users.reload()
    users.keyboard.press("/")
    expect(users.get_by_role("searchbox")).not_to_be_focused()


def test_a_reason_stands_beside_its_field(users: Page, complaints: Complaints, engine: Engine) -> None:
    complaints.allow("status of 422")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    name = users.get_by_label("Name of Grace Hopper")
    name.fill("")
    users.get_by_role("button", name="Save").click()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description(re.compile("."))
    expect(users.get_by_text("Something went wrong.")).to_be_hidden()
    assert_accessible(users)
    name.fill("Grace <Hopper>")
    users.keyboard.press("Enter")
    expect(users.get_by_text("leave out < and >")).to_be_visible()
    expect(name).to_have_value("Grace <Hopper>")
    users.get_by_role("button", name="Cancel").click()
    expect(users.get_by_role("button", name="Edit Grace Hopper")).to_be_focused()
    assert stored(engine, "Grace Hopper") is not None


def test_a_cancel_hides_no_save_that_happened(users: Page, engine: Engine) -> None:
    search(users, "person 05")
    users.get_by_role("button", name="Edit Person 055").click()
    users.get_by_label("Name of Person 055").fill("Somebody Else")
    count_answers(users)
    with meanwhile(users, sends("PUT"), users.get_by_role("button", name="Save").click):
        users.get_by_role("button", name="Cancel").click()
    expect(users.get_by_role("button", name="Edit Somebody Else")).to_be_focused()
    expect_answers(users, 2)
    expect(users.locator("#gatehouse-messages")).to_contain_text("Somebody Else was saved.")
    users.get_by_role("button", name="Undo").click()
    expect(users.get_by_role("button", name="Edit Person 055")).to_be_focused()
    assert stored(engine, "Person 055") is not None


def test_an_edit_that_is_under_way_and_refused_is_cancelled(users: Page, complaints: Complaints) -> None:
    complaints.allow("status of 422")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    users.get_by_label("Name of Grace Hopper").fill("")
    count_answers(users)
    with meanwhile(users, sends("PUT"), users.get_by_role("button", name="Save").click):
        users.keyboard.press("Escape")
        users.keyboard.press("Escape")
    expect(users.get_by_role("button", name="Edit Grace Hopper")).to_be_focused()
    expect_answers(users, 2)
    expect(users.get_by_label("Name of Grace Hopper")).to_have_count(0)


def test_a_mistake_does_not_hide_that_somebody_else_was_faster(
    users: Page, complaints: Complaints, engine: Engine
) -> None:
    complaints.allow("status of 4(22|09)")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    name = users.get_by_label("Name of Grace Hopper")
    # Not before the form is there: it would hold what somebody else has saved.
    expect(name).to_be_visible()
    change_meanwhile(engine, "Grace Hopper", "Theirs")
    name.fill("")
    users.keyboard.press("Enter")
    name = users.get_by_label("Name of Theirs")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("Mine")
    users.keyboard.press("Enter")
    expect(users.get_by_role("group", name=re.compile("changed by somebody else"))).to_be_visible()
    assert stored(engine, "Mine") is None


@pytest.mark.parametrize("choice", ["Keep theirs", "Save mine anyway"])
def test_a_conflict_shows_both_and_lets_one_choose(
    users: Page, complaints: Complaints, engine: Engine, choice: str
) -> None:
    complaints.allow("status of 409")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    users.get_by_label("Name of Grace Hopper").fill("Mine")
    change_meanwhile(engine, "Grace Hopper", "Theirs")
    users.keyboard.press("Enter")
    conflict = users.get_by_role("group", name=re.compile("changed by somebody else"))
    expect(conflict).to_contain_text("Theirs")
    expect(conflict).to_contain_text("Mine")
    expect(users.get_by_role("button", name="Keep theirs")).to_be_focused()
    assert_accessible(users)
    users.get_by_role("button", name=choice).click()
    kept = "Theirs" if choice == "Keep theirs" else "Mine"
    expect(users.get_by_role("button", name=f"Edit {kept}")).to_be_focused()
    assert stored(engine, kept) is not None


def test_an_activation_can_be_taken_back_where_it_was_made(users: Page) -> None:
    search(users, "hedy")
    users.get_by_role("button", name="Deactivate Hedy Lamarr").focus()
    users.keyboard.press("Enter")
    toggle = users.get_by_role("button", name="Activate Hedy Lamarr", exact=True)
    expect(toggle).to_be_focused()
    expect(row(users, "Hedy Lamarr")).to_contain_text("Deactivated")
    assert_accessible(users)
    users.get_by_role("button", name="Undo").click()
    expect(row(users, "Hedy Lamarr")).to_contain_text("Active")
    expect(users.get_by_role("button", name="Edit Hedy Lamarr")).to_be_focused()


def test_an_edit_can_be_taken_back_where_it_was_made(users: Page, engine: Engine) -> None:
    search(users, "person 07")
    users.get_by_role("button", name="Edit Person 077").click()
    users.get_by_label("Name of Person 077").fill("Somebody Else")
    users.keyboard.press("Enter")
    expect(users.get_by_role("button", name="Edit Somebody Else")).to_be_focused()
    users.get_by_role("button", name="Undo").click()
    expect(users.get_by_role("button", name="Edit Person 077")).to_be_focused()
    assert stored(engine, "Person 077") is not None


def test_taking_back_takes_nothing_from_somebody_else(users: Page, engine: Engine, complaints: Complaints) -> None:
    complaints.allow("status of 409")
    search(users, "person 06")
    users.get_by_role("button", name="Edit Person 066").click()
    users.get_by_label("Name of Person 066").fill("Mine")
    users.keyboard.press("Enter")
    expect(users.get_by_role("button", name="Edit Mine")).to_be_focused()
    change_meanwhile(engine, "Mine", "Hers")
    users.get_by_role("button", name="Undo").click()
    conflict = users.get_by_role("group", name=re.compile("changed by somebody else"))
    expect(conflict).to_contain_text("Hers")
    expect(conflict).to_contain_text("Person 066")
    assert stored(engine, "Hers") is not None


def test_deleting_asks_first_and_leaves_focus_where_the_work_goes_on(users: Page, engine: Engine) -> None:
    search(users, "person 00")
    users.get_by_role("link", name="Name").click()
    expect(users.locator("#user-rows tr").first).to_contain_text("Person 000")
    ask = users.get_by_role("button", name="Delete Person 001")
    ask.click()
    dialog = users.get_by_role("dialog", name="Delete Person 001?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert_accessible(users)
    users.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(ask).to_be_focused()
    assert stored(engine, "Person 001") is not None
    users.keyboard.press("Enter")
    dialog.get_by_role("button", name="Delete").click()
    expect(row(users, "Person 001")).to_have_count(0)
    expect(users.locator("#gatehouse-messages")).to_contain_text("Person 001 was deleted.")
    expect(users.get_by_role("button", name="Edit Person 002")).to_be_focused()
    assert stored(engine, "Person 001") is None


def test_a_session_that_ends_during_an_edit_leads_back_to_the_list(
    users: Page, node: Node, complaints: Complaints
) -> None:
    complaints.allow("status of 401")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    expect(users.get_by_label("Name of Grace Hopper")).to_be_focused()
    users.context.clear_cookies()
    users.keyboard.press("Enter")
    expect(users).to_have_url(re.compile("/auth/login"))
    users.get_by_role("link", name="Sign in with").click()
    users.get_by_role("button", name="Ada Admin").first.click()
    expect(users).to_have_url(f"{node.base_url}/users?q=grace")


def test_everything_can_be_done_without_script(
    node: Node,
    new_browser: Callable[..., Page],
    sign_in: Callable[[Page], Page],
    complaints: Complaints,
    engine: Engine,
) -> None:
    complaints.allow("status of 422")
    page = sign_in(new_browser(java_script_enabled=False))
    page.goto(f"{node.base_url}/users")
    page.get_by_role("searchbox").fill("hedy")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#user-rows tr")).to_have_count(1)
    page.get_by_role("button", name="Deactivate Hedy Lamarr").click()
    expect(page.locator("#gatehouse-messages")).to_contain_text("Hedy Lamarr")
    page.goto(f"{node.base_url}/users?q=hedy")
    expect(row(page, "Hedy Lamarr")).to_contain_text("Deactivated")
    page.get_by_role("button", name="Edit Hedy Lamarr").click()
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("Hedwig Kiesler")
    page.get_by_label("Role", exact=True).select_option("editor")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Hedwig Kiesler")).to_be_visible()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile(r"/users(\?.*)?$"))
    assert stored(engine, "Hedwig Kiesler") is None
    page.get_by_label("Select Person 109").check()
    page.get_by_role("button", name="Deactivate", exact=True).click()
    expect(row(page, "Person 109")).to_contain_text("Deactivated")


def test_invitations_and_a_user_are_accessible_pages(
    node: Node, page: Page, sign_in: Callable[[Page], Page], complaints: Complaints
) -> None:
    complaints.allow("status of 422")
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    assert_accessible(page)
    page.get_by_label("E-mail address").fill("nobody")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_label("E-mail address")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("E-mail address").fill("new@example.com")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_label("Link of the invitation")).to_have_value(re.compile("^http"))
    page.get_by_role("button", name="Copy", exact=True).focus()
    assert_accessible(page)
    page.get_by_role("button", name="Withdraw the invitation of new@example.com").click()
    # Whoever else is invited by a test of this file is withdrawn by it.
    expect(page.get_by_text("Nobody is invited at the moment.")).to_be_visible()
    expect(page.locator("#pending-title")).to_be_focused()
    page.goto(f"{node.base_url}/users?q=grace")
    page.get_by_role("link", name="Grace Hopper").click()
    expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    assert_accessible(page)


def test_a_link_is_copied_or_shown_and_said_so(node: Node, page: Page, sign_in: Callable[[Page], Page]) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    page.get_by_label("E-mail address").fill("copied@example.com")
    page.get_by_role("button", name="Invite", exact=True).click()
    invited, said = page.locator("li.row", has_text="copied@example.com"), page.locator("#gatehouse-messages")
    copy = invited.get_by_role("button", name="Copy link for copied@example.com")
    copy.click()
    expect(said.locator(".message-success")).to_have_text("The link is in the clipboard.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("/auth/login")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no')); }")
    expect(invited.get_by_text(link)).to_be_hidden()
    copy.click()
    expect(said.locator(".message-warning")).to_have_text(
        "This browser does not let the link be copied. Copy it by hand."
    )
    expect(invited.get_by_text(link)).to_be_visible()
    page.get_by_role("button", name="Withdraw the invitation of copied@example.com").click()
    expect(invited).to_have_count(0)


def test_who_is_invited_already_is_invited_otherwise_by_saying_so(
    node: Node, page: Page, complaints: Complaints, sign_in: Callable[[Page], Page]
) -> None:
    complaints.allow("status of 409")
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    address = page.get_by_label("E-mail address")
    for role in ("viewer", "editor"):
        # The first time, the answer has emptied it again.
        expect(address).to_have_value("")
        address.fill("twice@example.com")
        page.locator("#role").select_option(role)
        page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.locator("#email-problem")).to_have_text("This address is invited already, as Viewer.")
    expect(address).to_be_focused()
    assert_accessible(page)
    page.get_by_role("button", name="Invite again with this role").click()
    invited = page.locator("li.row", has_text="twice@example.com")
    expect(invited).to_contain_text("Editor")
    expect(page.get_by_role("button", name="Invite", exact=True)).to_be_visible()
    page.get_by_role("button", name="Withdraw the invitation of twice@example.com").click()
    expect(invited).to_have_count(0)
