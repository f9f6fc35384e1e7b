"""What one click can do on a page without script, such as take something back: it goes with the next page's message."""

from datetime import timedelta
from typing import Any

from flask import flash, get_flashed_messages, session

from ..kernel.clock import utc_now

_KEPT = "gatehouse.undo"
# Where a host shows the message on a page of its own, nobody asks for what belongs to it. In the cookie it takes the
# room of other things, and it would come with a later message that reads the same: a later page of ours drops it.
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


def flashed() -> list[tuple[str, str, dict[str, Any] | None]]:
    """Return what was flashed for this page: of each message its category, its text, and what a click on it does."""
    kept = session.get(_KEPT)
    # A cookie that was made before an upgrade may not say when.
    if kept is not None and utc_now().timestamp() - kept.get("at", 0) > _LASTS.total_seconds():
        session.pop(_KEPT)
    messages: list[Any] = get_flashed_messages(with_categories=True)
    return [(category, message, _undo_of(message)) for category, message in messages]


def _undo_of(message: str) -> dict[str, Any] | None:
    kept = session.get(_KEPT)
    # A page may show other messages before the one that it belongs to.
    if kept is None or kept["message"] != message:
        return None
    undo: dict[str, Any] = session.pop(_KEPT)["undo"]
    return undo
