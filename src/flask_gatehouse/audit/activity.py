"""What the trail says of one person's security, for herself: a page costs the same however much she has done."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from .events import AuditEvent
from .models import AuditEventRow
from .reading import TrailEvent, events_of_numbers

PAGE = 10
# How many entries of an index are looked at for one page: a host's own events of hers may lie between ours.
REACH = 500
_LARGEST = 2**63 - 1
_events = AuditEventRow.__table__.c

# What she did herself. What she did to others, as an administrator, is no matter of her own security.
BY_HER = (
    AuditEvent.REAUTH_SUCCESS,
    AuditEvent.REAUTH_FAIL,
    AuditEvent.IDENTITY_LINK_FAIL,
    AuditEvent.SESSION_LOGOUT,
    AuditEvent.SESSION_EXPIRED,
    AuditEvent.SESSION_USE_AFTER_EXPIRE,
    AuditEvent.AUTHZ_FAIL,
)
# What was done to her account, whoever did it.
TO_HER = (
    AuditEvent.LOGIN_SUCCESS,
    AuditEvent.LOGIN_FAIL,
    AuditEvent.IDENTITY_LINKED,
    AuditEvent.IDENTITY_UNLINKED,
    AuditEvent.AUTHZ_CHANGE,
    AuditEvent.BOOTSTRAP_ADMIN_USED,
    AuditEvent.USER_CREATED,
    AuditEvent.USER_UPDATED,
    AuditEvent.USER_ARCHIVED,
    AuditEvent.USER_ENABLED,
    AuditEvent.USER_HELD,
    AuditEvent.USER_RELEASED,
    AuditEvent.PERSONAL_DATA_EXPORTED,
    AuditEvent.PERSONAL_DATA_ERASED,
)
TO_HER_SESSIONS = (AuditEvent.SESSION_REVOKED,)


@dataclass(frozen=True, slots=True)
class Activity:
    """A page of it, the newest first.

    :param next: the ``before`` of the next page, None on the last.
    """

    events: tuple[TrailEvent, ...]
    next: int | None


def read_activity(
    connection: Connection, user_id: int, sessions: Collection[str], *, before: int | None = None, limit: int = PAGE
) -> Activity:
    """Return a page of what concerns one person's security.

    :param sessions: public ids of her sessions, to find those that somebody else has ended.
    :param before: the number of an event; only older ones are meant.
    """
    below = _LARGEST if before is None else before
    target = (_events.target_type == "user") & (_events.target_id == str(user_id))
    of_sessions = (_events.target_type == "session") & _events.target_id.in_(sessions)
    searches = [
        _newest(connection, _events.actor_id == user_id, BY_HER, below),
        _newest(connection, target, TO_HER, below),
        _newest(connection, of_sessions, TO_HER_SESSIONS, below) if sessions else ([], None),
    ]
    # Beyond the nearest end of a stretch, one of the searches has not looked yet.
    floor = max((end for _, end in searches if end is not None), default=None)
    numbers = sorted({number for found, _ in searches for number in found if number >= (floor or 0)}, reverse=True)
    is_full = len(numbers) > limit
    shown = numbers[:limit]
    return Activity(events_of_numbers(connection, shown), shown[-1] if is_full else floor)


def _newest(
    connection: Connection, where: ColumnElement[bool], names: Collection[AuditEvent], below: int
) -> tuple[list[int], int | None]:
    """Return the numbers of events of these names, and how far down was looked; None if to the end."""
    stretch = select(_events.id, _events.event).where(where, _events.id < below)
    rows = connection.execute(stretch.order_by(_events.id.desc()).limit(REACH)).all()
    found = [row.id for row in rows if row.event in names]
    return found, rows[-1].id if len(rows) == REACH else None
