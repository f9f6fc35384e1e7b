"""A deployment as a stranger meets it: requests of any shape, and answers that are read as they came."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from secrets import token_hex
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from ...signin.connection import trusted_authorities

# Seconds for each step of a request; a check as a whole has its own deadline.
TIMEOUT_S = 8.0
_LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    :param headers: as they came, each of those that come more than once.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    @property
    def location(self) -> str:
        return self.get("Location") or ""

    def parameter(self, name: str) -> str | None:
        """Return a parameter of the address that it leads to."""
        return next(iter(parse_qs(urlsplit(self.location).query).get(name, [])), None)


@dataclass(slots=True)
class Site:
    """Where a deployment answers.

    :param url: scheme and host.
    :param prefix: below which our pages are.
    :param plain_url: where the same host answers without TLS.
    """

    url: str
    prefix: str
    plain_url: str
    _begun: dict[str, Reply] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (443 if self.is_secure else 80)

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https://")

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", host: str | None = None
    ) -> Reply:
        """Ask for a path below the prefix, once, and follow nowhere.

        :param host: another name than the one that is asked.
        :raises OSError: if there is no answer.
        """
        return self._ask(self.url, f"{self.prefix}{path}", method, headers or {}, host)

    def ask_plainly(self, path: str) -> Reply:
        """Ask the same without TLS."""
        return self._ask(self.plain_url, f"{self.prefix}{path}", "GET", {}, None)

    def begin_sign_in(self, provider: str) -> Reply:
        """Return how a sign-in begins; asked once for all checks, which would use up what strangers are allowed."""
        with self._lock:
            if provider not in self._begun:
                self._begun[provider] = self.ask(f"/auth/login/{provider}")
            return self._begun[provider]

    def _ask(self, base: str, target: str, method: str, headers: Mapping[str, str], host: str | None) -> Reply:
        parts = urlsplit(base)
        connection: HTTPConnection
        if parts.scheme == "https":
            connection = HTTPSConnection(
                parts.hostname or "", parts.port, timeout=TIMEOUT_S, context=trusted_authorities()
            )
        else:
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            said = {"Host": host or parts.netloc, "User-Agent": "gatehouse doctor", "Connection": "close", **headers}
            if method != "GET":
                said.setdefault("Content-Length", "0")
            for name, value in said.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read(_LARGEST).decode("utf-8", "replace")
            return Reply(answer.status, tuple(answer.getheaders()), body)
        except HTTPException as error:
            raise OSError(0, f"no answer in HTTP ({type(error).__name__})") from error
        except socket.gaierror as error:
            raise OSError(0, f"the name {parts.hostname} leads nowhere") from error
        finally:
            connection.close()


def made_up() -> str:
    """Return something that nobody has ever said, so that it is found again."""
    return f"doctor{token_hex(8)}"
