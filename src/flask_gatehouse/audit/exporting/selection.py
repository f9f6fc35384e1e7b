"""Which events an export holds: a query of the trail, decided row by row in the order of the tree."""

from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from ..agreement import Row
from ..search import TrailQuery

_COLUMN = {name: number for number, name in enumerate(Row._fields)}
_EQUAL = {"event": "event", "outcome": "outcome", "ip": "ip", "request": "request_id", "session": "session_id"}
_actor, _target_type, _target_id = (itemgetter(_COLUMN[name]) for name in ("actor_id", "target_type", "target_id"))
_at, _number, _body = (itemgetter(_COLUMN[name]) for name in ("at", "event_id", "body"))


class Selection:
    """A query as an export needs it.

    :ivar filters: what is asked for, as the header of an export says it; empty if everything is.
    """

    def __init__(self, query: TrailQuery | None = None) -> None:
        self._query = query = query or TrailQuery()
        self._since, self._until = (None if one is None else moment(one) for one in (query.since, query.until))
        self._people = {str(person) for person in query.people}
        asked = {
            "event": query.event,
            "id": query.event_id and str(query.event_id),
            "ip": query.ip,
            "outcome": query.outcome and query.outcome.value,
            "people": list(query.people),
            "request": query.request_id,
            "session": query.session_id,
            "since": self._since and f"{self._since}Z",
            "target": query.target and f"{query.target[0]}:{query.target[1]}",
            "until": self._until and f"{self._until}Z",
            "after": query.after,
            "before": query.before,
        }
        self.filters: dict[str, Any] = {name: value for name, value in asked.items() if value not in (None, [])}
        self._equal = [(_COLUMN[column], self.filters[name]) for name, column in _EQUAL.items() if name in self.filters]
        if query.target is not None:
            kind, identifier = query.target
            self._equal += [(_COLUMN["target_type"], kind), (_COLUMN["target_id"], str(identifier))]

    def takes(self, row: tuple[Any, ...]) -> bool:
        """Return whether an event is asked for.

        :param row: what a :class:`~flask_gatehouse.audit.agreement.Row` consists of.
        """
        if not self.filters:
            return True
        is_equal = all(row[column] == value for column, value in self._equal)
        return is_equal and self._is_then(row) and self._is_hers(row)

    def _is_then(self, row: tuple[Any, ...]) -> bool:
        # Written as they are, moments sort as they follow each other.
        low, high = self._query.numbers
        is_then = (self._since is None or self._since <= _at(row)) and (self._until is None or _at(row) < self._until)
        return bool(is_then and low <= _number(row) <= high)

    def _is_hers(self, row: tuple[Any, ...]) -> bool:
        event_id = self._query.event_id
        if event_id is not None and f'"id":"{event_id}"' not in _body(row):
            return False
        was_met = _target_type(row) == "user" and _target_id(row) in self._people
        return bool(not self._people or was_met or _actor(row) in self._people)


def moment(when: datetime) -> str:
    """Return a moment in UTC as the trail writes it, without the ``Z``."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
