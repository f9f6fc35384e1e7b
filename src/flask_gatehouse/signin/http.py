"""Calls to identity providers that end: within a deadline, within a size, at the address that was asked."""

import logging
import threading
from collections.abc import Mapping
from urllib.parse import urlencode

from requests import Request
from requests.adapters import BaseAdapter

from .call import FAILURES, Answer, Call
from .connection import DirectAdapter
from .errors import ProviderUnavailable

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

_log = logging.getLogger(__name__)


class ProviderHttp:
    """The way to one provider: no proxies or credentials from the environment, no redirects, TLS verified.

    :param issuer: addresses below it are answered by ``transport``, if there is one.
    :param transport: stands in for the network, for a provider inside this process.
    :param deadline: seconds for each call.
    :param slots: calls that may be under way at once.
    """

    def __init__(
        self,
        provider: str,
        issuer: str,
        transport: BaseAdapter | None = None,
        *,
        deadline: float = DEADLINE,
        slots: int = SLOTS,
    ) -> None:
        self.provider = provider
        self._below = f"{issuer.rstrip('/')}/"
        self._transport = transport
        self._deadline = deadline
        self._slots = threading.BoundedSemaphore(slots)
        self._overdue = False

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch an address.

        :param limit: bytes that the answer may have.
        :raises ProviderUnavailable: if no answer of that size arrives in time, or the provider reports a failure.
        """
        return self._call(Request("GET", url, headers=_headers(headers)), limit)

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str], *, limit: int) -> Answer:
        """Send a form. Parameters and errors are those of ``get``."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Request("POST", url, data=urlencode(form), headers=_headers(kind | dict(headers)))
        return self._call(request, limit)

    def _call(self, request: Request, limit: int) -> Answer:
        try:
            prepared = request.prepare()
        except FAILURES as error:
            raise self._unavailable("an address that cannot be called") from error
        # While calls run out of time, whoever finds all slots taken is not made to wait as well.
        if not self._slots.acquire(timeout=0 if self._overdue else PATIENCE):
            raise self._unavailable("too many calls under way")
        call = Call(prepared, limit, self._adapter(prepared.url or ""), self._slots.release)
        try:
            call.start()
        except RuntimeError as error:
            self._slots.release()
            raise self._unavailable("no thread can be started") from error
        call.join(self._deadline)
        self._overdue = call.is_alive()
        if self._overdue:
            # Whatever arrives from now on is not looked at: a body that was cut off may look whole.
            call.abandon()
            raise self._unavailable("no answer in time")
        if call.answer is None:
            raise self._unavailable(call.failure)
        if call.answer.status >= 500 or call.answer.status in _LATER:
            raise self._unavailable(f"status {call.answer.status}")
        return call.answer

    def _adapter(self, url: str) -> BaseAdapter:
        return self._transport if self._transport and url.startswith(self._below) else DirectAdapter()

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
