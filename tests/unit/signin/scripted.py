"""A provider without a network: a transport that answers from a script."""

import io
import json
from collections.abc import Callable
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.settings import ProviderKind, ProviderSettings
from flask_gatehouse.signin.attempt import Attempt, Purpose, begin_attempt

ISSUER = "https://provider.example"
REDIRECT_URI = "https://app.example.com/auth/authorize/example"
Script = Callable[[PreparedRequest], Response]


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


def response(content: Any, status: int = 200, **headers: str) -> Response:
    """Return an answer; content that is not bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = Response()
    answer.status_code = status
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    answer.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    return answer


class Scripted(BaseAdapter):
    """Answers each address with what the script has for its path, and remembers what was asked.

    :param pages: for a path, the content of a JSON answer, a ``Response`` or a function that makes one.
    """

    def __init__(self, pages: dict[str, Any]) -> None:
        super().__init__()
        self.pages = pages
        self.seen: list[PreparedRequest] = []
        self.options: dict[str, Any] = {}

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        self.seen.append(request)
        self.options = options
        page = self.pages[request.path_url.partition("?")[0]]
        if callable(page):
            page = page(request)
        return page if isinstance(page, Response) else response(page)

    def calls(self, path: str) -> int:
        return sum(1 for request in self.seen if request.path_url == path)

    def close(self) -> None:
        raise AssertionError("a transport that was handed in belongs to whoever made it")
