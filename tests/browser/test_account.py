"""Her account, as the person sees it to whom it belongs, and as an administrator sees it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, text

from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import Actor
from tests.browser.late import count_answers, expect_answers, meanwhile
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node, running_gatehouse


@pytest.fixture
def node() -> Iterator[Node]:
    with running_gatehouse({}) as node:
        yield node


@pytest.fixture
def engine(node: Node) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{node.directory / 'instance/gatehouse.db'}")
    yield engine
    engine.dispose()


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def sign_in(page: Page, node: Node, person: str) -> Page:
    page.goto(f"{node.base_url}/account")
    page.get_by_role("link", name="Sign in with").click()
    choose(page, person)
    expect(page).to_have_url(f"{node.base_url}/account")
    return page


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def link(page: Page, name: str) -> None:
    """Link an account with the keyboard alone, as far as our own pages go."""
    page.get_by_role("button", name="Link").focus()
    page.keyboard.press("Enter")
    choose(page, name)


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as db:
        db.execute(text(statement))


def test_another_account_is_linked_and_unlinked(
    node: Node, engine: Engine, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    complaints.allow("status of 40[13]")
    page, elsewhere = sign_in(new_browser(), node, "Ada Admin"), sign_in(new_browser(), node, "Ada Admin")
    page.reload()
    assert_accessible(page)
    ways = panel(page, "How you sign in")
    expect(ways.get_by_role("listitem")).to_have_count(1)
    expect(ways.get_by_role("button", name=re.compile("^Unlink"))).to_have_count(0)

    link(page, "Vera Viewer")
    expect(page).to_have_url(f"{node.base_url}/account")
    expect(page.get_by_role("status").first).to_contain_text("Your other sessions have ended.")
    expect(ways.get_by_role("listitem")).to_have_count(2)
    expect(ways.get_by_role("listitem").filter(has_text="ada@example.com")).to_contain_text("This session")
    expect(panel(page, "Security activity")).to_contain_text("Way to sign in linked")
    assert_accessible(page)
    expect(elsewhere).to_have_url(re.compile("/auth/login"))
    choose_way = elsewhere.get_by_role("link", name="Sign in with")
    choose_way.click()
    choose(elsewhere, "Vera Viewer")
    expect(elsewhere.get_by_role("heading", name="Ada Admin")).to_be_visible()

    # Too long after her proof, what takes a way to sign in away asks who is there.
    change(engine, "UPDATE gatehouse_sessions SET confirmed_at = '2026-01-01 00:00:00.000000'")
    ways.get_by_role("button", name=re.compile("^Unlink.*vera@example.com")).click()
    with page.expect_popup() as opened:
        page.get_by_role("dialog", name="Confirm it is you").get_by_role("link", name="Confirm").click()
    with opened.value.expect_event("close"):
        choose(opened.value, "Ada Admin")
    expect(page.get_by_role("status").first).to_contain_text("no longer a way to sign in here")
    expect(ways.get_by_role("listitem")).to_have_count(1)
    expect(panel(page, "Security activity")).to_contain_text("Way to sign in removed")
    expect(elsewhere).to_have_url(re.compile("/auth/login"))


def test_an_account_of_somebody_else_is_refused_with_a_reason(
    node: Node, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    complaints.allow("status of 409")
    sign_in(new_browser(), node, "Vera Viewer")
    page = sign_in(new_browser(), node, "Ada Admin")
    link(page, "Vera Viewer")
    expect(page.get_by_role("heading", name="This account belongs to somebody else here")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Try again").click()
    expect(panel(page, "How you sign in").get_by_role("listitem")).to_have_count(1)
    expect(panel(page, "Security activity")).to_contain_text("Linking refused")


def test_all_of_it_works_without_script(node: Node, new_browser: Callable[..., Page]) -> None:
    page = sign_in(new_browser(java_script_enabled=False), node, "Ada Admin")
    page.get_by_label("Name").fill("Ada King")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{node.base_url}/account")
    expect(page.get_by_role("heading", name="Ada King")).to_be_visible()
    page.get_by_role("button", name="Link").click()
    expect(page.get_by_role("heading", name=re.compile("^Link "))).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    choose(page, "Vera Viewer")
    expect(panel(page, "How you sign in").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Unlink")).click()
    expect(panel(page, "How you sign in").get_by_role("listitem")).to_have_count(1)


@pytest.mark.parametrize("scripted", [True, False])
def test_older_activity_comes_page_by_page(
    node: Node, engine: Engine, new_browser: Callable[..., Page], scripted: bool
) -> None:
    page = sign_in(new_browser(java_script_enabled=scripted), node, "Ada Admin")
    for number in range(12):
        page.get_by_label("Name").fill(f"Ada the {number}")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name=f"Ada the {number}")).to_be_visible()
    activity = panel(page, "Security activity")
    expect(activity.get_by_text("User edited")).to_have_count(10)
    activity.get_by_role("link", name="Older").focus()
    page.keyboard.press("Enter")
    expect(panel(page, "Security activity").get_by_text("User created")).to_be_visible()
    expect(panel(page, "Security activity").get_by_text("User edited")).to_have_count(12 if scripted else 2)
    if scripted:
        # A reader goes on with what has come.
        expect(activity.get_by_role("listitem").nth(10)).to_be_focused()
        assert_accessible(page)


def test_whoever_has_gone_on_before_older_activity_comes_is_left_there(
    node: Node, engine: Engine, new_browser: Callable[..., Page]
) -> None:
    page = sign_in(new_browser(), node, "Ada Admin")
    with engine.begin() as connection:
        user_id = connection.scalar(text("SELECT id FROM gatehouse_users WHERE name = 'Ada Admin'"))
    her = Actor(user_id, None, "192.0.2.7", None, "user")
    with Database(lambda: engine).transaction() as db:
        for _ in range(25):
            record(AuditEvent.AUTHZ_FAIL, session=db, actor=her)
    page.reload()
    older, name = panel(page, "Security activity").get_by_role("link", name="Older"), page.get_by_label("Name")
    count_answers(page)
    with meanwhile(page, lambda request: "/account/activity?before=" in request.url, older.click):
        name.focus()
    expect_answers(page, 1)
    expect(name).to_be_focused()


def test_an_administrator_sees_the_same_of_a_user_and_ends_her_sessions(
    node: Node, engine: Engine, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    complaints.allow("status of 401")
    hers = sign_in(new_browser(), node, "Vera Viewer")
    admin = sign_in(new_browser(user_agent="Mozilla/5.0 (X11; Linux) Secret/1.0"), node, "Ada Admin")
    change(engine, "UPDATE gatehouse_users SET role = 'admin' WHERE email = 'ada@example.com'")
    with engine.connect() as db:
        vera = db.execute(text("SELECT id FROM gatehouse_users WHERE email = 'vera@example.com'")).scalar_one()
    admin.goto(f"{node.base_url}/users/{vera}")
    expect(panel(admin, "Security activity")).to_contain_text("Signed in")
    admin.get_by_role("button", name=re.compile("End the session on")).click()
    expect(admin.get_by_text("Not signed in anywhere.")).to_be_visible()
    admin.get_by_label("Role", exact=True).select_option("editor")
    admin.get_by_role("button", name="Save").click()
    expect(panel(admin, "Security activity")).to_contain_text("From Viewer to Editor")
    assert_accessible(admin)
    expect(hers).to_have_url(re.compile("/auth/login"))
    hers.get_by_role("link", name="Sign in with").click()
    choose(hers, "Vera Viewer")
    told = panel(hers, "Security activity")
    expect(told).to_contain_text("Session ended by somebody")
    expect(told.get_by_role("listitem").filter(has_text="Role changed")).to_contain_text("By Ada Admin")
    # Whose browser that was and from where is not hers to know.
    expect(told.get_by_role("listitem").filter(has_text="Role changed")).not_to_contain_text("127.0.0.1")
    expect(told).not_to_contain_text("Secret")
