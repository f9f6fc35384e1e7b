"""Recording that somebody reads what the trail or a session says of others: once for a while and the same question."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from ..db.database import Database
from ..kernel.clock import utc_now
from ..kernel.context import Actor
from .events import AuditEvent
from .reading import holds, read_page
from .search import TrailQuery
from .service import record

# For so long, asking the same again is one reading.
WHILE = timedelta(minutes=5)
# Filters that can be any text.
_TEXTS = {"event", "request", "session", "target"}


def record_reading(database: Database, actor: Actor, details: Mapping[str, Any], *, person: int | None = None) -> None:
    """Record that a person reads about others, and commit that before she is shown anything.

    :param details: what she asks for, without anything personal; whatever makes it another question is in it.
    :param person: the user of whom everything is shown; None for the trail itself.
    :raises DependencyUnavailable: if it cannot be written down. What cannot be recorded is not shown.
    """
    if actor.user_id is None:
        return
    query = TrailQuery(people=(actor.user_id,), event=AuditEvent.SENSITIVE_READ, since=utc_now() - WHILE)
    with database.reading() as connection:
        earlier = read_page(connection, query).events
    if any(event.content["details"] == details for event in earlier):
        return
    with database.transaction() as db:
        resource = None if person is None else ("user", person)
        record(AuditEvent.SENSITIVE_READ, resource=resource, details=details, session=db, actor=actor)


def lasting(connection: Connection, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters as an event may say them for good: a text only if the trail says it already, and True otherwise.

    Somebody's address in the wrong field would stay in the trail beyond her erasure, which reaches no details.

    :param filters: as an export says them, without a network address.
    """
    return {
        name: value if name not in _TEXTS or _is_said(connection, name, value) else True
        for name, value in filters.items()
    }


def _is_said(connection: Connection, name: str, value: str) -> bool:
    if name == "event" and value in set(AuditEvent):
        return True
    kind, _colon, identifier = value.partition(":") if name == "target" else ("session", ":", value)
    about = {"event": TrailQuery(event=value), "request": TrailQuery(request_id=value)}
    return holds(connection, about.get(name, TrailQuery(target=(kind, identifier))))
