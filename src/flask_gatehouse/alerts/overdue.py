"""What should have happened by now: each question returns a sentence, or None while all is well."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ..accounts.reviewing import review_standing
from ..audit.checkpoints import oldest_uncarried
from ..audit.events import AuditEvent
from ..audit.history import latest_moments
from ..settings import Settings

DAY = timedelta(days=1)
# Checkpoints are made each minute; a webhook or a folder may be away for a little.
CHECKPOINT_PATIENCE = timedelta(minutes=15)
# Of twice the time between two backups, and never less than a day and its delays.
BACKUP_PATIENCE = timedelta(hours=26)


def checkpoint_overdue(connection: Connection, settings: Settings, now: datetime) -> str | None:
    """Until a checkpoint has left, whoever owns the database can rewrite what it would have covered."""
    if settings.audit_key_file is None:
        return None
    since = oldest_uncarried(connection)
    if since is None or now - since < CHECKPOINT_PATIENCE:
        return None
    return f"What was recorded since {since:%Y-%m-%d %H:%M} UTC is in no checkpoint outside of the database."


def backup_overdue(connection: Connection, settings: Settings, now: datetime) -> str | None:
    """Backups come in a rhythm that the operator has chosen; one that stays out is missed after twice that time."""
    moments = latest_moments(connection, AuditEvent.BACKUP_MADE, 2)
    if len(moments) < 2:
        return None
    last, before = moments
    if now - last < max(2 * (last - before), BACKUP_PATIENCE):
        return None
    return f"The last backup is of {last:%Y-%m-%d %H:%M} UTC."


def review_overdue(connection: Connection, settings: Settings, now: datetime) -> str | None:
    """Access that nobody looks at outlives the reason for which it was given."""
    standing = review_standing(connection, settings.review_interval)
    if now < standing.due_at:
        return None
    return f"The review of who may do what was due on {standing.due_at:%Y-%m-%d}: /admin/access-review."


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is told about something that should have happened by now.

    :param find: returns a sentence that says since when it is missing, or None while all is well.
    :param window: how long until it is told again, if it is still so.
    """

    name: str
    title: str
    find: Callable[[Connection, Settings, datetime], str | None]
    window: timedelta = DAY


OVERDUE: tuple[Overdue, ...] = (
    Overdue("checkpoint-overdue", "No checkpoint of the trail has left the database", checkpoint_overdue, DAY / 4),
    Overdue("backup-overdue", "A backup is overdue", backup_overdue),
    Overdue("review-overdue", "The review of access is overdue", review_overdue, 7 * DAY),
)
