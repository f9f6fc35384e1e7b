"""A host's own pages, whichever htmx they load, when a session ends, a change is refused or a token is missing.

The host is ``examples/articles``, started as its developer starts it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, Request, expect
from sqlalchemy import Engine, text

from flask_gatehouse.db.engine import make_engine
from tests.chromium import Complaints, assert_accessible
from tests.processes import Node, running_gatehouse
from tools.provision import ROOT

HOST = ROOT / "examples/articles/articles.py"
VERSIONS = {"1.9": "1.9.12", "2": "2.0.11", "4": "4.0.1"}


@dataclass(frozen=True, slots=True)
class Host:
    """The running host and its database, which is also Gatehouse's."""

    node: Node
    engine: Engine
    version: str

    @property
    def articles(self) -> str:
        return f"{self.node.base_url}/articles"

    def change(self, statement: str) -> None:
        with self.engine.begin() as db:
            db.execute(text(statement))

    def stored(self) -> dict[str, bool]:
        """Return the titles that there are, and whether each is published."""
        with self.engine.connect() as db:
            return {title: bool(published) for title, published in db.execute(text(SELECT))}


SELECT = "SELECT title, published FROM articles ORDER BY id"
WRITTEN = {"Apples": False, "Bread": False, "Cheese": True}


@pytest.fixture(scope="module", params=VERSIONS)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("articles")
    url = f"sqlite:///{folder / 'articles.db'}"
    env = {"ARTICLES_HTMX_VERSION": request.param, "ARTICLES_SQLALCHEMY_DATABASE_URI": url}
    with running_gatehouse(env, host=HOST, directory=folder) as node:
        engine = make_engine(url)
        yield Host(node, engine, request.param)
        engine.dispose()


def sign_in(page: Page) -> None:
    expect(page).to_have_url(re.compile("/gate/auth/login"))
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("button", name="Eddie Editor").click()


@pytest.fixture
def drafts(host: Host, page: Page) -> Page:
    """The drafts, as the editor sees them who has written them all."""
    where = f"{host.articles}?show=drafts"
    page.goto(where)
    sign_in(page)
    expect(page).to_have_url(where)
    host.change("UPDATE gatehouse_users SET role = 'editor'")
    host.change("DELETE FROM articles")
    for title, published in WRITTEN.items():
        host.change(
            "INSERT INTO articles (author_id, title, published) "
            f"SELECT id, '{title}', {int(published)} FROM gatehouse_users"
        )
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert page.evaluate("htmx.version") == VERSIONS[host.version]
    return page


def row(page: Page, title: str) -> Locator:
    return page.locator("tbody tr").filter(has_text=title)


def message(page: Page) -> Locator:
    return page.get_by_role("status")


def without_hidden_fields(page: Page) -> None:
    """Leave the header as the only way by which the token can come."""
    # htmx 1.9 and 2 take a form over some moments after they have shown it; until then it is sent as it is.
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-swapping, .htmx-request")).to_have_count(0)
    page.evaluate("document.querySelectorAll('td input[name=csrf_token]').forEach((field) => field.remove())")


def test_good_changes_work(host: Host, drafts: Page, complaints: Complaints) -> None:
    complaints.allow("422")
    asked: list[Request] = []
    drafts.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright marks what it is given
    drafts.on("dialog", lambda dialog: dialog.accept())
    assert_accessible(drafts)

    row(drafts, "Apples").get_by_role("link", name="Edit").click()
    form = drafts.locator("tbody tr").first
    expect(form.get_by_label("Title")).to_have_value("Apples")
    without_hidden_fields(drafts)
    form.get_by_label("Title").fill(" ")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("A title needs one to a hundred characters.")
    without_hidden_fields(drafts)
    form.get_by_label("Title").fill("Pears")
    form.get_by_label("Title").press("Enter")
    expect(row(drafts, "Pears")).to_contain_text("Draft")

    without_hidden_fields(drafts)
    row(drafts, "Pears").get_by_role("button", name="Publish").click()
    expect(row(drafts, "Pears")).to_contain_text("Published")
    row(drafts, "Bread").get_by_role("button", name="Delete").click()
    expect(row(drafts, "Bread")).to_have_count(0)

    assert host.stored() == {"Pears": True, "Cheese": True}
    assert drafts.url == f"{host.articles}?show=drafts"
    assert [request.url for request in asked if "csrf" in request.url] == []
    assert {request.resource_type for request in asked} <= {"xhr", "fetch"}


def test_a_session_that_has_ended_leads_to_the_door_and_back(
    host: Host, drafts: Page, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    complaints.allow("401")
    elsewhere = new_browser()
    elsewhere.goto(f"{host.node.base_url}/gate/account")
    sign_in(elsewhere)
    elsewhere.get_by_role("button", name="End all others").click()
    expect(elsewhere.get_by_role("button", name="End all others")).to_have_count(0)

    row(drafts, "Apples").get_by_role("button", name="Publish").click()
    sign_in(drafts)
    expect(drafts).to_have_url(f"{host.articles}?show=drafts")
    assert host.stored() == WRITTEN
    row(drafts, "Apples").get_by_role("button", name="Publish").click()
    expect(row(drafts, "Apples")).to_contain_text("Published")


def test_reading_leads_to_the_door_as_well(host: Host, drafts: Page, complaints: Complaints) -> None:
    complaints.allow("401")
    host.change("DELETE FROM gatehouse_sessions")
    row(drafts, "Bread").get_by_role("link", name="Edit").click()
    sign_in(drafts)
    expect(drafts).to_have_url(f"{host.articles}?show=drafts")


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        ("UPDATE gatehouse_users SET role = 'viewer'", "Your role does not include this."),
        ("UPDATE articles SET author_id = author_id + 1", "You may not do this here."),
    ],
    ids=["role", "rule"],
)
def test_a_refused_change_leaves_the_row_alone_and_says_so(
    host: Host, drafts: Page, complaints: Complaints, meanwhile: str, said: str
) -> None:
    complaints.allow("403")
    drafts.on("dialog", lambda dialog: dialog.accept())
    host.change(meanwhile)
    before = drafts.locator("table").inner_html()
    for kind, name in (("button", "Publish"), ("button", "Delete"), ("link", "Edit")):
        drafts.evaluate("document.getElementById('gatehouse-messages').replaceChildren()")
        row(drafts, "Apples").get_by_role(kind, name=name).click()  # type: ignore[arg-type]
        expect(message(drafts)).to_contain_text(said)
    assert_accessible(drafts)
    assert _steady(drafts.locator("table").inner_html()) == _steady(before)
    assert host.stored() == WRITTEN


