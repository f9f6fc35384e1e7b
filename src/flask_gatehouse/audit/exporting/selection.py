"""Which events an export holds: a query, as a reader of the file is told and as a database finds them."""

from typing import Any

from sqlalchemy import ColumnElement

from ..body import moment
from ..models import AuditEventRow
from ..search import TrailQuery
from ..walking import exactly

_events = AuditEventRow.__table__.c


class Selection:
    """A query as an export needs it.

    :ivar filters: what is asked for, as the header of an export says it; empty if everything is.
    :ivar conditions: what is true of every event that is asked for, and of no other; empty if everything is.
    """

    def __init__(self, query: TrailQuery | None = None) -> None:
        query = query or TrailQuery()
        asked = {
            "event": query.event,
            "id": query.event_id and str(query.event_id),
            "ip": query.ip,
            "outcome": query.outcome and query.outcome.value,
            "people": list(query.people),
            "request": query.request_id,
            "session": query.session_id,
            "since": query.since and f"{moment(query.since)}Z",
            "target": query.target and f"{query.target[0]}:{query.target[1]}",
            "until": query.until and f"{moment(query.until)}Z",
            "after": query.after,
            "before": query.before,
        }
        self.filters: dict[str, Any] = {name: value for name, value in asked.items() if value not in (None, [])}
        self.conditions = _conditions(query)


def _conditions(query: TrailQuery) -> list[ColumnElement[bool]]:
    kind, identifier = query.target or (None, None)
    said = {
        "event": query.event,
        "outcome": query.outcome,
        "ip": query.ip,
        "request_id": query.request_id,
        "session_id": query.session_id,
        "target_type": kind,
        "target_id": None if identifier is None else str(identifier),
    }
    conditions = [_events[name] == value for name, value in said.items() if value is not None]
    if query.people:
        was_met = (_events.target_type == "user") & _events.target_id.in_([str(person) for person in query.people])
        conditions.append(_events.actor_id.in_(query.people) | was_met)
    if (query.after, query.before) != (None, None):
        conditions.append(_events.id.between(*query.numbers))
    return [*conditions, *exactly(query, _events)]
