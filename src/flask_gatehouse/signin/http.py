"""Calls to identity providers that end: within a deadline, within a size, at the address that was asked."""

import logging
import threading
from collections.abc import Mapping
from http.client import HTTPException
from urllib.parse import urlencode

from .call import Answer, Call, Transport
from .connection import exchange
from .deadline import Deadline
from .errors import ProviderUnavailable
from .names import Names

# All times are in seconds. The deadline bounds a whole call, name resolution and dripping headers included.
DEADLINE = 8.0
# Calls to one provider that may be under way in this process: one that hangs must not take every worker.
SLOTS = 4
# A rush of sign-ins may wait this long for a slot, as long as the provider answers in time.
PATIENCE = 1.0
# Sizes are in bytes. Real documents are below a tenth of these.
DOCUMENT_LIMIT = 64 * 1024
ANSWER_LIMIT = 32 * 1024
# "Come back later" is said with these besides 5xx: request timeout, too early, too many requests.
_LATER = frozenset({408, 425, 429})
# What ``connection.exchange`` raises, and a transport.
_FAILURES = (OSError, HTTPException, ValueError)

_log = logging.getLogger(__name__)


class ProviderHttp:
    """The way to one provider, and an end to whatever is on it.

    :param issuer: addresses below it are answered by ``transport``, if there is one.
    :param transport: stands in for the network, for a provider inside this process.
    :param deadline: seconds for each call.
    :param slots: calls that may be under way at once.
    """

    def __init__(
        self,
        provider: str,
        issuer: str,
        transport: Transport | None = None,
        *,
        deadline: float = DEADLINE,
        slots: int = SLOTS,
    ) -> None:
        self.provider = provider
        self._below = f"{issuer.rstrip('/')}/"
        self._transport = transport
        self._deadline = deadline
        self._slots = threading.BoundedSemaphore(slots)
        self._names = Names(slots)
        self._overdue = False

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch an address.

        :param limit: bytes that the answer may have.
        :raises ProviderUnavailable: if no answer of that size arrives in time, or the provider reports a failure.
        """
        return self._call(Call("GET", url, _headers(headers)), limit)

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str], *, limit: int) -> Answer:
        """Send a form. Parameters and errors are those of ``get``."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._call(Call("POST", url, _headers(kind | dict(headers)), urlencode(form).encode()), limit)

    def _call(self, call: Call, limit: int) -> Answer:
        # While calls run out of time, whoever finds all slots taken is not made to wait as well.
        if not self._slots.acquire(timeout=0 if self._overdue else PATIENCE):
            raise self._unavailable("too many calls under way")
        deadline = Deadline(self._deadline)
        try:
            answer = self._answer(call, limit, deadline)
        except _FAILURES as error:
            raise self._unavailable("no answer in time" if deadline.has_passed else type(error).__name__) from error
        finally:
            self._overdue = deadline.has_passed
            self._slots.release()
        if answer.status >= 500 or answer.status in _LATER:
            raise self._unavailable(f"status {answer.status}")
        return answer

    def _answer(self, call: Call, limit: int, deadline: Deadline) -> Answer:
        if self._transport is not None and call.url.startswith(self._below):
            answer = self._transport.send(call)
        else:
            answer = exchange(call, limit, self._names, deadline)
        if len(answer.body) > limit:
            raise ValueError("the answer is too big")
        if answer.header("Content-Encoding").lower() not in {"", "identity"}:
            raise ValueError("the answer is compressed, which was not asked for")
        return answer

    def _unavailable(self, why: str) -> ProviderUnavailable:
        _log.warning("Provider %s is not available: %s", self.provider, why)
        return ProviderUnavailable(self.provider)


def _headers(more: Mapping[str, str] | None) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "Flask-Gatehouse",
        **(more or {}),
    }
