"""The address of a mail server: encrypted unless it is this machine, and never repeated in a message."""

import pytest

from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.settings.mail import MailServer, parse_mail_server


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, None, None, implicit_tls=False, plain=False)),
        ("smtps://mail.example", MailServer("mail.example", 465, None, None, implicit_tls=True, plain=False)),
        ("smtp://mail.example:2525", MailServer("mail.example", 2525, None, None, implicit_tls=False, plain=False)),
        (
            "smtps://ada%40corp:p%2Fw@mail.example/",
            MailServer("mail.example", 465, "ada@corp", Secret("p/w"), implicit_tls=True, plain=False),
        ),
        ("smtp://localhost:1025", MailServer("localhost", 1025, None, None, implicit_tls=False, plain=True)),
        ("smtps://[::1]", MailServer("::1", 465, None, None, implicit_tls=True, plain=False)),
    ],
)
def test_addresses(text: str, expected: MailServer) -> None:
    assert parse_mail_server(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        "mail.example:587",
        "https://canary@mail.example",
        "smtp://",
        "smtp://user:canary",
        "smtp://mail.example:canary",
        "smtp://mail.example:99999",
        "smtp://mail.example/canary",
        "smtp://mail.example?canary",
        "smtp://[canary",
    ],
)
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="must be smtp://") as caught:
        parse_mail_server(text)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
