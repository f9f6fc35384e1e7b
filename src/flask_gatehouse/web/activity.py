"""A person's security activity: for herself on her account, and for administrators on hers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask import jsonify, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ..accounts.names import find_names
from ..accounts.service import get_user
from ..audit.activity import Activity, read_activity
from ..audit.events import AuditEvent, Outcome
from ..audit.reading import TrailEvent
from ..audit.watching import record_reading
from ..sessions.rules import BY_TIME, EndReason
from ..sessions.telling import newest_sessions
from .actor import actor, signed_in
from .audit_names import event_name
from .audit_shown import actor_of, people_in
from .htmx import wants_json, wants_part
from .labels import device_in_words, role_in_words
from .language import text
from .paging import asked_places
from .state import state

_NOISE = {
    (AuditEvent.SESSION_REVOKED, EndReason.REPLACED),
    *((AuditEvent.SESSION_USE_AFTER_EXPIRE, reason) for reason in BY_TIME),
}


@dataclass(frozen=True, slots=True)
class ShownActivity:
    """One event as its person reads it.

    :param by: who did it, if it was not she.
    :param device: from which browser, where that is hers to know.
    """

    name: str
    outcome: Outcome
    occurred_at: datetime
    by: str | None
    device: str | None
    ip: str | None
    change: str | None


def my_activity() -> ResponseReturnValue:
    return _answer(signed_in().user_id, "gatehouse.my_activity", {})


def user_activity(user_id: int) -> ResponseReturnValue:
    return _answer(user_id, "gatehouse.user_activity", {"user_id": user_id})


def note_reading(user_id: int) -> None:
    """Record that somebody reads of a person's sessions and her activity, if it is not herself."""
    if user_id != signed_in().user_id:
        record_reading(state().database, actor(), {"resource": "user", "person": user_id}, person=user_id)


def activity_panel(
    connection: Connection, user_id: int, address: Callable[..., str], before: int | None = None
) -> dict[str, Any]:
    """Return what the panel of one person's activity is made of.

    :param address: makes the address of a further page, which begins ``before`` an event.
    """
    page = read_activity(connection, user_id, newest_sessions(connection, user_id), before=before)
    older = None if page.next is None else address(before=page.next)
    return {"activity": _shown(connection, user_id, page), "older_url": older}


def _answer(user_id: int, endpoint: str, values: dict[str, Any]) -> ResponseReturnValue:
    (before,), address = asked_places("before"), partial(url_for, endpoint, **values)
    with state().database.reading() as connection:
        user = get_user(connection, user_id)
    note_reading(user_id)
    with state().database.reading() as connection:
        if wants_json():
            page = read_activity(connection, user_id, newest_sessions(connection, user_id), before=before)
            return jsonify(events=[_fields(event, user_id) for event in page.events], next=page.next)
        panel = activity_panel(connection, user_id, address, before)
    if wants_part():
        return render_template("gatehouse/account/_activity_rows.html", is_more=True, **panel)
    own = user_id == signed_in().user_id
    back = url_for("gatehouse.account") if own else url_for("gatehouse.user", user_id=user_id)
    return render_template(
        "gatehouse/account/activity.html", user=user, own=own, back_url=back, is_first=before is None, **panel
    )


def _shown(connection: Connection, user_id: int, page: Activity) -> list[ShownActivity]:
    events = [event for event in page.events if not _is_noise(event)]
    names = find_names(connection, {person for event in events for person in people_in(event.content)})
    return [_one(event, user_id, names) for event in events]


def _one(event: TrailEvent, user_id: int, names: dict[int, str]) -> ShownActivity:
    is_visible = _is_visible(event, user_id)
    return ShownActivity(
        name=event_name(event.content["event"]),
        outcome=Outcome(event.content["outcome"]),
        occurred_at=event.occurred_at,
        by=None if is_visible else actor_of(event.content, names).label,
        device=device_in_words(event.personal["user_agent"]) if is_visible and "user_agent" in event.personal else None,
        ip=event.personal.get("ip") if is_visible else None,
        change=_change(event),
    )


def _is_visible(event: TrailEvent, user_id: int) -> bool:
    """Return whether the browser and the network of an event are hers to know: not those of an administrator."""
    actor = event.content["actor"]
    return bool(actor["id"] == user_id or actor["kind"] == "anonymous")


def _is_noise(event: TrailEvent) -> bool:
    """Return whether it says nothing that she need know: a sign-in has replaced a session, or a tab was left open."""
    return (event.content["event"], event.content["reason"]) in _NOISE


def _change(event: TrailEvent) -> str | None:
    roles = (event.content.get("change") or {}).get("role")
    if not roles or len(roles) != 2 or None in roles:
        return None
    before, after = (role_in_words(role) for role in roles)
    return text("From %(before)s to %(after)s", before=before, after=after)


def _fields(event: TrailEvent, user_id: int) -> dict[str, Any]:
    visible = _is_visible(event, user_id)
    return {
        "number": event.number,
        "occurred_at": event.occurred_at.isoformat(),
        "event": event.content["event"],
        "outcome": event.content["outcome"],
        "reason": event.content["reason"],
        "by": event.content["actor"]["id"],
        "ip": event.personal.get("ip") if visible else None,
        "user_agent": event.personal.get("user_agent") if visible else None,
    }
