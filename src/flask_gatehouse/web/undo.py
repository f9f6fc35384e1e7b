"""Taking something back on a page without script: what goes with the message that the next page shows."""

from typing import Any

from flask import flash, session

_KEPT = "gatehouse.undo"


def flash_with_undo(message: str, undo: dict[str, Any] | None) -> None:
    """Flash a message of success for the next page, with what takes it back.

    :param undo: as the macro ``message`` wants it. It is kept apart from the flashed text, which a host may show on a
        page of its own.
    """
    flash(message, "success")
    if undo is not None:
        session[_KEPT] = {"message": message, "undo": undo}


def undo_of(message: str) -> dict[str, Any] | None:
    """Return what takes back that of which a flashed message tells, once; None if nothing does."""
    kept = session.pop(_KEPT, None)
    if kept is None or kept["message"] != message:
        return None
    undo: dict[str, Any] = kept["undo"]
    return undo
