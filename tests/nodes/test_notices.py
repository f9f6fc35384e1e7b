"""People are told what concerns them, by letters over a socket, and say that it was not they."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.nodes.listeners import PostOffice, open_post_office, text_of, wait_until
from tests.nodes.people import Browser, hidden_fields, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]
ADMIN = "admin@example.com"


@pytest.fixture(scope="module")
def office(place: str) -> Iterator[PostOffice]:
    with open_post_office() as office:
        yield office


@pytest.fixture(scope="module")
def site(place: str, office: PostOffice) -> Iterator[Site]:
    environment = {
        "GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{office.port}",
        "GATEHOUSE_MAIL_FROM": "Gate <gate@example.com>",
    }
    with running_site(place, environment, servers=("run", "run")) as site:
        wait_until(lambda: "notices" in followers(site))
        browser = Browser(site.node)
        assert browser.sign_in(ADMIN, "Ada Admin").status_code == 302
        assert site.command("create-admin", ADMIN).returncode == 0
        browser.close()
        yield site


def followers(site: Site) -> set[str]:
    with site.database.reading() as connection:
        return {name for (name,) in connection.exec_driver_sql("SELECT name FROM gatehouse_alert_sinks")}


def link_in(letter: str) -> str:
    found = re.search(r"http\S+/auth/not-me/\S+", letter)
    assert found is not None, letter
    return urlsplit(found[0]).path


def settled(site: Site) -> None:
    """Wait until everything that has happened so far has been told."""
    mark = site.last_event()

    def told() -> bool:
        with site.database.reading() as connection:
            statement = f"""SELECT count(*) FROM gatehouse_audit_leaves AS leaf, gatehouse_alert_sinks AS sink
                WHERE leaf.event_id = {mark} AND sink.name = 'notices' AND sink.position > leaf.position"""
            return bool(connection.exec_driver_sql(statement).scalar())

    wait_until(told)


def test_a_new_device_is_told_and_a_known_one_is_not(site: Site, office: PostOffice, open_browser: Open) -> None:
    address, first = new_address("una"), open_browser(site.node)
    assert first.sign_in(address, "Una").status_code == 302
    assert first.sign_in(address).status_code == 302
    first.sign_out()
    assert first.sign_in(address).status_code == 302
    settled(site)
    assert office.to(address) == []
    second = open_browser(site.node)
    second.http.headers["Accept-Language"] = "de"
    assert second.sign_in(address).status_code == 302
    (letter,) = office.wait_for(1, address)
    assert letter["Subject"] == "Neue Anmeldung bei Gatehouse"
    text = text_of(letter)
    assert f"Guten Tag {address.partition('@')[0]},\n" in text
    assert "Browser: Firefox unter Linux\nAdresse im Netz: 127.0.0.1\n" in text
    assert link_in(text) in text_of(letter, "html")
    assert second.sign_in(address).status_code == 302
    settled(site)
    assert len(office.to(address)) == 1


def test_this_was_not_me(site: Site, office: PostOffice, open_browser: Open) -> None:
    address, hers, thief = new_address("mia"), open_browser(site.node), open_browser(site.node)
    assert hers.sign_in(address, "Mia").status_code == 302
    assert thief.sign_in(address).status_code == 302
    link = link_in(text_of(office.wait_for(1, address)[0]))
    # Programs that look for viruses follow links: nothing happens by that, and it works signed out, at any node.
    reader = open_browser(site.other)
    page = reader.get(link)
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert thief.is_signed_in()
    mark = site.last_event()
    done = reader.post(link, hidden_fields(page.text))
    assert done.status_code == 200
    assert "The account is locked" in done.text
    assert not thief.is_signed_in()
    assert not thief.is_signed_in(at=site.other)
    assert not hers.is_signed_in()
    held = ("user_held", {"about": "authn_login_success", "reason": "not_me"})
    assert held in site.events(mark, target_type="user", target_id=str(site.user_id(address)))
    for browser in (thief, hers):
        refused = browser.sign_in(address)
        assert (refused.status_code, reason_of(refused)) == (403, "held")
    # It works once.
    assert "has done its work" in reader.post(link, hidden_fields(page.text)).text
    admin = open_browser(site.node)
    admin.sign_in(ADMIN)
    assert "Locked accounts" in admin.get("/dashboard").text
    assert '<span class="badge badge-warning">Locked</span>' in admin.get(f"/users?q={address}").text
    her_page = f"/users/{site.user_id(address)}"
    shown = admin.get(her_page)
    assert "Unlock the account" in shown.text
    released = admin.post(f"{her_page}/release", hidden_fields(shown.text))
    assert released.status_code == 303
    assert "Locked accounts" not in admin.get("/dashboard").text
    assert hers.sign_in(address).status_code == 302
    assert site.events(mark, event="user_released") == [("user_released", {})]
    # An old letter does not lock her out a second time.
    assert "has done its work" in reader.post(link, hidden_fields(page.text)).text
    assert hers.is_signed_in()


def test_another_role_is_told(site: Site, office: PostOffice, open_browser: Open) -> None:
    address, admin = new_address("eve"), open_browser(site.node)
    assert open_browser(site.node).sign_in(address, "Eve").status_code == 302
    assert admin.sign_in(ADMIN).status_code == 302
    her_page = f"/users/{site.user_id(address)}"
    fields = hidden_fields(admin.get(her_page).text) | {"name": "Eve", "role": "editor"}
    assert admin.post(her_page, fields).status_code == 303
    (letter,) = office.wait_for(1, address)
    assert letter["Subject"] == "Your role at Gatehouse has changed"
    assert "Your role was Viewer, and is Editor now." in text_of(letter)
    assert "By: an administrator\n" in text_of(letter)
    fields = hidden_fields(admin.get(her_page).text) | {"_method": "delete"}
    assert admin.post(her_page, fields).status_code == 303
    # The link in the letter before has nobody left.
    assert open_browser(site.node).get(link_in(text_of(office.to(address)[0]))).status_code == 404


def test_the_last_administrator_is_let_in_by_whoever_has_the_server(
    site: Site, office: PostOffice, open_browser: Open
) -> None:
    admin = open_browser(site.node)
    admin.sign_in(ADMIN)
    settled(site)
    letter = text_of(office.to(ADMIN)[-1])
    assert f"gatehouse release {ADMIN}" in letter
    reader = open_browser(site.node)
    done = reader.post(link_in(letter))
    assert f"gatehouse release {ADMIN}" in done.text
    assert reason_of(admin.sign_in(ADMIN)) == "held"
    released = site.command("release", ADMIN)
    assert (released.returncode, released.stdout) == (0, f"{ADMIN} can sign in again.\n")
    assert site.command("release", ADMIN).stdout == f"{ADMIN} was not locked.\n"
    assert admin.sign_in(ADMIN).status_code == 302


@pytest.mark.parametrize("refusal", ["550 no such mailbox", "554 no"])
def test_a_mailbox_that_is_gone_stops_nobody(site: Site, office: PostOffice, open_browser: Open, refusal: str) -> None:
    mark, gone, there = site.last_event(), new_address("gone"), new_address("there")
    for address in (gone, there):
        assert open_browser(site.node).sign_in(address).status_code == 302
    settled(site)
    office.refusals.append(refusal)
    assert open_browser(site.node).sign_in(gone).status_code == 302
    settled(site)
    assert open_browser(site.node).sign_in(there).status_code == 302
    assert len(office.wait_for(1, there)) == 1
    assert office.to(gone) == []
    with site.database.reading() as connection:
        statement = f"SELECT count(*) FROM gatehouse_audit_events WHERE event = 'alert_undelivered' AND id > {mark}"
        assert connection.exec_driver_sql(statement).scalar() == 1
