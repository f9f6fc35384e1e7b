"""A provider without a network: a transport that answers from a script."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.settings import ProviderKind, ProviderSettings
from flask_gatehouse.signin.attempt import Attempt, Purpose, begin_attempt
from flask_gatehouse.signin.call import Answer, Call

ISSUER = "https://provider.example"
REDIRECT_URI = "https://app.example.com/auth/authorize/example"
Script = Callable[[Call], Answer]


def provider_settings(**changes: Any) -> ProviderSettings:
    values = {
        "name": "example",
        "kind": ProviderKind.OIDC,
        "issuer": ISSUER,
        "client_id": "gatehouse",
        "client_secret": Secret("secret"),
        "label": "Example",
        "email_domains": frozenset({"example.com"}),
    }
    return ProviderSettings(**(values | changes))


def new_attempt(purpose: Purpose = Purpose.SIGN_IN) -> Attempt:
    return begin_attempt("example", next=None, purpose=purpose, session_id=None)


def response(content: Any, status: int = 200, **headers: str) -> Answer:
    """Return an answer; content that is not bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(status, [(name.replace("_", "-"), value) for name, value in headers.items()], body)


def form_of(call: Call) -> dict[str, str]:
    """Return the form that was sent, in which each name stands once."""
    pairs = parse_qsl((call.body or b"").decode(), strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


class Scripted:
    """Answers each address with what the script has for its path, and remembers what was asked.

    :param pages: for a path, the content of a JSON answer, an ``Answer`` or a function that makes one.
    """

    def __init__(self, pages: dict[str, Any]) -> None:
        self.pages = pages
        self.seen: list[Call] = []

    def send(self, call: Call) -> Answer:
        self.seen.append(call)
        page = self.pages[urlsplit(call.url).path]
        if callable(page):
            page = page(call)
        return page if isinstance(page, Answer) else response(page)

    def calls(self, path: str) -> int:
        return sum(1 for call in self.seen if urlsplit(call.url).path == path)