def test_a_change_without_the_token_changes_nothing(host: Host, drafts: Page, complaints: Complaints) -> None:
    complaints.allow("400")
    drafts.on("dialog", lambda dialog: dialog.accept())
    without_hidden_fields(drafts)
    drafts.evaluate("document.querySelector('meta[name=csrf-token]').content = ''")
    before = drafts.locator("table").inner_html()
    for name in ("Publish", "Delete"):
        drafts.evaluate("document.getElementById('gatehouse-messages').replaceChildren()")
        row(drafts, "Apples").get_by_role("button", name=name).click()
        expect(message(drafts)).to_contain_text("This page is too old, or the request came from elsewhere.")
    assert _steady(drafts.locator("table").inner_html()) == _steady(before)
    assert host.stored() == WRITTEN


def test_a_failure_that_is_the_hosts_own_does_not_take_the_rows_place(
    host: Host, drafts: Page, complaints: Complaints
) -> None:
    complaints.allow("404")
    host.change("DELETE FROM articles WHERE title = 'Apples'")
    row(drafts, "Apples").get_by_role("button", name="Publish").click()
    expect(message(drafts)).to_have_text("That did not work.")
    expect(row(drafts, "Apples")).to_contain_text("Draft")
    expect(drafts.locator("tbody tr")).to_have_count(2)


@pytest.fixture
def published(host: Host, drafts: Page, complaints: Complaints) -> Page:
    """All articles, as an administrator sees them who has not proved for long who she is."""
    complaints.allow("403")
    host.change("UPDATE gatehouse_users SET role = 'admin'")
    host.change("UPDATE gatehouse_sessions SET confirmed_at = '2026-01-01 00:00:00.000000'")
    drafts.goto(host.articles)
    return drafts


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Confirm it is you")


def test_what_is_public_is_changed_once_its_author_has_confirmed(
    host: Host, published: Page, complaints: Complaints
) -> None:
    row(published, "Cheese").get_by_role("link", name="Edit").click()
    form = published.locator("tbody tr").last
    form.get_by_label("Title").fill("Cheddar & more")
    form.get_by_role("button", name="Save").click()
    expect(dialog(published)).to_be_visible()
    assert_accessible(published)
    assert host.stored() == WRITTEN
    with published.expect_popup() as opened:
        dialog(published).get_by_role("link", name="Confirm").click()
    with opened.value.expect_event("close"):
        opened.value.get_by_role("button", name="Eddie Editor").click()
    expect(row(published, "Cheddar & more")).to_contain_text("Published")
    expect(dialog(published)).to_be_hidden()
    expect(message(published)).to_be_empty()
    assert host.stored() == {"Apples": False, "Bread": False, "Cheddar & more": True}


def test_a_question_is_asked_once_and_an_answer_counts(host: Host, published: Page) -> None:
    questions: list[str] = []
    published.on("dialog", lambda asked: (questions.append(asked.message), asked.accept()))
    row(published, "Cheese").get_by_role("button", name="Delete").click()
    dialog(published).get_by_role("button", name="Cancel").click()
    expect(message(published)).to_contain_text("Nothing has been changed.")
    assert host.stored() == WRITTEN
    row(published, "Cheese").get_by_role("button", name="Delete").click()
    with published.expect_popup() as opened:
        dialog(published).get_by_role("link", name="Confirm").click()
    with opened.value.expect_event("close"):
        opened.value.get_by_role("button", name="Eddie Editor").click()
    expect(row(published, "Cheese")).to_have_count(0)
    assert host.stored() == {"Apples": False, "Bread": False}
    # The second question belongs to the second click: the request that is sent again asks nothing.
    assert questions == ["Delete this article?"] * 2


def test_a_page_works_without_script(host: Host, drafts: Page, new_browser: Callable[..., Page]) -> None:
    plain = new_browser(java_script_enabled=False)
    plain.goto(host.articles)
    sign_in(plain)
    row(plain, "Apples").get_by_role("link", name="Edit").click()
    plain.get_by_label("Title").fill("Pears")
    plain.get_by_role("button", name="Save").click()
    expect(plain).to_have_url(host.articles)
    row(plain, "Bread").get_by_role("button", name="Publish").click()
    expect(row(plain, "Bread")).to_contain_text("Published")
    assert host.stored() == {"Pears": False, "Bread": True, "Cheese": True}


def _steady(markup: str) -> str:
    """Return markup without what htmx writes on elements while it is at work."""
    return re.sub(r' (class|data-hx-\w+)="[^"]*"', "", markup)
