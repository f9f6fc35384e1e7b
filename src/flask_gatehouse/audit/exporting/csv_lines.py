"""Events as lines of CSV (RFC 4180), for spreadsheets: nothing in them is taken for a formula."""

import csv
import io
from typing import Any

from ..body import canonical
from .event import ExportedEvent

COLUMNS = (
    *("epoch", "position", "id", "at", "event", "outcome", "reason", "actor_kind", "actor_id", "session_id"),
    *("target_type", "target_id", "request_id", "node", "ip", "user_agent", "personal", "change", "details"),
)
# A spreadsheet runs what begins so (OWASP, CSV Injection). Some of them read full-width signs as the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SHOWN_APART = ("ip", "user_agent")


def csv_line(event: ExportedEvent) -> str:
    """Return one event; a value that begins like a formula has an apostrophe before it."""
    row, content, personal = event.row, event.content, event.personal
    others = {field: value for field, value in personal.items() if field not in _SHOWN_APART}
    cells = (
        *(event.epoch, event.position, content.get("id"), f"{row.at}Z", row.event, row.outcome, content.get("reason")),
        *(row.actor_kind, row.actor_id, row.session_id, row.target_type, row.target_id, row.request_id),
        *(content.get("node"), *(personal.get(field) for field in _SHOWN_APART)),
        *(canonical(value) if value else None for value in (others, content.get("change"), content.get("details"))),
    )
    return _line(cells)


def _line(cells: tuple[Any, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([_harmless(cell) for cell in cells])
    return line.getvalue()


def _harmless(cell: object) -> str:
    """Return a cell as text that a spreadsheet shows and does not run."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


CSV_HEADER = _line(COLUMNS)
