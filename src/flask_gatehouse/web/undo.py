"""What one click can do on a page without script, such as take something back: it goes with the next page's message."""

from datetime import timedelta
from typing import Any

from flask import flash, session

from ..kernel.clock import utc_now

_KEPT = "gatehouse.undo"
# Where a host shows the message on a page of its own, nobody asks for what belongs to it. In the cookie it takes the
# room of other things, and it would come with a later message that reads the same.
_LASTS = timedelta(minutes=10)


def flash_with_undo(message: str, undo: dict[str, Any] | None, *, category: str = "success") -> None:
    """Flash a message for the next page, with what takes back that of which it tells, or does it.

    :param undo: as the macro ``message`` wants it. It is kept apart from the flashed text, which a host may show on a
        page of its own.
    """
    flash(message, category)
    # One that is left from before would come with the next message that reads the same.
    session.pop(_KEPT, None)
    if undo is not None:
        session[_KEPT] = {"message": message, "undo": undo, "at": utc_now().timestamp()}


def undo_of(message: str) -> dict[str, Any] | None:
    """Return what a click on a flashed message does, once; None if nothing."""
    kept = session.get(_KEPT)
    if kept is None:
        return None
    if utc_now().timestamp() - kept["at"] > _LASTS.total_seconds():
        session.pop(_KEPT)
        return None
    # A page may show other messages before the one that it belongs to.
    if kept["message"] != message:
        return None
    undo: dict[str, Any] = session.pop(_KEPT)["undo"]
    return undo
