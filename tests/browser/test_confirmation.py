"""Is it you, as a person meets it: what she was about to do waits, and is done once she has confirmed, or is not."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.sessions.models import UserSession
from tests.browser.crowd import search
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node

PERSON = "Hedy Lamarr"
NAME_FIELD, NEW_NAME = f"Name of {PERSON}", "Hedwig Kiesler"
LONG_AGO = timedelta(hours=1)


def grow_old(engine: Engine) -> None:
    """Let everybody's last proof be too old."""
    with Session(engine) as db, db.begin():
        db.execute(update(UserSession).values(confirmed_at=utc_now() - LONG_AGO))


def role_of(engine: Engine, name: str) -> Role | None:
    with Session(engine) as db:
        return db.scalar(select(User.role).where(User.name == name))


@pytest.fixture
def late(users: Page, engine: Engine, complaints: Complaints) -> Page:
    """The list of users, in which somebody is made an administrator too long after the last proof."""
    complaints.allow("status of 403")
    search(users, "hedy")
    users.get_by_role("button", name=f"Edit {PERSON}").click()
    users.get_by_label(NAME_FIELD).fill(NEW_NAME)
    users.get_by_label(f"Role of {PERSON}").select_option("admin")
    grow_old(engine)
    users.get_by_role("button", name="Save").click()
    expect(dialog(users)).to_be_visible()
    return users


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Confirm it is you")


def answer(window: Page, person: str) -> None:
    window.get_by_role("button", name=person).click()


def test_what_was_typed_is_saved_once_she_has_confirmed(late: Page, engine: Engine) -> None:
    assert_accessible(late)
    expect(dialog(late).get_by_role("link", name="Confirm")).to_be_focused()
    assert role_of(engine, PERSON) is Role.VIEWER
    with late.expect_popup() as opened:
        late.keyboard.press("Enter")
    expect(dialog(late)).to_contain_text("Waiting for the other window")
    with opened.value.expect_event("close"):
        answer(opened.value, "Ada Admin")
    expect(dialog(late)).to_be_hidden()
    expect(late.get_by_role("row").filter(has_text=NEW_NAME)).to_contain_text("Administrator")
    assert role_of(engine, NEW_NAME) is Role.ADMIN
    # The proof counts for what comes next, too.
    expect(late.get_by_role("status").first).to_contain_text("was saved")


def test_whoever_cancels_has_changed_nothing_and_keeps_what_she_typed(late: Page, engine: Engine) -> None:
    late.keyboard.press("Escape")
    expect(dialog(late)).to_be_hidden()
    expect(late.get_by_role("status").first).to_contain_text("Nothing has been changed.")
    expect(late.get_by_label(NAME_FIELD)).to_have_value(NEW_NAME)
    expect(late.get_by_role("button", name="Save")).to_be_focused()
    assert role_of(engine, PERSON) is Role.VIEWER
    late.get_by_role("button", name="Save").click()
    dialog(late).get_by_role("button", name="Cancel").click()
    expect(dialog(late)).to_be_hidden()
    expect(late.get_by_role("button", name="Save")).to_be_focused()
    assert role_of(engine, PERSON) is Role.VIEWER


def test_a_browser_that_blocks_windows_opens_a_tab(late: Page, engine: Engine) -> None:
    late.evaluate("window.open = () => null")
    with late.context.expect_page() as opened:
        dialog(late).get_by_role("link", name="Confirm").click()
    answer(opened.value, "Ada Admin")
    expect(late.get_by_role("row").filter(has_text=NEW_NAME)).to_contain_text("Administrator")
    assert role_of(engine, NEW_NAME) is Role.ADMIN


def test_somebody_elses_account_confirms_nothing(late: Page, engine: Engine) -> None:
    with late.expect_popup() as opened:
        dialog(late).get_by_role("link", name="Confirm").click()
    answer(opened.value, "Eddie Editor")
    expect(opened.value.get_by_role("heading", name="That was somebody else's account")).to_be_visible()
    assert_accessible(opened.value)
    expect(dialog(late)).to_be_visible()
    assert role_of(engine, PERSON) is Role.VIEWER
    # From there she can try again, and the page that waits goes on.
    opened.value.get_by_role("link", name="Try again").click()
    with opened.value.expect_event("close"):
        answer(opened.value, "Ada Admin")
    expect(late.get_by_role("row").filter(has_text=NEW_NAME)).to_contain_text("Administrator")


def test_whoever_declines_in_the_other_window_can_still_cancel(late: Page, engine: Engine) -> None:
    with late.expect_popup() as opened:
        dialog(late).get_by_role("link", name="Confirm").click()
    opened.value.get_by_role("button", name="Deny").click()
    expect(opened.value.get_by_text("The sign-in was cancelled.")).to_be_visible()
    opened.value.close()
    dialog(late).get_by_role("button", name="Cancel").click()
    expect(late.get_by_label(NAME_FIELD)).to_have_value(NEW_NAME)
    assert role_of(engine, PERSON) is Role.VIEWER


