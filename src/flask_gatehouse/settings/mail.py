"""The address of a mail server, and of a mailbox."""

import re
from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from ..kernel.text import Secret

_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def parse_address(text: str) -> str:
    """Return one address of a mailbox.

    :raises ValueError: if it is none.
    """
    local, _, domain = text.strip().rpartition("@")
    if not local or not domain or not text.isprintable() or re.search(r"[\s,<>@]", local + domain):
        raise ValueError("must be one address, such as security@example.com")
    return text.strip()


def parse_sender(text: str) -> str:
    """Return an address, or a name and an address, as letters come from it.

    :raises ValueError: if it is none; a line break in it would be a header of its own.
    """
    try:
        parse_address(parseaddr(text)[1])
    except ValueError:
        raise ValueError("must be an address, such as Gate <gate@example.com>") from None
    if not text.isprintable():
        raise ValueError("must be one line")
    return text.strip()


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in.

    :param implicit_tls: whether the connection is encrypted from its first byte; otherwise after STARTTLS.
    :param plain: whether it is not encrypted at all: on this very machine alone.
    """

    host: str
    port: int
    user: str | None
    password: Secret | None
    implicit_tls: bool
    plain: bool


def parse_mail_server(text: str) -> MailServer:
    """Read ``smtps://user:password@host:465``, or ``smtp://…`` for STARTTLS.

    :raises ValueError: if it is none; the text, which may hold a password, is not repeated.
    """
    wrong = "must be smtp://user:password@host:587 or smtps://user:password@host:465"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Its own words would show what stands where a port should, which may be the password.
        raise ValueError(wrong) from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(wrong)
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else Secret(unquote(parts.password)),
        implicit_tls=parts.scheme == "smtps",
        # A password that goes over the network in the open belongs to whoever listens.
        plain=parts.scheme == "smtp" and parts.hostname in _LOOPBACK,
    )
