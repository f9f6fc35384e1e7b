"""The tutorials do what they say: typed as they are written, in an empty folder, with a browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.chromium import Complaints
from tests.docs.pages import DOCS, blocks
from tests.docs.reader import WRITTEN, Reader

PROTECT = DOCS / "tutorials/protect-your-application.md"
RUN_IT = DOCS / "tutorials/run-it.md"


def reader_of(page: Path, tmp_path: Path) -> Reader:
    folder = tmp_path / "typed"
    folder.mkdir()
    return Reader(page, folder)


@contextmanager
def visiting(reader: Reader, *browsers: Page) -> Iterator[None]:
    """Have the server running while people look at it: a page that stays open complains once it is gone."""
    with reader.serving():
        yield
        for browser in browsers:
            browser.goto("about:blank")


def sign_in(page: Page, person: str) -> None:
    expect(page).to_have_url(re.compile("/auth/login"))
    page.get_by_role("link", name="Sign in with a development account").click()
    page.get_by_role("button", name=person).click()
    expect(page).not_to_have_url(re.compile("/dev/provider"))


def write(page: Page, title: str) -> None:
    page.get_by_role("link", name="Write a note").click()
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save").click()
    expect(note(page, title)).to_be_visible()


def edit(page: Page, title: str, to: str) -> None:
    note(page, title).get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill(to)
    page.get_by_role("button", name="Save").click()
    expect(note(page, to)).to_be_visible()


def note(page: Page, title: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=title)


def goto(page: Page, reader: Reader, written: str) -> None:
    """Open an address that stands on the page."""
    assert f"<{WRITTEN}{written}>" in reader.page.read_text()
    page.goto(f"{reader.address}{written}")


def give_role(page: Page, name: str, role: str) -> None:
    page.get_by_role("button", name=f"Edit {name}").click()
    page.get_by_label(f"Role of {name}").select_option(role)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text(role)


def test_an_application_is_protected_in_six_steps(
    tmp_path: Path, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    complaints.allow("status of 403")
    reader = reader_of(PROTECT, tmp_path)
    ada, eddie = new_browser(), new_browser()

    reader.type("1. The application")
    with visiting(reader, ada, eddie):
        ada.goto(reader.address)
        write(ada, "Milk")
        edit(ada, "Milk", "Oat milk")
        note(ada, "Oat milk").get_by_role("button", name="Delete").click()
        expect(note(ada, "Oat milk")).to_have_count(0)

    reader.type("2. The gate")
    with visiting(reader, ada, eddie):
        goto(ada, reader, "")
        sign_in(ada, "Ada Admin")
        expect(ada).to_have_url(f"{reader.address}/")
        write(ada, "Ada's")
        goto(ada, reader, "/gate/dashboard")
        ada.get_by_role("button", name="Become the administrator").click()
        expect(ada.get_by_role("link", name="Audit log").first).to_be_visible()

    reader.type("3. Who may write")
    with visiting(reader, ada, eddie):
        goto(ada, reader, "/gate/users")
        eddie.goto(reader.address)
        sign_in(eddie, "Eddie Editor")
        expect(note(eddie, "Ada's")).to_be_visible()
        expect(eddie.get_by_role("link", name="Write a note")).to_have_count(0)
        goto(eddie, reader, "/new")
        expect(eddie.get_by_role("heading", name="Not allowed")).to_be_visible()
        ada.reload()
        give_role(ada, "Eddie Editor", "Editor")
        eddie.goto(reader.address)
        write(eddie, "Eddie's")

    reader.type("4. Whose note it is")
    with visiting(reader, ada, eddie):
        eddie.goto(reader.address)
        expect(note(eddie, "Eddie's").get_by_role("button", name="Delete")).to_be_visible()
        expect(note(eddie, "Ada's").get_by_role("link")).to_have_count(0)
        goto(eddie, reader, "/1/edit")
        expect(eddie.get_by_role("heading", name="Not allowed")).to_be_visible()

    reader.type("5. What happened")
    with visiting(reader, ada, eddie):
        eddie.goto(reader.address)
        edit(eddie, "Eddie's", "Eddie's own")
        goto(ada, reader, "/gate/admin/audit-logs")
        event = ada.get_by_role("row").filter(has_text="note.edited")
        expect(event).to_contain_text("Eddie Editor")
        expect(ada.get_by_role("row").filter(has_text="Access refused").first).to_be_visible()
        event.get_by_role("link", name="note.edited").click()
        expect(ada.get_by_role("main")).to_contain_text("Eddie's own")

    assert "3 passed" in reader.type("6. Tests")


def test_the_standalone_application_is_as_the_tutorial_says(
    tmp_path: Path, new_browser: Callable[..., Page], complaints: Complaints
) -> None:
    complaints.allow("status of 401")
    reader = reader_of(RUN_IT, tmp_path)
    ada, vera = new_browser(), new_browser()
    reader.type("Start it")
    with visiting(reader, ada, vera):
        ada.goto(reader.address)
        sign_in(ada, "Ada Admin")
        expect(ada).to_have_url(f"{reader.address}/dashboard")
        ada.get_by_role("button", name="Become the administrator").click()

        vera.goto(reader.address)
        sign_in(vera, "Vera Viewer")
        ada.get_by_role("link", name="Users").first.click()
        give_role(ada, "Vera Viewer", "Editor")
        vera.reload()
        expect(vera.get_by_role("main")).to_contain_text("Editor")
        ada.get_by_role("button", name="Deactivate Vera Viewer").click()
        expect(ada.get_by_role("button", name="Activate Vera Viewer")).to_be_visible()
        vera.get_by_role("link", name="Users").first.click()
        expect(vera).to_have_url(re.compile("/auth/login"))

        said = reader.type("From the command line")
        assert "Ada Admin may." in said
        # That of whoever was deactivated may be over already.
        assert re.search(r"sessions? w(as|ere) ended\.", said)
        assert "agrees with itself" in said
        assert (reader.folder / "first.backup").exists()
        ada.reload()
        expect(ada).to_have_url(re.compile("/auth/login"))
    assert (reader.folder / "instance/gatehouse.db").exists()


def test_make_run_is_what_the_tests_start() -> None:
    makefile = (DOCS.parent / "Makefile").read_text()
    started = r"^run: setup .*\n\t@GATEHOUSE_ENV=development exec \$\(BIN\)/gatehouse run$"
    assert re.search(started, makefile, re.MULTILINE)


def test_servers_are_started_as_the_tutorial_says() -> None:
    started = [line for block in blocks(PROTECT, "sh") for line in block.text.splitlines() if line.endswith(" run")]
    assert started == ["flask --app notes run", "flask --app notes gatehouse run"]
