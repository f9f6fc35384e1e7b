"""What one click can do on a page without script, such as take something back: it goes with the next page's message."""

from typing import Any

from flask import flash, session

_KEPT = "gatehouse.undo"


def flash_with_undo(message: str, undo: dict[str, Any] | None, *, category: str = "success") -> None:
    """Flash a message for the next page, with what takes back that of which it tells, or does it.

    :param undo: as the macro ``message`` wants it. It is kept apart from the flashed text, which a host may show on a
        page of its own.
    """
    flash(message, category)
    # One that is left from before would come with the next message that reads the same.
    session.pop(_KEPT, None)
    if undo is not None:
        session[_KEPT] = {"message": message, "undo": undo}


def undo_of(message: str) -> dict[str, Any] | None:
    """Return what a click on a flashed message does, once; None if nothing."""
    kept = session.get(_KEPT)
    # A page may show other messages before the one that it belongs to.
    if kept is None or kept["message"] != message:
        return None
    undo: dict[str, Any] = session.pop(_KEPT)["undo"]
    return undo
