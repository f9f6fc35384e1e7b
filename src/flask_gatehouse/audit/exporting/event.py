"""One event as the formats of an export take it."""

from dataclasses import dataclass
from typing import Any

from ..agreement import Row
from ..understanding import understood, values_beside


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """An event with its place; ``epoch`` and ``position`` are None where it has none yet."""

    origin: str | None
    epoch: int | None
    position: int | None
    row: Row

    @property
    def content(self) -> dict[str, Any]:
        """Return what the body says; nothing where it is not that of this event, as verification will tell."""
        content = understood(self.row.body)
        return content if content is not None and content["event"] == self.row.event else {}

    @property
    def personal(self) -> dict[str, str]:
        """Return the personal values that are still there."""
        return values_beside(self.row.personal)
