"""An invitation arrives as a letter, from a node over a socket to a mail server."""

import email
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.nodes.people import Browser, csrf_token_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node, free_port

ADMIN = "admin@example.com"
WITHIN_S = 20.0


class PostOffice:
    """Takes letters, or refuses them for a while."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refusals = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        if self.refusals:
            self.refusals -= 1
            return "451 come back later"
        content = envelope.content
        assert isinstance(content, bytes)
        letter = email.message_from_bytes(content, policy=default)
        assert isinstance(letter, EmailMessage)
        assert envelope.rcpt_tos == [letter["To"]]
        self.letters.append(letter)
        return "250 taken"

    def wait_for(self, count: int) -> list[EmailMessage]:
        deadline = time.monotonic() + WITHIN_S
        while len(self.letters) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(self.letters) == count
        return self.letters


@pytest.fixture(scope="module")
def office() -> Iterator[tuple[PostOffice, int]]:
    office, port = PostOffice(), free_port()
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    yield office, port
    controller.stop()


@pytest.fixture(scope="module")
def site(place: str, office: tuple[PostOffice, int]) -> Iterator[Site]:
    environment = {
        "GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{office[1]}",
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


def test_an_invitation_arrives_once(
    site: Site, office: tuple[PostOffice, int], open_browser: Callable[[Node], Browser]
) -> None:
    admin = open_browser(site.node)
    assert admin.sign_in(ADMIN).status_code == 302
    before = len(office[0].letters)
    page = admin.get("/users/invitations")
    assert "The invitation is sent by mail." in page.text
    token = csrf_token_of(page)
    invited = admin.post("/users/invitations", {"csrf_token": token, "email": "new@example.com", "role": "editor"})
    assert invited.status_code == 200
    assert "Pass this link on" not in invited.text
    letter = office[0].wait_for(before + 1)[-1]
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
    assert len(office[0].letters) == before + 1


def test_a_server_that_refuses_is_asked_again(
    site: Site, office: tuple[PostOffice, int], open_browser: Callable[[Node], Browser]
) -> None:
    admin = open_browser(site.node)
    assert admin.sign_in(ADMIN).status_code == 302
    before, office[0].refusals = len(office[0].letters), 1
    token = csrf_token_of(admin.get("/users/invitations"))
    began = time.monotonic()
    answer = admin.post("/users/invitations", {"csrf_token": token, "email": "late@example.com", "role": "viewer"})
    assert answer.status_code == 200
    # Nobody waits for the mail.
    assert time.monotonic() - began < 2
    assert office[0].wait_for(before + 1)[-1]["To"] == "late@example.com"
