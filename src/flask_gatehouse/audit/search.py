"""What the trail can be asked for. Pure: values in, values out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from .events import Outcome
from .service import Target

_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrailQuery:
    """Events that have all of this in common; what is None or empty is not asked for.

    :param people: ids of users, any of whom did it or had it done to her.
    :param since: when it happened at the earliest.
    :param until: before when it happened.
    :param event_id: the event's own UUID.
    :param after: the number of an event; only newer ones are meant.
    :param before: the number of an event; only older ones are meant.
    """

    people: tuple[int, ...] = ()
    event: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    ip: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    target: Target | None = None
    event_id: UUID | None = None
    after: int | None = None
    before: int | None = None

    @property
    def numbers(self) -> tuple[int, int]:
        """Return the lowest and the highest number that an event can have."""
        low = 1 if self.after is None else self.after + 1
        return low, _LARGEST if self.before is None else self.before - 1

    @property
    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return since when, and before when, an event can have happened."""
        if self.event_id is None:
            return self.since, self.until
        made = made_at(self.event_id)
        since, until = made, made + timedelta(milliseconds=1)
        return max(self.since or since, since), min(self.until or until, until)

    def alternatives(self) -> Iterator[dict[str, object]]:
        """Yield sets of equal columns: whoever has one of the sets is meant."""
        common = {
            "request_id": self.request_id,
            "session_id": self.session_id,
            "ip": self.ip,
            "event": self.event,
            "outcome": self.outcome,
        }
        said: dict[str, object] = {name: value for name, value in common.items() if value is not None}
        if self.target is not None:
            said = {"target": (self.target[0], str(self.target[1])), **said}
        if not self.people:
            yield said
        for person in self.people:
            # The rarest first, as far as one can tell.
            yield {"actor_id": person, **said}
            if self.target is None or said["target"] == ("user", str(person)):
                yield said | {"target": ("user", str(person))}


def made_at(event_id: UUID) -> datetime:
    """Return the moment, in milliseconds, in which an event was given its UUID (RFC 9562 section 5.7)."""
    return _EPOCH + timedelta(milliseconds=event_id.int >> 80)


def find_event_id(text: str) -> UUID | None:
    """Return the UUID of an event, if this is one."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if found.variant == RFC_4122 and found.version == 7 else None
