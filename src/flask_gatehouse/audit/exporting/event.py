"""One event as the formats of an export take it."""

import json
from dataclasses import dataclass
from typing import Any

from ..agreement import Row
from ..content import Disagreement, UnknownVersion, content_of


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """An event with its place; ``epoch`` and ``position`` are None where it has none yet."""

    origin: str | None
    epoch: int | None
    position: int | None
    row: Row

    @property
    def content(self) -> dict[str, Any]:
        """Return what the body says; nothing where somebody has made another text of it, as verification will tell."""
        try:
            content = content_of(self.row.body or "")
        except (Disagreement, UnknownVersion):
            return {}
        return content if all(isinstance(content[part], dict) for part in ("change", "details", "personal")) else {}

    @property
    def personal(self) -> dict[str, str]:
        """Return the personal values that are still there."""
        return {field: entry["value"] for field, entry in kept_beside(self.row).items() if "value" in entry}


def kept_beside(row: Row) -> dict[str, dict[str, str]]:
    """Return the personal values of an event with their salts; nothing where the column holds something else."""
    try:
        kept = json.loads(row.personal or "{}")
    except (ValueError, RecursionError):
        return {}
    is_readable = isinstance(kept, dict) and all(isinstance(entry, dict) for entry in kept.values())
    return kept if is_readable else {}
