"""The chart of sign-ins and refusals: bars of hours or of days, as shares of a height that the markup can say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ..audit.counting import sign_ins_and_refusals
from .audit_query import Asked, written
from .moments import day_and_month

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# What is shown where no time is asked for; how many hours still are bars of their own; how many days fit.
USUAL, HOURLY, MOST = 30 * DAY, 48 * HOUR, 92 * DAY
# Nothing of ours has happened before, and the calendar does not end so soon before.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour or a day.

    Places and sizes are percents of the width and of the height. What came in stands above a line, what was refused
    hangs below it, so that nobody needs the colours to tell them apart.

    :param url: the same page, for this time alone.
    """

    label: str
    came_in: int
    refused: int
    url: str
    left: float
    width: float
    top: float
    rise: float
    fall: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the same length of time, the oldest first.

    :param line: where the line between the two is, in percent of the height.
    """

    bars: tuple[Bar, ...]
    by_hour: bool
    line: float
    came_in: int
    refused: int


def make_chart(connection: Connection, asked: Asked, now: datetime, url: Callable[..., str]) -> Chart | None:
    """Return the chart for the time that is asked for; None if that lies ahead.

    :param url: makes the address of the page with other parameters.
    """
    found = _stretch(asked, now)
    if found is None:
        return None
    since, until, step = found
    counts = sign_ins_and_refusals(connection, since, until, by_hour=step == HOUR)
    moments = list(_steps(since, until, step))
    pairs = [counts.get(moment, (0, 0)) for moment in moments]
    above, below = max(came_in for came_in, _ in pairs), max(refused for _, refused in pairs)
    # Both to one scale: a refusal is as high as a sign-in.
    unit = 100 / (above + below) if above + below else 0.0
    line = above * unit if above + below else 100.0
    share = 100 / len(moments)
    bars = tuple(
        Bar(
            label=day_and_month(moment, with_hour=step == HOUR),
            came_in=came_in,
            refused=refused,
            url=url(when=None, since=written(moment), until=written(moment + step)),
            left=round(number * share, 3),
            width=round(share, 3),
            top=round(line - came_in * unit, 3),
            rise=round(came_in * unit, 3),
            fall=round(refused * unit, 3),
        )
        for number, (moment, (came_in, refused)) in enumerate(zip(moments, pairs, strict=True))
    )
    return Chart(bars, step == HOUR, round(line, 3), sum(one for one, _ in pairs), sum(one for _, one in pairs))


def _stretch(asked: Asked, now: datetime) -> tuple[datetime, datetime, timedelta] | None:
    """Return beginning, end and step of what is shown."""
    since, until = asked.times(now)
    end = min(until or now, now)
    if end <= _FIRST:
        return None
    begin = max(since or end - USUAL + DAY, end - MOST)
    if begin >= end:
        return None
    step = HOUR if end - begin <= HOURLY else DAY
    return begin.replace(hour=begin.hour if step == HOUR else 0, minute=0, second=0, microsecond=0), end, step


def _steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    moment = since.astimezone(UTC)
    while moment < until:
        yield moment
        moment += step
