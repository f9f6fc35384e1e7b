"""What the events of the trail are called on a page."""

from collections.abc import Sequence

from ..audit.events import AuditEvent, Outcome
from ..audit.reading import UNREADABLE
from .language import marked as _, text

# In the groups in which a filter lists them; a test holds that none is missing.
EVENTS: dict[str, dict[AuditEvent, str]] = {
    _("Sign-in"): {
        AuditEvent.LOGIN_SUCCESS: _("Signed in"),
        AuditEvent.LOGIN_FAIL: _("Sign-in refused"),
        AuditEvent.TOKEN_REUSE: _("Sign-in replayed"),
        AuditEvent.REAUTH_SUCCESS: _("Identity confirmed"),
        AuditEvent.REAUTH_FAIL: _("Confirmation refused"),
        AuditEvent.IDENTITY_LINKED: _("Way to sign in linked"),
        AuditEvent.IDENTITY_LINK_FAIL: _("Linking refused"),
        AuditEvent.IDENTITY_UNLINKED: _("Way to sign in removed"),
        AuditEvent.PROVIDER_UNAVAILABLE: _("Sign-in service away"),
    },
    _("Sessions"): {
        AuditEvent.SESSION_CREATED: _("Session begun"),
        AuditEvent.SESSION_RENEWED: _("Session renewed"),
        AuditEvent.SESSION_LOGOUT: _("Signed out"),
        AuditEvent.SESSION_EXPIRED: _("Session expired"),
        AuditEvent.SESSION_REVOKED: _("Session ended by somebody"),
        AuditEvent.SESSION_USE_AFTER_EXPIRE: _("Session used after its end"),
    },
    _("Access"): {
        AuditEvent.AUTHZ_FAIL: _("Access refused"),
        AuditEvent.CSRF_REFUSED: _("Forged request refused"),
        AuditEvent.RATE_LIMIT_EXCEEDED: _("Too many requests"),
        AuditEvent.AUTHZ_CHANGE: _("Role changed"),
        AuditEvent.ACCESS_REVIEWED: _("Access reviewed"),
        AuditEvent.REVIEW_COMPLETED: _("Access review completed"),
        AuditEvent.BOOTSTRAP_ADMIN_USED: _("First administrator appointed"),
    },
    _("Users"): {
        AuditEvent.USER_CREATED: _("User created"),
        AuditEvent.USER_UPDATED: _("User edited"),
        AuditEvent.USER_ARCHIVED: _("User deactivated"),
        AuditEvent.USER_ENABLED: _("User activated"),
        AuditEvent.USER_HELD: _("Account locked: it was not its owner"),
        AuditEvent.USER_RELEASED: _("Account opened again"),
        AuditEvent.USER_DELETED: _("User deleted"),
        AuditEvent.PERSONAL_DATA_EXPORTED: _("Personal data exported"),
        AuditEvent.PERSONAL_DATA_ERASED: _("Personal data erased"),
    },
    _("Invitations"): {
        AuditEvent.INVITE_CREATED: _("Invitation sent"),
        AuditEvent.INVITE_USED: _("Invitation used"),
        AuditEvent.INVITE_REVOKED: _("Invitation withdrawn"),
        AuditEvent.INVITE_EXPIRED: _("Invitation expired"),
        AuditEvent.JOIN_REQUESTED: _("Asked to join"),
        AuditEvent.JOIN_APPROVED: _("Request to join approved"),
        AuditEvent.JOIN_APPROVAL_REVOKED: _("Approval of a request to join withdrawn"),
        AuditEvent.JOIN_DECLINED: _("Request to join declined"),
        AuditEvent.JOIN_EXPIRED: _("Request to join expired"),
        AuditEvent.JOIN_USED: _("Came in after asking to join"),
    },
    _("The log itself"): {
        AuditEvent.SENSITIVE_READ: _("Sensitive data read"),
        AuditEvent.TRAIL_EXPORTED: _("Audit log exported"),
        AuditEvent.VERIFIED: _("Audit log verified"),
        AuditEvent.VERIFY_FAILED: _("Verification failed"),
        AuditEvent.CUT: _("Old events removed"),
        AuditEvent.BACKUP_MADE: _("Backup made"),
        AuditEvent.BACKUP_DRILLED: _("Backup restored on trial"),
        AuditEvent.RESTORED: _("Backup restored"),
        AuditEvent.ALERT_UNDELIVERED: _("Alert not delivered"),
        AuditEvent.LIMITER_UNAVAILABLE: _("Rate limits not shared"),
    },
}
_NAMES = {str(event): name for group in EVENTS.values() for event, name in group.items()} | {
    UNREADABLE: _("No event: verify the log"),
}
OUTCOMES = {Outcome.SUCCESS: _("Done"), Outcome.DENIED: _("Refused"), Outcome.FAILURE: _("Failed")}


def event_name(event: str) -> str:
    """Return what a page calls an event: a host's own by the name that it was given."""
    return text(_NAMES[event]) if event in _NAMES else event


def event_groups(in_use: Sequence[str], chosen: str | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the choices of the filter: our own events, and then a host's own as far as they have happened."""
    groups = [
        (text(group), [(str(event), text(name)) for event, name in names.items()]) for group, names in EVENTS.items()
    ]
    others = {name for name in (*in_use, chosen) if name} - _NAMES.keys()
    return [*groups, (text("Of this application"), [(name, name) for name in sorted(others)])] if others else groups
