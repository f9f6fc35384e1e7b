"""Signals: what a host connects its own functions to, to hear of what has happened.

Each is sent once the transaction has been committed, by the application in which it happened. A receiver is called with
that application, ``event``, a :class:`RecordedEvent`, and for all signals but ``event_recorded`` the ``user_id`` whom
it concerns. Let it take ``**more``, so that another release may say more.
"""

from collections.abc import Mapping

from blinker import NamedSignal, Namespace

from .audit.announcing import RecordedEvent
from .audit.events import AuditEvent

__all__ = [
    "RecordedEvent",
    "event_recorded",
    "user_activated",
    "user_created",
    "user_deactivated",
    "user_deleted",
    "user_locked",
    "user_released",
    "user_role_changed",
    "user_signed_in",
    "user_signed_out",
    "user_updated",
]

_signals = Namespace()

event_recorded = _signals.signal("event-recorded", doc="Any event of the audit trail, one of the host's own included.")
user_signed_in = _signals.signal("user-signed-in", doc="Somebody has signed in.")
user_signed_out = _signals.signal("user-signed-out", doc="Somebody has ended her session herself.")
user_created = _signals.signal("user-created", doc="Somebody has signed in for the first time.")
user_updated = _signals.signal("user-updated", doc="A name or an address is another one.")
user_role_changed = _signals.signal("user-role-changed", doc="Somebody has another role.")
user_deactivated = _signals.signal("user-deactivated", doc="An administrator has deactivated somebody.")
user_activated = _signals.signal("user-activated", doc="An administrator has let somebody in again.")
user_locked = _signals.signal("user-locked", doc="Somebody has said that it was not she who signed in.")
user_released = _signals.signal("user-released", doc="Somebody who was locked may sign in again.")
user_deleted = _signals.signal("user-deleted", doc="Somebody is gone, with whatever was held about her.")

# What each event of a person is told by, besides ``event_recorded``.
SIGNALS: Mapping[str, NamedSignal] = {
    AuditEvent.LOGIN_SUCCESS: user_signed_in,
    AuditEvent.SESSION_LOGOUT: user_signed_out,
    AuditEvent.USER_CREATED: user_created,
    AuditEvent.USER_UPDATED: user_updated,
    AuditEvent.AUTHZ_CHANGE: user_role_changed,
    AuditEvent.USER_ARCHIVED: user_deactivated,
    AuditEvent.USER_ENABLED: user_activated,
    AuditEvent.USER_HELD: user_locked,
    AuditEvent.USER_RELEASED: user_released,
    AuditEvent.USER_DELETED: user_deleted,
}
