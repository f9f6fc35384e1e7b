"""What an address asks of the audit log: the filters of the page and of the export, read and refused. Pure."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_address

from werkzeug.datastructures import MultiDict

from ..accounts.errors import FieldProblem, InvalidQuery
from ..accounts.queries import LONGEST_SEARCH
from ..audit.events import EVENT_LENGTH, Outcome
from ..kernel.text import holds_unseen, is_number, plain

# Days that a word stands for, the present one included.
RANGES = {"today": 1, "7d": 7, "30d": 30}
_TEXTS = {"q": LONGEST_SEARCH, "who": LONGEST_SEARCH, "event": EVENT_LENGTH}
_DAY = timedelta(days=1)
_LONGEST_ADDRESS = 45


@dataclass(frozen=True, slots=True)
class Asked:
    """One page of the log, or with neither ``before`` nor ``after`` its first one.

    :param text: an event's, a request's or a session's id, a network address, a person, or a thing as ``article:7``.
    :param who: a person, by a part of her name or address, or as ``user:12``.
    :param when: one of ``RANGES``; None where a time is given.
    :param before: the number of an event; the page holds what is older.
    :param after: the number of an event; the page holds what is just newer.
    """

    text: str = ""
    who: str = ""
    event: str | None = None
    outcome: Outcome | None = None
    when: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ip: str | None = None
    before: int | None = None
    after: int | None = None

    @classmethod
    def names(cls) -> set[str]:
        """Return how an address calls what can be asked for."""
        return {"q" if one.name == "text" else one.name for one in fields(cls)}

    @classmethod
    def parse(cls, parameters: MultiDict[str, str], *besides: str) -> "Asked":
        """Return what the parameters of an address ask for; an empty one is one that is not there.

        One that nobody knows is refused: a mistyped filter would show everything, as if that were all there is. So is
        one that says two things.

        :param besides: names that mean something else to whoever asks.
        :raises InvalidQuery: with every parameter that cannot be understood.
        """
        reader, known = _Reader(parameters), {*cls.names(), *besides}
        reader.problems |= {name: FieldProblem.NO_FILTER for name in parameters if name not in known}
        outcome, when = reader.one_of("outcome", tuple(Outcome)), reader.one_of("when", tuple(RANGES))
        since, until = reader.moment("since"), reader.moment("until", whole_day=True)
        if since and until and since >= until:
            reader.problems["until"] = FieldProblem.NOT_LATER
        before, after = reader.number("before"), reader.number("after")
        if before is not None and after is not None:
            reader.problems["after"] = FieldProblem.NOT_A_PLACE
        ip, (text, who, event) = reader.network_address("ip"), (reader.text(name) for name in _TEXTS)
        reader.problems |= {
            name: FieldProblem.TWICE for name, values in parameters.lists() if name in known and len(set(values)) > 1
        }
        if reader.problems:
            raise InvalidQuery(reader.problems)
        return cls(
            text,
            who,
            event or None,
            Outcome(outcome) if outcome else None,
            None if since or until else when,
            since,
            until,
            ip,
            before,
            after,
        )

    def times(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return since when, and before when: a day begins at midnight in UTC, as all times of the log."""
        if self.when is None:
            return self.since, self.until
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - (RANGES[self.when] - 1) * _DAY, None

    def parameters(self) -> dict[str, str]:
        """Return what an address must say to ask for this again, without the page and without what goes unsaid."""
        said = {
            "q": self.text,
            "who": self.who,
            "event": self.event,
            "outcome": self.outcome,
            "when": self.when,
            "since": self.since and written(self.since),
            "until": self.until and written(self.until),
            "ip": self.ip,
        }
        return {name: str(value) for name, value in said.items() if value}


def written(moment: datetime) -> str:
    """Return a moment as an address says it, and as a field for a date and a time takes it."""
    is_whole = not (moment.second or moment.microsecond)
    return moment.replace(tzinfo=None).isoformat(timespec="minutes" if is_whole else "auto")


def find_network_address(text: str) -> str | None:
    """Return a network address as the trail has it, in the one form of several that it can have; None if it is none."""
    # One with a zone (RFC 4007 §11), as ::1%eth0, says of a machine's own cable; nobody asks us from there.
    if len(text) > _LONGEST_ADDRESS or "%" in text:
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        return None


class _Reader:
    """Reads parameters, and keeps what is wrong with them."""

    def __init__(self, parameters: MultiDict[str, str]) -> None:
        self._parameters = parameters
        self.problems: dict[str, FieldProblem] = {}

    def text(self, name: str) -> str:
        value = self._parameters.get(name, "")
        if len(value) > _TEXTS[name]:
            self.problems[name] = FieldProblem.TOO_LONG
        elif holds_unseen(value):
            self.problems[name] = FieldProblem.UNSEEN
        return plain(value, _TEXTS[name])

    def one_of(self, name: str, known: tuple[str, ...]) -> str | None:
        value = self._parameters.get(name) or None
        if value is not None and value not in known:
            self.problems[name] = FieldProblem.UNKNOWN
        return value

    def number(self, name: str) -> int | None:
        value = self._parameters.get(name, "")
        if not value:
            return None
        if is_number(value):
            return int(value)
        self.problems[name] = FieldProblem.NOT_A_NUMBER
        return None

    def network_address(self, name: str) -> str | None:
        value = self._parameters.get(name, "").strip()
        found = find_network_address(value)
        if value and found is None:
            self.problems[name] = FieldProblem.NOT_A_NETWORK_ADDRESS
        return found

    def moment(self, name: str, *, whole_day: bool = False) -> datetime | None:
        """Return a moment: without a zone in UTC, and a day as its beginning, or as its end if it is meant whole."""
        value = self._parameters.get(name, "").strip()
        if not value:
            return None
        try:
            return _moment(value, whole_day=whole_day)
        except (ValueError, OverflowError):
            self.problems[name] = FieldProblem.NOT_A_TIME
            return None


def _moment(text: str, *, whole_day: bool) -> datetime:
    try:
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not whole_day:
        return day
    # The last day that there is has no next one: what a program writes that means "without an end".
    return day + _DAY if day.date() < date.max else datetime.max.replace(tzinfo=UTC)
