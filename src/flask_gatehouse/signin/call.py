"""One call to a provider and its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from requests import PreparedRequest
from requests.adapters import BaseAdapter
from urllib3.exceptions import HTTPError

from . import strict_json
from .connection import CONNECT_TIMEOUT, READ_TIMEOUT, SocketHolder

# What requests and urllib3 raise; RequestException is an OSError.
FAILURES = (OSError, HTTPError, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's whole answer; its status is below 500."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the JSON of a successful answer.

        :raises ValueError: if the status is not 200 or the body is not JSON.
        """
        if self.status != 200:
            raise ValueError(f"status {self.status}")
        return strict_json.loads(self.body)

    def json_object(self) -> dict[str, Any] | None:
        """Return the JSON object of a successful answer; None if it is anything else."""
        try:
            document = self.json()
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


class Call(SocketHolder):
    """A call on a thread of its own, because nothing else bounds name resolution and dripping headers.

    :param limit: bytes that the answer may have.
    :param finished: called when the thread ends, which may be after the caller has given up.
    """

    def __init__(
        self, request: PreparedRequest, limit: int, adapter: BaseAdapter, finished: Callable[[], None]
    ) -> None:
        super().__init__(name="gatehouse-provider-call", daemon=True)
        self.answer: Answer | None = None
        self.failure = "the call broke off"
        self._request, self._limit, self._adapter, self._finished = request, limit, adapter, finished

    def run(self) -> None:
        try:
            self.answer = self._exchange()
        except FAILURES as error:
            self.failure = type(error).__name__
        finally:
            self._finished()

    def _exchange(self) -> Answer:
        # Not Session.send, which reads the body of a redirect to its end, however long it is.
        timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
        response = self._adapter.send(self._request, stream=True, timeout=timeout, verify=True)
        try:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise ValueError("the answer is compressed, which was not asked for")
            body = bytearray()
            for part in response.iter_content(4096):
                body += part
                if len(body) > self._limit:
                    raise ValueError("the answer is too big")
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            response.close()
