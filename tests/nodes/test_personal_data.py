"""A person has her data, leaves, and comes again as somebody else; and an operator does it for her by letter."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from flask_gatehouse.db.base import Base
from tests.nodes.people import Browser, csrf_token_of, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node


@pytest.fixture(scope="module")
def site(place: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    ledger = tmp_path_factory.mktemp("apart") / "erasures.ledger"
    with running_site(place, {"GATEHOUSE_ERASURE_LEDGER": str(ledger)}, servers=("run", "gunicorn")) as site:
        yield site


def ledger(site: Site) -> list[dict[str, list[str]]]:
    path = Path(site.environment["GATEHOUSE_ERASURE_LEDGER"])
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def tables_with(site: Site, word: str) -> set[str]:
    """Return the tables in which a word still stands somewhere."""
    with site.database.reading() as connection:
        rows = {name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in Base.metadata.tables}
    return {name for name, found in rows.items() if word in repr([tuple(row) for row in found])}


def leave(browser: Browser, email: str, at: Node) -> None:
    token = csrf_token_of(browser.get("/account/delete", at=at))
    answer = browser.post("/account/delete", {"csrf_token": token, "confirm": email}, at=at)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/login?notice=erased")


def test_she_leaves_at_one_node_and_is_gone_at_the_other(site: Site, open_browser: Callable[[Node], Browser]) -> None:
    email, before = new_address("quixotic"), len(ledger(site))
    laptop, phone = open_browser(site.node), open_browser(site.node)
    for browser in (laptop, phone):
        assert browser.sign_in(email, "Zora Quixotic").status_code == 302
    first = site.user_id(email)
    assert phone.is_signed_in(at=site.other)
    assert {"gatehouse_users", "gatehouse_identities", "gatehouse_audit_events"} <= tables_with(site, email)

    leave(laptop, email, at=site.other)
    assert not phone.is_signed_in(at=site.node)
    assert not laptop.is_signed_in(at=site.other)
    assert tables_with(site, email) == tables_with(site, "Quixotic") == set()
    assert f"user:{first}" in ledger(site)[before]["subjects"]

    assert laptop.sign_in(email, "Zora Quixotic").status_code == 302
    assert "Your account has been created" in laptop.get("/dashboard").text
    again = site.user_id(email)
    assert first is not None
    assert again is not None
    assert again > first


def test_what_she_downloads_is_json_with_all_of_it(site: Site, open_browser: Callable[[Node], Browser]) -> None:
    email = new_address()
    browser = open_browser(site.node)
    browser.sign_in(email, "Ada")
    answer = browser.get("/account/export", at=site.other)
    assert answer.status_code == 200
    told = answer.json()
    assert told["user"]["email"] == email
    assert [event["event"] for event in told["events"]][-1] == "personal_data_exported"
    assert len(told["sessions"]) == 1


class TestByLetter:
    def test_an_operator_hands_it_over(
        self, site: Site, open_browser: Callable[[Node], Browser], tmp_path: Path
    ) -> None:
        email = new_address()
        open_browser(site.node).sign_in(email, "Ada Ünïcode")
        printed = site.command("export", email)
        assert json.loads(printed.stdout)["user"]["name"] == "Ada Ünïcode"
        path = tmp_path / "ada.json"
        written = site.command("export", email, "--output", str(path))
        assert (written.returncode, written.stdout) == (0, f"Everything that is held about {email} is in {path}.\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_text())["events"][-1]["actor"]["kind"] == "cli"
        content = path.read_text()
        again = site.command("export", email, "--output", str(path))
        assert (again.returncode, path.read_text()) == (1, content)
        assert "is there already" in again.stderr
        nowhere = site.command("export", email, "--output", str(tmp_path / "no" / "where.json"))
        assert nowhere.returncode == 1
        assert "Traceback" not in nowhere.stderr
        assert [file.name for file in tmp_path.iterdir()] == ["ada.json"]

    def test_an_operator_erases_and_is_asked_first(self, site: Site, open_browser: Callable[[Node], Browser]) -> None:
        email = new_address("dulcinea")
        open_browser(site.node).sign_in(email, "Dulcinea")
        asked = site.command("erase", email)
        assert asked.returncode == 1
        assert f"Dulcinea ({email}), viewer, user {site.user_id(email)}, is erased:" in asked.stdout
        assert site.user_id(email)
        done = site.command("erase", email, "--yes")
        assert done.returncode == 0, done.stderr
        assert f"{email} was erased." in done.stdout
        assert tables_with(site, email) == set()
        gone = site.command("erase", email, "--yes")
        assert gone.returncode == 1
        assert f"nothing is held about {email}" in gone.stderr
        assert site.command("export", email).returncode == 1

    def test_by_number_where_no_address_is_confirmed(self, site: Site, open_browser: Callable[[Node], Browser]) -> None:
        email = new_address()
        open_browser(site.node).sign_in(email, "Ada")
        number = site.user_id(email)
        assert site.command("erase", f"user:{number}", "--yes").returncode == 0
        assert site.user_id(email) is None
        assert site.command("erase", f"user:{number}", "--yes").returncode == 1
        assert site.command("erase", "user:0", "--yes").returncode == 2

    def test_whoever_was_only_invited_is_found_by_the_address(self, site: Site) -> None:
        email = new_address("invited")
        assert site.command("create-admin", email).returncode == 0
        assert tables_with(site, email)
        done = site.command("erase", email, "--yes")
        assert done.returncode == 0, done.stderr
        assert "Invitations and requests to join for it: 1." in done.stdout
        assert tables_with(site, email) == set()

    def test_the_last_administrator_stays(self, site: Site, open_browser: Callable[[Node], Browser]) -> None:
        email = new_address("admin")
        open_browser(site.node).sign_in(email, "Root")
        assert site.command("create-admin", email).returncode == 0
        refused = site.command("erase", email, "--yes")
        assert refused.returncode == 1
        assert "is the last active administrator" in refused.stderr
        assert site.user_id(email)
