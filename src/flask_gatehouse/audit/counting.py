"""How often people came in and were refused, from what the sealer has counted: no event is counted for a page."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from .events import AuditEvent, Outcome
from .models import AuditCount

_counts = AuditCount.__table__.c


def sign_ins_and_refusals(
    connection: Connection, since: datetime, until: datetime, *, by_hour: bool
) -> dict[datetime, tuple[int, int]]:
    """Return of each hour, or of each day in UTC, how many signed in and how much was refused; without empty ones.

    :param since: the beginning of an hour.
    :param until: the end of an hour.
    """
    came_in = _counts.event == AuditEvent.LOGIN_SUCCESS.value
    # Tabs that were left open overnight would outweigh all else that is refused.
    refused = (_counts.outcome == Outcome.DENIED) & (_counts.event != AuditEvent.SESSION_USE_AFTER_EXPIRE.value)
    bucket: ColumnElement[Any]
    if by_hour:
        bucket = _counts.hour
    elif connection.dialect.name == "sqlite":
        bucket = func.date(_counts.hour)
    else:
        bucket = func.date(func.timezone("UTC", _counts.hour))
    statement = (
        select(
            bucket.label("beginning"),
            func.sum(case((came_in, _counts.count), else_=0)),
            func.sum(case((refused, _counts.count), else_=0)),
        )
        .where(_counts.hour >= since, _counts.hour < until, came_in | refused)
        .group_by(bucket)
    )
    return {_moment(row[0]): (int(row[1]), int(row[2])) for row in connection.execute(statement)}


def _moment(beginning: datetime | date | str) -> datetime:
    if isinstance(beginning, datetime):
        return beginning
    day = date.fromisoformat(beginning) if isinstance(beginning, str) else beginning
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
