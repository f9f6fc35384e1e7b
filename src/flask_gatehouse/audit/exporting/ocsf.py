"""Events in the Open Cybersecurity Schema Framework, for systems that collect what happens everywhere.

What OCSF has no word for is under ``unmapped``, the event's place in the tree among it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..events import Outcome
from ..tree import leaf_hash
from .event import ExportedEvent
from .ocsf_classes import CATEGORY_NAMES, CLASS_NAMES, OTHER, VERSION, Class, kind_of

_PRODUCT = {"name": "Flask-Gatehouse", "uid": "flask-gatehouse", "vendor_name": "Flask-Gatehouse"}
_UNKNOWN_USER = {"name": "unknown", "type_id": 0, "type": "Unknown"}
# What an event without a target is about: the trail, of which one part was read, cut or erased.
_TRAIL = {"name": "audit trail", "type": "audit trail"}
_SUCCEEDED = {"status_id": 1, "status": "Success"}
_FAILED = {"status_id": 2, "status": "Failure"}


def as_ocsf(event: ExportedEvent) -> dict[str, Any]:
    """Return an event as an object of the class that :func:`~.ocsf_classes.kind_of` says, with what that requires."""
    row, content = event.row, event.content
    # Octets, which SQLite keeps in a column of texts if somebody puts them there, are no name of ours.
    kind = kind_of(str(row.event))
    number, category = int(kind.class_uid), int(kind.class_uid) // 1000
    said = {
        "activity_id": kind.activity_id,
        "activity_name": kind.activity_name,
        "category_name": CATEGORY_NAMES[category],
        "category_uid": category,
        "class_name": CLASS_NAMES[kind.class_uid],
        "class_uid": number,
        "type_name": f"{CLASS_NAMES[kind.class_uid]}: {'Other' if kind.activity_id == OTHER else kind.activity_name}",
        "type_uid": number * 100 + kind.activity_id,
        "message": row.event,
        "metadata": _metadata(event, content),
        "severity": kind.severity.name.capitalize(),
        "severity_id": int(kind.severity),
        "status_code": row.outcome,
        "status_detail": content.get("reason"),
        "time": _milliseconds(row.at),
        "timezone_offset": 0,
        "actor": _actor(event),
        "unmapped": _unmapped(event, content),
        **(_SUCCEEDED if row.outcome == Outcome.SUCCESS else _FAILED),
        **_PARTS[kind.class_uid](event, content),
    }
    return {name: value for name, value in said.items() if value not in (None, {})}


def _milliseconds(at: str) -> int:
    """Return when that was; 0 for what is no moment, as somebody may have stored, whose text stands beside it."""
    try:
        return int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return 0


def _present(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _metadata(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    return _present(
        version=VERSION,
        product=_PRODUCT,
        uid=content.get("id"),
        event_code=event.row.event,
        correlation_uid=event.row.request_id,
        log_name=event.origin,
        log_provider=content.get("node"),
        original_time=f"{event.row.at}Z",
        sequence=event.position,
    )


def _actor(event: ExportedEvent) -> dict[str, Any]:
    row = event.row
    session = None if row.session_id is None else {"uid": row.session_id}
    if row.actor_id is not None:
        return _present(user=_user(row.actor_id), session=session)
    # An actor is a user, a process, or an application of this name.
    return _present(app_name=row.actor_kind, session=session)


def _unmapped(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    shown = {"ip", "user_agent"}
    others = {field: value for field, value in event.personal.items() if field not in shown}
    return _present(
        epoch=event.epoch,
        position=event.position,
        leaf=leaf_hash((event.row.body or "").encode(errors="surrogateescape")).hex(),
        details=content.get("details") or None,
        change=content.get("change") or None,
        personal=others or None,
        target=content.get("target"),
    )


def _user(number: str) -> dict[str, Any]:
    return {"uid": number, "type_id": 1, "type": "User"}


def _user_meant(event: ExportedEvent) -> dict[str, Any]:
    """Return whom an event is about: its target, else who did it."""
    row = event.row
    if row.target_type == "user" and row.target_id is not None:
        return _user(row.target_id)
    return _user(row.actor_id) if row.actor_id is not None else dict(_UNKNOWN_USER)


def _from_where(event: ExportedEvent) -> dict[str, Any]:
    personal = event.personal
    return _present(
        src_endpoint=_present(ip=personal.get("ip")) or None,
        http_request=_present(uid=event.row.request_id, user_agent=personal.get("user_agent")) or None,
    )


def _account_change(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    return _from_where(event) | {"user": _user_meant(event)}


def _authentication(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    details = content.get("details", {})
    session = event.row.target_id if event.row.target_type == "session" else event.row.session_id
    return _from_where(event) | _present(
        user=_user_meant(event),
        service=_present(name=_PRODUCT["name"], uid=details.get("provider")),
        session=None if session is None else {"uid": session},
        is_remote=True,
    )


def _authorize_session(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    session = event.row.target_id if event.row.target_type == "session" else event.row.session_id
    return _present(user=_user_meant(event), session=None if session is None else {"uid": session})


def _user_access(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    role = (content.get("change", {}).get("role") or [None, "admin"])[1]
    return {"user": _user_meant(event), "privileges": [str(role)]}


def _entity(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    row = event.row
    return {"entity": _TRAIL if row.target_type is None else _present(type=row.target_type, uid=row.target_id)}


def _lifecycle(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    return {"app": _PRODUCT}


def _api(event: ExportedEvent, content: dict[str, Any]) -> dict[str, Any]:
    row, details = event.row, content.get("details", {})
    route, method = details.get("route"), details.get("method")
    operation = f"{method} {route}" if route and method else row.event
    where = _from_where(event)
    resource = None if row.target_type is None else [_present(type=row.target_type, uid=row.target_id)]
    # The class requires one; what a program did itself came from the machine that it ran on.
    source = where.pop("src_endpoint", None) or {"name": content.get("node") or "unknown"}
    return where | _present(api={"operation": operation}, src_endpoint=source, resources=resource)


_PARTS: dict[Class, Callable[[ExportedEvent, dict[str, Any]], dict[str, Any]]] = {
    Class.ACCOUNT_CHANGE: _account_change,
    Class.AUTHENTICATION: _authentication,
    Class.AUTHORIZE_SESSION: _authorize_session,
    Class.ENTITY_MANAGEMENT: _entity,
    Class.USER_ACCESS: _user_access,
    Class.APPLICATION_LIFECYCLE: _lifecycle,
    Class.API_ACTIVITY: _api,
}
