"""People at their browsers: they open pages, follow links, and send the forms that stand on them."""

import html
import itertools
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import requests
from requests import Response

from tests.processes import Node

PATIENCE_S = 120
SESSION_COOKIE = "gatehouse"
_numbers = itertools.count(1)


def new_address(word: str = "person", domain: str = "example.com") -> str:
    """Return an address that nobody has used in this run, so that tests can share a node."""
    return f"{word}{next(_numbers)}@{domain}"


class Browser:
    """One browser with its cookies. It follows no redirect by itself: where one leads is what tests ask.

    Cookies know no ports, so that a browser may go from one node to another as it would behind a balancer.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, *, at: Node | None = None, headers: Mapping[str, str] | None = None) -> Response:
        url = path if path.startswith("http") else f"{(at or self.node).base_url}{path}"
        return self.http.get(url, headers=headers, allow_redirects=False, timeout=PATIENCE_S)

    def post(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        at: Node | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Response:
        url = path if path.startswith("http") else f"{(at or self.node).base_url}{path}"
        return self.http.request(method, url, data=fields, headers=headers, allow_redirects=False, timeout=PATIENCE_S)

    def change(
        self, path: str, *, at: Node | None = None, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> Response:
        """Send a change as htmx or a script on the dashboard would: with the token that stands in its page."""
        token = csrf_token_of(self.get("/dashboard", at=at))
        return self.post(path, at=at, headers={"X-CSRFToken": token} | dict(headers or {}), method=method)

    def begin(self, next: str | None = None, *, path: str = "/auth/login/dev") -> Response:
        """Click on "sign in", and return the page of the embedded provider."""
        query = f"?{urlencode({'next': next})}" if next else ""
        sent = self.get(path + query)
        assert sent.status_code == 302, sent.text
        page = self.get(sent.headers["Location"])
        assert page.status_code == 200, page.text
        return page

    def choose(self, page: Response, email: str, name: str = "", misbehave: str | None = None) -> str:
        """Say who one is on the provider's page, and return the address of the callback with its code."""
        fields = hidden_fields(page.text) | {"email": email, "name": name}
        if misbehave:
            fields["misbehaviour"] = misbehave
        answer = self.post(page.url, fields)
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["Location"]

    def arrive(self, callback: str, *, at: Node | None = None, headers: Mapping[str, str] | None = None) -> Response:
        """Follow the provider's redirect back, to this node or to another."""
        return self.get(at_node(callback, self.node, at or self.node), headers=headers)

    def sign_in(self, email: str, name: str = "", *, misbehave: str | None = None, next: str | None = None) -> Response:
        """Sign in at this node as whoever this is, and return what the callback answers."""
        return self.arrive(self.choose(self.begin(next), email, name, misbehave))

    def confirm(self, email: str, *, misbehave: str | None = None, next: str = "/account") -> Response:
        """Answer "is it you?", and return what the callback answers."""
        return self.arrive(self.choose(self.begin(next, path="/auth/confirm"), email, misbehave=misbehave))

    def sign_out(self, *, at: Node | None = None) -> Response:
        page = self.get("/auth/logout", at=at)
        return self.post("/auth/logout", hidden_fields(page.text), at=at)

    def is_signed_in(self, *, at: Node | None = None) -> bool:
        """Return whether the dashboard opens. Anything but that and the way to the sign-in page is an error."""
        page = self.get("/dashboard", at=at)
        if page.status_code == 200:
            return True
        assert page.status_code == 302, page.text
        assert "/auth/login" in page.headers["Location"]
        return False

    @property
    def session_token(self) -> str:
        value = self.cookies[SESSION_COOKIE]
        assert value
        return value

    @session_token.setter
    def session_token(self, token: str) -> None:
        """Put a copied session cookie into this browser, as a thief would."""
        with suppress(KeyError):
            self.http.cookies.clear("localhost.local", "/", SESSION_COOKIE)
        self.http.cookies.set(SESSION_COOKIE, token, domain="localhost.local", path="/")

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies}

    def attempt_cookies(self) -> list[str]:
        """Return the names of the cookies of sign-ins that are under way."""
        return [name for name in self.cookies if name.startswith(f"{SESSION_COOKIE}-attempt-")]


def at_node(url: str, base: Node, node: Node) -> str:
    """Return an absolute address as another node would be asked for it behind a balancer."""
    return url.replace(base.base_url, node.base_url, 1)


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the first form in the page's own part."""
    form = re.search(r"<form.*?</form>", page.partition("<main")[2], re.DOTALL)
    assert form is not None, page
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return {html.unescape(name): html.unescape(value) for name, value in found}


def csrf_token_of(page: Response) -> str:
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def reason_of(page: Response) -> str | None:
    """Return the reason code that a page of refusal shows, or None if it shows none."""
    found = re.search(r"Reason <code>([a-z_]+)</code>", page.text)
    return found[1] if found else None


def set_cookies_of(response: Response) -> list[str]:
    """Return the Set-Cookie headers one by one; ``requests`` joins them."""
    raw: Any = response.raw
    return list(raw.headers.getlist("Set-Cookie"))
