"""A provider at the other end of a line, and people who come from it."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from requests import Response

from tests.conformance.hostile import ACCESS_TOKEN, CLIENT_ID, Exchange, HostileProvider, encoded, running_provider
from tests.nodes.people import Browser

from .line import Line, open_line

# Whoever's address begins like this is given a token that names a key of its own, by a long name.
UNKNOWN = "unknown"
LONG_NAME = 16_000


@dataclass(frozen=True, slots=True)
class FarProvider:
    """The provider ``far`` of a site.

    :param behind: a clock of its own, in seconds behind that of this machine.
    """

    server: HostileProvider
    line: Line
    behind: list[float] = field(default_factory=lambda: [0.0])

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GATEHOUSE_OIDC_FAR_ISSUER": self.server.issuer,
            "GATEHOUSE_OIDC_FAR_CLIENT_ID": CLIENT_ID,
            "GATEHOUSE_OIDC_FAR_CLIENT_SECRET": "far-secret",
            "GATEHOUSE_OIDC_FAR_EMAIL_DOMAINS": "*",
        }

    def begin(self, browser: Browser, email: str) -> str:
        """Go as far as the provider's page, and return the address with which it sends a person back."""
        sent = browser.get("/auth/login/far")
        assert sent.status_code == 302, sent.text
        asked = parse_qs(urlsplit(sent.headers["Location"]).query)
        # Here a code says what the ID token will: nobody keeps anything that parallel sign-ins would share.
        code = f"{email}~{asked['nonce'][0]}"
        return f"/auth/authorize/far?{urlencode({'state': asked['state'][0], 'code': code})}"

    def sign_in(self, browser: Browser, email: str) -> Response:
        return browser.get(self.begin(browser, email))

    def _answer_with_tokens(self, exchange: Exchange) -> None:
        email, _, nonce = exchange.form["code"].partition("~")
        now = time.time() - self.behind[0]
        claims = {"iss": self.server.issuer, "aud": CLIENT_ID, "sub": email, "email": email, "email_verified": True}
        claims |= {"iat": now, "exp": now + 300, "nonce": nonce}
        if email.startswith(UNKNOWN):
            header = {"alg": "RS256", "kid": unknown_key_id().ljust(LONG_NAME, "x")}
            id_token = f"{encoded(header)}.{encoded(claims)}.{encoded('signed by nobody')}"
        else:
            id_token = self.server.sign(claims)
        exchange.answer_json({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": id_token})


@contextmanager
def running_far_provider() -> Iterator[FarProvider]:
    with running_provider() as server, open_line(urlsplit(server.issuer).port or 0) as line:
        server.issuer, before = f"http://127.0.0.1:{line.port}", server.issuer
        for name, value in server.document.items():
            if isinstance(value, str):
                server.document[name] = value.replace(before, server.issuer)
        del server.document["userinfo_endpoint"]
        far = FarProvider(server, line)
        server.handlers["/token"] = far._answer_with_tokens
        yield far


def unknown_key_id() -> str:
    return secrets.token_hex(8)