def test_an_invitation_keeps_its_address(
    node: Node, engine: Engine, page: Page, sign_in: Callable[[Page], Page], complaints: Complaints
) -> None:
    complaints.allow("status of 403")
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    page.get_by_label("E-mail address").fill("guest@example.org")
    grow_old(engine)
    page.get_by_role("button", name="Invite", exact=True).click()
    with page.expect_popup() as opened:
        dialog(page).get_by_role("link", name="Confirm").click()
    answer(opened.value, "Ada Admin")
    expect(page.get_by_text("guest@example.org is invited.")).to_be_visible()
    expect(page.get_by_role("heading", name="Pass this link on")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("patience", [47_000, 0])
def test_a_request_that_is_sent_again_is_waited_for_as_long_as_the_page_says(
    node: Node, engine: Engine, page: Page, sign_in: Callable[[Page], Page], complaints: Complaints, patience: int
) -> None:
    """A host's page may have set a time of its own, or none."""
    complaints.allow("status of 403")
    sign_in(page).goto(f"{node.base_url}/users/invitations")
    page.get_by_label("E-mail address").fill(f"patient{patience}@example.org")
    grow_old(engine)
    page.evaluate(COUNT_DELAYS, patience)
    page.get_by_role("button", name="Invite", exact=True).click()
    with page.expect_popup() as opened:
        dialog(page).get_by_role("link", name="Confirm").click()
    answer(opened.value, "Ada Admin")
    expect(page.get_by_text(f"patient{patience}@example.org is invited.")).to_be_visible()
    waited = page.evaluate("delays.filter((delay) => [15_000, 47_000].includes(delay))")
    assert waited == ([47_000] * 2 if patience else [])


# How long the timers are that are set from now on.
COUNT_DELAYS = """(patience) => {
  htmx.config.defaultTimeout = patience;
  window.delays = [];
  const set = window.setTimeout;
  window.setTimeout = (act, delay, ...more) => (window.delays.push(delay), set(act, delay, ...more));
}"""


@pytest.fixture
def plain(new_browser: Callable[..., Page], sign_in: Callable[[Page], Page]) -> Page:
    """An administrator's browser in which no script runs."""
    return sign_in(new_browser(java_script_enabled=False))


def confirm_by_link(page: Page) -> None:
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    expect(page.get_by_text("What you have sent is kept")).to_be_visible()
    page.get_by_role("link", name="Confirm").click()
    answer(page, "Ada Admin")


def test_without_script_an_invitation_is_kept_and_sent_by_one_click(node: Node, engine: Engine, plain: Page) -> None:
    plain.goto(f"{node.base_url}/users/invitations")
    plain.get_by_label("E-mail address").fill("visitor@example.org")
    plain.get_by_label("Role").select_option("editor")
    grow_old(engine)
    plain.get_by_role("button", name="Invite", exact=True).click()
    confirm_by_link(plain)
    expect(plain).to_have_url(f"{node.base_url}/users/invitations")
    expect(plain.get_by_text("Not done yet: visitor@example.org, Editor.")).to_be_visible()
    plain.get_by_role("button", name="Do it now").click()
    expect(plain.get_by_text("visitor@example.org is invited.")).to_be_visible()
    plain.goto(f"{node.base_url}/auth/confirm?ask=1&next=/users")
    expect(plain.get_by_role("link", name="Cancel")).to_have_attribute("href", re.compile("/users$"))


def test_without_script_a_new_role_and_an_erasure_wait_too(node: Node, engine: Engine, plain: Page) -> None:
    plain.goto(f"{node.base_url}/users?q=hedy")
    plain.get_by_role("link", name=PERSON).click()
    plain.get_by_role("textbox", name="Name").fill(NEW_NAME)
    plain.get_by_role("combobox", name="Role").select_option("admin")
    grow_old(engine)
    plain.get_by_role("button", name="Save").click()
    confirm_by_link(plain)
    expect(plain.get_by_text(f"Not done yet: {NEW_NAME}, Administrator.")).to_be_visible()
    assert role_of(engine, PERSON) is Role.VIEWER
    plain.get_by_role("button", name="Do it now").click()
    expect(plain.get_by_text(f"{NEW_NAME} was saved.")).to_be_visible()
    assert role_of(engine, NEW_NAME) is Role.ADMIN

    grow_old(engine)
    plain.get_by_text("Delete…").click()
    plain.get_by_role("button", name="Delete for good").click()
    confirm_by_link(plain)
    expect(plain.get_by_text("Not done yet: Delete.")).to_be_visible()
    plain.get_by_role("button", name="Do it now").click()
    expect(plain.get_by_text(f"{NEW_NAME} was deleted.")).to_be_visible()
    assert role_of(engine, NEW_NAME) is None


def test_without_script_the_people_who_were_chosen_stay_so(node: Node, engine: Engine, plain: Page) -> None:
    plain.goto(f"{node.base_url}/users?q=person&sort=name")
    for number in (1, 2, 3):
        plain.get_by_label(f"Select Person 00{number}").check()
    plain.get_by_label("New role").select_option("admin")
    grow_old(engine)
    plain.get_by_role("button", name="Change role").click()
    confirm_by_link(plain)
    expect(plain.get_by_text("Not done yet: Administrator, 3 users.")).to_be_visible()
    plain.get_by_role("button", name="Do it now").click()
    expect(plain.get_by_text("3 users were changed.")).to_be_visible()
    assert [role_of(engine, f"Person 00{number}") for number in (1, 2, 3, 4)] == [*[Role.ADMIN] * 3, Role.VIEWER]
