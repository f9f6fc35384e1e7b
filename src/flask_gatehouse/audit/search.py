"""What the trail can be asked for: values in, values out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from .events import Outcome
from .service import Target

_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A UUID can name a moment after the last one of which this calendar knows.
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class TrailQuery:
    """Events that have all of this in common; what is None or empty is not asked for.

    :param people: ids of users, any of whom did it or had it done to her.
    :param since: when it happened at the earliest.
    :param until: before when it happened.
    :param event_id: the event's own UUID.
    :param after: the number of an event; only newer ones are meant.
    :param before: the number of an event; only older ones are meant.
    :param rising: the oldest of them come first, as for the page that is just newer than another.
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
    rising: bool = False

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

    def alternatives(self, person: int | None = None) -> Iterator[dict[str, object]]:
        """Yield sets of equal columns: whoever has one of the sets is meant.

        :param person: whose session it was, if a session is asked for.
        """
        common = {"request_id": self.request_id, "ip": self.ip, "event": self.event, "outcome": self.outcome}
        said: dict[str, object] = {name: value for name, value in common.items() if value is not None}
        for target, mine in self._of_session(person):
            said_of_it = {**({} if target is None else {"target": target}), **said, **mine}
            if not self.people:
                yield said_of_it
            yield from self._of_people(said_of_it)

    def _of_session(self, person: int | None) -> Iterator[tuple[tuple[str, str] | None, dict[str, object]]]:
        """Yield what an event is about, and in which session it was: whatever a session did, or was done to it."""
        target = None if self.target is None else (self.target[0], str(self.target[1]))
        if self.session_id is None:
            yield target, {}
            return
        session = ("session", self.session_id)
        if target in {None, session}:
            yield session, {}
        if person is not None:
            yield target, {"actor_id": person, "session_id": self.session_id}

    def _of_people(self, said: dict[str, object]) -> Iterator[dict[str, object]]:
        for person in self.people:
            # The rarest first, as far as one can tell.
            if said.get("actor_id", person) == person:
                yield {"actor_id": person, **said}
            if "target" not in said or said["target"] == ("user", str(person)):
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
    is_ours = found.variant == RFC_4122 and found.version == 7 and found.int >> 80 < _LAST_MS
    return found if is_ours else None
