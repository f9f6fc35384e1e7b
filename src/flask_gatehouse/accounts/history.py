"""Since when a person has her role and may come in, and by whose hand: the trail's answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ..audit import AuditEvent
from ..audit.history import latest_event
from .columns import users


@dataclass(frozen=True, slots=True)
class Origin:
    """The event that made something what it is.

    :param event: an ``AuditEvent``; ``user_created`` if it has been so from the beginning.
    :param actor_kind: ``user``, ``anonymous`` (whoever signed in), ``cli`` or ``system``.
    :param before: what it was until then, None if nothing was.
    """

    occurred_at: datetime
    event: str
    actor_kind: str
    actor_id: int | None
    before: str | bool | None


@dataclass(frozen=True, slots=True)
class RoleHistory:
    """Where a person's present role and her present status come from.

    :param role: None where the trail does not say, as for rows that were written past us.
    :param held_at: since when nobody signs in as her, because she said that it was not she; None if she may.
    """

    role: Origin | None
    status: Origin | None
    held_at: datetime | None = None

    @property
    def actors(self) -> set[int]:
        """Return the ids of those who brought it about."""
        return {one.actor_id for one in (self.role, self.status) if one is not None and one.actor_id is not None}


def history_of_role(connection: Connection, user_id: int) -> RoleHistory:
    """Return since when a person has the role that she has, and is active or not."""
    return RoleHistory(
        role=origin_of_role(connection, user_id),
        status=_origin(
            connection,
            user_id,
            {AuditEvent.USER_ARCHIVED, AuditEvent.USER_ENABLED, AuditEvent.USER_CREATED},
            "is_active",
        ),
        held_at=connection.execute(select(users.c.held_at).where(users.c.id == user_id)).scalar(),
    )


def origin_of_role(connection: Connection, user_id: int) -> Origin | None:
    """Return when, and by whom, a person was given the role that she has; None where the trail does not say."""
    return _origin(connection, user_id, {AuditEvent.AUTHZ_CHANGE, AuditEvent.USER_CREATED}, "role")


def _origin(connection: Connection, user_id: int, events: set[AuditEvent], what: str) -> Origin | None:
    event = latest_event(connection, events, ("user", user_id))
    if event is None:
        return None
    before, _ = event.change.get(what, (None, None))
    return Origin(event.occurred_at, event.event, event.actor_kind, event.actor_id, before)
