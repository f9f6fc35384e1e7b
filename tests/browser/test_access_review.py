"""The review of access in a real browser: row by row, together, without script, in German, and until it is complete."""

import os
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.kernel.clock import utc_now
from tests.browser.crowd import stored
from tests.browser.test_german import BERLIN, SCREENS, look
from tests.chromium import assert_accessible
from tests.processes import Node

YEAR = timedelta(days=365)


def picture(page: Page, name: str) -> None:
    """Keep what is on the screen for whoever wants to look at it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture
def review(node: Node, page: Page, engine: Engine, sign_in: Callable[[Page], Page]) -> Page:
    """The page, with people on both lists: those of the crowd signed in a year ago."""
    sign_in(page)
    with Session(engine) as db, db.begin():
        for user in db.scalars(select(User).where(User.name != "Ada Admin")):
            user.last_sign_in_at = user.idle_since = user.created_at
            if user.role is not Role.VIEWER:
                user.role_confirmed_at = utc_now() - YEAR
    page.goto(f"{node.base_url}/admin/access-review")
    expect(page.get_by_role("heading", name="Access review", exact=True)).to_be_visible()
    return page


def test_one_after_the_other_by_keyboard(review: Page, engine: Engine) -> None:
    assert_accessible(review)
    picture(review, "review-light")
    review.emulate_media(color_scheme="dark")
    picture(review, "review-dark")
    review.emulate_media(color_scheme="light")
    review.get_by_role("button", name="Keep the role of Grace Hopper").focus()
    review.keyboard.press("Enter")
    expect(review.get_by_text("Keeps the role.")).to_be_visible()
    expect(review.locator("#roles .row").filter(has_text="Grace Hopper")).to_be_focused()
    assert_accessible(review)
    # From there the next person is two steps away: past her name.
    grace = stored(engine, "Grace Hopper")
    assert grace is not None
    assert (grace.role, utc_now() - grace.role_confirmed_at < YEAR) == (Role.EDITOR, True)
    review.get_by_role("button", name="Make a viewer: Joan Clarke").click()
    expect(review.get_by_text("Is a viewer now.")).to_be_visible()
    joan = stored(engine, "Joan Clarke")
    assert joan is not None
    assert joan.role is Role.VIEWER
    review.get_by_role("button", name="Deactivate Hedy Lamarr").click()
    expect(review.get_by_text("Is deactivated now.")).to_be_visible()
    picture(review, "review-decided")
    review.reload()
    expect(review.locator("#roles").get_by_text("Nobody waits for a decision here.")).to_be_visible()
    expect(review.locator("#dormant .row")).to_have_count(25)
    expect(review.get_by_role("button", name="Complete the review")).to_have_count(0)


def test_somebody_who_came_back_meanwhile(review: Page, engine: Engine) -> None:
    with Session(engine) as db, db.begin():
        back = db.scalars(select(User).where(User.name == "Hedy Lamarr")).one()
        back.last_sign_in_at = back.idle_since = utc_now()
    review.get_by_role("button", name="Deactivate Hedy Lamarr").click()
    expect(review.get_by_text("There is nothing to decide any more.")).to_be_visible()
    hedy = stored(engine, "Hedy Lamarr")
    assert hedy is not None
    assert hedy.is_active


@pytest.mark.parametrize("script", [True, False])
def test_together_until_it_is_complete(
    node: Node, review: Page, new_browser: Callable[..., Page], engine: Engine, script: bool
) -> None:
    page = review
    if not script:
        page = new_browser(java_script_enabled=False)
        page.goto(f"{node.base_url}/admin/access-review")
        page.get_by_role("link", name="Sign in with").click()
        page.get_by_role("button", name="Ada Admin").click()
        page.get_by_role("button", name="Keep the role of Grace Hopper").click()
        expect(page.get_by_text("Grace Hopper: Keeps the role.")).to_be_visible()
    page.locator("#roles").get_by_role("link", name="Select everybody on this page").click()
    expect(page.locator("#roles input[name=user]").first).to_be_checked()
    expect(page.locator("#dormant input[name=user]").first).not_to_be_checked()
    page.get_by_role("button", name="Selected keep their roles").click()
    expect(page.get_by_text(re.compile(r"(1 person keeps the role|2 people keep their roles)\."))).to_be_visible()
    # A page, the next one, and the rest of them all at once.
    page.locator("#dormant").get_by_role("link", name="Next").click()
    expect(page.locator("#dormant .row")).to_have_count(25)
    page.get_by_role("button", name="Deactivate the selected").click()
    expect(page.get_by_text("Nobody was selected.")).to_be_visible()
    page.locator("#dormant").get_by_role("link", name="Select everybody on this page").click()
    page.get_by_role("button", name="Selected keep their accounts").click()
    expect(page.get_by_text("25 people keep their accounts.")).to_be_visible()
    page.get_by_label("All on this list, on other pages too").check()
    page.get_by_role("button", name="Deactivate the selected").click()
    expect(page.get_by_text(re.compile(r"8\d accounts are deactivated now\."))).to_be_visible()
    with Session(engine) as db:
        # Also some whose role was kept before, by which nobody has said anything about the account.
        left = db.scalars(select(User.name).where(User.is_active, User.name != "Ada Admin")).all()
    assert len(left) == 25
    page.get_by_role("button", name="Complete the review").click()
    expect(page.get_by_text("The review is complete.")).to_be_visible()
    expect(
        page.get_by_role("heading", name=re.compile(r"Last review: .* by Ada Admin; due in 8\d|9\d days"))
    ).to_be_visible()
    picture(page, f"review-complete-{script}")


@pytest.mark.parametrize("screen", SCREENS)
def test_in_german(node: Node, review: Page, new_browser: Callable[..., Page], screen: str) -> None:
    german = new_browser(viewport=SCREENS[screen], **BERLIN)
    german.goto(f"{node.base_url}/admin/access-review")
    german.get_by_role("link", name="anmelden").click()
    german.get_by_role("button", name="Ada Admin").click()
    expect(german.get_by_role("heading", name="Zugriffsprüfung", exact=True)).to_be_visible()
    look(german)
    picture(german, f"review-german-{screen}")
    german.get_by_role("button", name="Rolle von Grace Hopper behalten").click()
    expect(german.get_by_text("Behält die Rolle.")).to_be_visible()
    look(german)
    german.goto(f"{node.base_url}/dashboard")
    look(german)


def test_an_overdue_review_is_on_the_dashboard(node: Node, review: Page, engine: Engine) -> None:
    with Session(engine) as db, db.begin():
        for user in db.scalars(select(User).where(User.name.in_(("Ada Admin", "Grace Hopper")))):
            user.created_at = utc_now() - YEAR
    review.goto(f"{node.base_url}/dashboard")
    notice = review.get_by_role("link", name="Review access")
    # Once a review has been completed on this node, the next one is far away.
    if notice.count():
        assert_accessible(review)
        picture(review, "review-dashboard")
        notice.click()
    else:
        review.get_by_role("navigation", name="Main").get_by_role("link", name="Access review").click()
    expect(review).to_have_url(f"{node.base_url}/admin/access-review")
