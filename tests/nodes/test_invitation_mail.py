"""An invitation arrives as a letter, from a node over a socket to a mail server."""

import time
from collections.abc import Callable, Iterator

import pytest

from flask_gatehouse.alerts.deadline import DEADLINE_S
from tests.nodes.listeners import PostOffice, open_post_office
from tests.nodes.people import Browser, csrf_token_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node

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
        "GATEHOUSE_APP_NAME": "Corp & Co",
    }
    # Two workers: each letter goes out once all the same.
    with running_site(place, environment, servers=("run", "run")) as site:
        browser = Browser(site.node)
        assert browser.sign_in(ADMIN, "Ada <b>Admin").status_code == 302
        assert site.command("create-admin", ADMIN).returncode == 0
        browser.close()
        yield site


def test_an_invitation_arrives_once(site: Site, office: PostOffice, open_browser: Callable[[Node], Browser]) -> None:
    admin = open_browser(site.node)
    assert admin.sign_in(ADMIN).status_code == 302
    page = admin.get("/users/invitations")
    assert "The invitation is sent by mail." in page.text
    token = csrf_token_of(page)
    invited = admin.post("/users/invitations", {"csrf_token": token, "email": "new@example.com", "role": "editor"})
    assert invited.status_code == 200
    assert "Pass this link on" not in invited.text
    letter = office.wait_for(1, "new@example.com")[0]
    assert (letter["To"], letter["From"]) == ("new@example.com", "Gate <gate@example.com>")
    assert letter["Subject"] == "Your invitation to Corp & Co"
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    link = f"{site.node.base_url}/auth/login"
    assert link in plain.get_content()
    assert f'href="{link}"' in html.get_content()
    assert "Corp &amp; Co" in html.get_content()
    assert "<b>" not in html.get_content()
    time.sleep(2)
    assert len(office.to("new@example.com")) == 1


def test_a_server_that_refuses_is_asked_again(
    site: Site, office: PostOffice, open_browser: Callable[[Node], Browser]
) -> None:
    admin = open_browser(site.node)
    assert admin.sign_in(ADMIN).status_code == 302
    office.refusals.append("451 come back later")
    token = csrf_token_of(admin.get("/users/invitations"))
    began = time.monotonic()
    answer = admin.post("/users/invitations", {"csrf_token": token, "email": "late@example.com", "role": "viewer"})
    assert answer.status_code == 200
    # Nobody waits for the mail.
    assert time.monotonic() - began < DEADLINE_S
    assert len(office.wait_for(1, "late@example.com")) == 1
