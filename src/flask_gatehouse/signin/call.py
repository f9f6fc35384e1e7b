"""One call to a provider and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import strict_json


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a provider.

    :param headers: all but ``Host`` and ``Content-Length``, which are those of the address and of the body.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's whole answer.

    :param headers: names and values as they came.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of a header, or of all of that name (RFC 9110 §5.3); empty if there is none."""
        return ", ".join(value for other, value in self.headers if other.lower() == name.lower())

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


class Transport(Protocol):
    """Whatever stands in for the network: a provider in this process, whose answers nobody has to wait for."""

    def send(self, call: Call) -> Answer:
        """Return the answer.

        :raises OSError: if there is none, like ``ValueError`` and ``http.client.HTTPException``.
        """
