"""User administration as somebody does it every day: by keyboard, by pointer, many at once, and without script."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.db.engine import make_engine
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node, running_gatehouse

ADA = "ada@example.com"
START = datetime(2025, 1, 1, tzinfo=UTC)
# With Ada, more than two pages of fifty.
CROWD = 110


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_gatehouse({}) as node:
        yield node


@pytest.fixture(scope="module")
def engine(node: Node) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{node.directory / 'instance/gatehouse.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def sign_in(node: Node, engine: Engine) -> Callable[[Page], Page]:
    """A function that signs Ada in as an administrator, and leaves her with the same people each time."""

    def sign_in(page: Page) -> Page:
        page.goto(f"{node.base_url}/account")
        page.get_by_role("link", name="Sign in with").click()
        page.get_by_role("button", name="Ada Admin").click()
        expect(page).to_have_url(f"{node.base_url}/account")
        people = [("Grace Hopper", Role.EDITOR), ("Hedy Lamarr", Role.VIEWER), ("Joan Clarke", Role.ADMIN)]
        people += [(f"Person {number:03}", Role.VIEWER) for number in range(CROWD)]
        with Session(engine) as db, db.begin():
            db.execute(delete(User).where(User.email != ADA))
            db.execute(update(User).values(role=Role.ADMIN, created_at=START - timedelta(days=1)))
            db.add_all(
                User(
                    name=name,
                    email=f"{name.lower().replace(' ', '.')}@example.com",
                    role=role,
                    is_active=name != "Person 007",
                    created_at=START + timedelta(minutes=number),
                )
                for number, (name, role) in enumerate(people)
            )
        return page

    return sign_in


@pytest.fixture
def users(node: Node, page: Page, sign_in: Callable[[Page], Page]) -> Page:
    """The list, as an administrator sees it."""
    sign_in(page).goto(f"{node.base_url}/users")
    expect(page.get_by_role("heading", name="Users", exact=True)).to_be_visible()
    return page


def row(page: Page, name: str) -> Locator:
    return page.locator("#user-rows tr").filter(has_text=name)


def focused(page: Page) -> str:
    identifier: str = page.evaluate("document.activeElement.id")
    return identifier


def stored(engine: Engine, name: str) -> User | None:
    with Session(engine) as db:
        return db.scalars(select(User).where(User.name == name)).one_or_none()


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    expect(page).to_have_url(re.compile(f"[?&]q={quote_plus(text)}".replace("+", "(%20|[+])")))


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
    users.route("**/users?q=pers", held.append)
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
    users.get_by_role("link", name="Last").click()
    expect(users.locator("#user-rows tr").last).to_contain_text("Ada Admin")
    expect(users.get_by_role("link", name="Next")).to_be_disabled()
    users.go_back()
    expect(users.locator("#user-rows tr").first).to_have_text(second, use_inner_text=True)
    users.get_by_role("link", name="First").click()
    expect(users).to_have_url(f"{node.base_url}/users?sort=-name")
    # The filters know the order that came with the rows.
    search(users, "person")
    expect(users).to_have_url(f"{node.base_url}/users?q=person&sort=-name")


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
    expect(name).to_have_value("Grace <Hopper>")
    users.get_by_role("button", name="Cancel").click()
    expect(users.get_by_role("button", name="Edit Grace Hopper")).to_be_focused()
    assert stored(engine, "Grace Hopper") is not None


@pytest.mark.parametrize("choice", ["Keep theirs", "Save mine anyway"])
def test_a_conflict_shows_both_and_lets_one_choose(
    users: Page, complaints: Complaints, engine: Engine, choice: str
) -> None:
    complaints.allow("status of 409")
    search(users, "grace")
    users.get_by_role("button", name="Edit Grace Hopper").click()
    users.get_by_label("Name of Grace Hopper").fill("Mine")
    with Session(engine) as db, db.begin():
        user = db.scalars(select(User).where(User.name == "Grace Hopper")).one()
        user.name, user.version = "Theirs", user.version + 1
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
    expect(users.get_by_role("button", name="Edit Person 002")).to_be_focused()
    assert stored(engine, "Person 001") is None


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
    users.keyboard.press("Escape")
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
    node: Node, new_browser: Callable[..., Page], sign_in: Callable[[Page], Page], engine: Engine
) -> None:
    page = sign_in(new_browser(java_script_enabled=False))
    page.goto(f"{node.base_url}/users")
    page.get_by_role("searchbox").fill("hedy")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#user-rows tr")).to_have_count(1)
    page.get_by_role("button", name="Deactivate Hedy Lamarr").click()
    expect(row(page, "Hedy Lamarr")).to_contain_text("Deactivated")
    page.get_by_role("button", name="Edit Hedy Lamarr").click()
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("Hedwig Kiesler")
    page.get_by_label("Role").select_option("editor")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Hedwig Kiesler")).to_be_visible()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile(r"/users(\?.*)?$"))
    assert stored(engine, "Hedwig Kiesler") is None
    page.get_by_label("Select Person 109").check()
    page.get_by_role("button", name="Deactivate", exact=True).click()
    expect(row(page, "Person 109")).to_contain_text("Deactivated")


def test_a_narrow_screen_shows_cards_that_are_still_a_table(
    node: Node, new_browser: Callable[..., Page], sign_in: Callable[[Page], Page]
) -> None:
    page = sign_in(new_browser(viewport={"width": 375, "height": 800}))
    page.goto(f"{node.base_url}/users?q=grace")
    expect(page.get_by_role("row").filter(has_text="Grace Hopper").get_by_role("cell")).to_have_count(8)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert_accessible(page)


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
    expect(page.get_by_text("Nobody is invited at the moment.")).to_be_visible()
    expect(page.locator("#pending-title")).to_be_focused()
    page.goto(f"{node.base_url}/users?q=grace")
    page.get_by_role("link", name="Grace Hopper").click()
    expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    assert_accessible(page)
