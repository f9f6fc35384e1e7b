"""Letters at a real mail server: one recipient, and no header that somebody else has written."""

from collections.abc import Iterator

import pytest

from flask_gatehouse.alerts.errors import LetterRefused
from flask_gatehouse.alerts.mail import Letter, Mailer
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.settings.mail import parse_mail_server
from tests.nodes.listeners import PostOffice, open_post_office

EVIL = "evil@example.com"


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with open_post_office() as office:
        yield office


@pytest.fixture
def mailer(office: PostOffice) -> Mailer:
    return Mailer(parse_mail_server(f"smtp://127.0.0.1:{office.port}"), "Gate <gate@example.com>")


@pytest.mark.parametrize("gap", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\0", "\r\n\r\n"])
def test_a_subject_stays_one_line(office: PostOffice, mailer: Mailer, gap: str) -> None:
    mailer.send(Letter("ada@example.com", f"Hello{gap}Bcc: {EVIL}", "text", "<p>text</p>"))
    letter = office.letters[-1]
    assert letter["Bcc"] is None
    assert letter["Subject"].replace(" ", "") == f"HelloBcc:{EVIL}"
    assert letter["To"] == "ada@example.com"


@pytest.mark.parametrize(
    "address",
    [
        f"ada@example.com\r\nBcc: {EVIL}",
        f"ada@example.com\nBcc: {EVIL}",
        f"ada@example.com, {EVIL}",
        f"ada@example.com <{EVIL}>",
        "ada\r\n@example.com",
        f"ada{chr(0)}@example.com",
        "ada@",
        "ada",
        "",
        "@example.com",
    ],
)
def test_an_address_that_is_none_gets_no_letter(office: PostOffice, mailer: Mailer, address: str) -> None:
    before = len(office.letters)
    with pytest.raises(LetterRefused):
        mailer.send(Letter(address, "Hello", "text", "<p>text</p>"))
    assert len(office.letters) == before


def test_what_a_server_refuses_for_now_may_be_taken_later(office: PostOffice, mailer: Mailer) -> None:
    office.refusals.append("451 come back later")
    with pytest.raises(DependencyUnavailable):
        mailer.send(Letter("ada@example.com", "Hello", "text", "<p>text</p>"))


def test_what_a_server_refuses_for_good_is_said_to_be_so(office: PostOffice, mailer: Mailer) -> None:
    office.refusals.append("554 spam")
    with pytest.raises(LetterRefused) as refused:
        mailer.send(Letter("ada@example.com", "Hello", "text", "<p>text</p>"))
    assert "ada@example.com" not in str(refused.value)
