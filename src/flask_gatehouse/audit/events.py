"""The names of our events, after the OWASP Logging Vocabulary; those marked ``+`` are our own."""

from enum import StrEnum

# Of an event's name, and of the kind and the id of what it was done to.
EVENT_LENGTH = 64
KIND_LENGTH = 64
IDENTIFIER_LENGTH = 255


class Outcome(StrEnum):
    """How it ended: it was done, it was refused, or it did not come off."""

    SUCCESS = "success"
    DENIED = "denied"
    FAILURE = "failure"


class AuditEvent(StrEnum):
    """What the trail records of Gatehouse itself; the value is stored and exported."""

    LOGIN_SUCCESS = "authn_login_success"
    LOGIN_FAIL = "authn_login_fail"
    TOKEN_REUSE = "authn_token_reuse"  # noqa: S105 - the vocabulary's word for a replayed sign-in
    RATE_LIMIT_EXCEEDED = "excess_rate_limit_exceeded"
    REAUTH_SUCCESS = "authn_reauth_success"  # +
    REAUTH_FAIL = "authn_reauth_fail"  # +
    SESSION_CREATED = "session_created"
    SESSION_RENEWED = "session_renewed"
    SESSION_LOGOUT = "session_logout"
    SESSION_EXPIRED = "session_expired"
    SESSION_REVOKED = "session_revoked"  # +
    SESSION_USE_AFTER_EXPIRE = "session_use_after_expire"
    AUTHZ_FAIL = "authz_fail"
    AUTHZ_CHANGE = "authz_change"
    ACCESS_REVIEWED = "access_reviewed"  # +
    REVIEW_COMPLETED = "access_review_completed"  # +
    CSRF_REFUSED = "malicious_csrf"
    USER_CREATED = "user_created"
    USER_UPDATED = "user_updated"
    USER_ARCHIVED = "user_archived"
    USER_ENABLED = "user_enabled"  # +
    USER_DELETED = "user_deleted"
    USER_HELD = "user_held"  # +
    USER_RELEASED = "user_released"  # +
    IDENTITY_LINKED = "identity_linked"  # +
    IDENTITY_LINK_FAIL = "identity_link_fail"  # +
    IDENTITY_UNLINKED = "identity_unlinked"  # +
    INVITE_CREATED = "invite_created"  # +
    INVITE_USED = "invite_used"  # +
    INVITE_REVOKED = "invite_revoked"  # +
    INVITE_EXPIRED = "invite_expired"  # +
    JOIN_REQUESTED = "join_requested"  # +
    JOIN_APPROVED = "join_approved"  # +
    JOIN_APPROVAL_REVOKED = "join_approval_revoked"  # +
    JOIN_DECLINED = "join_declined"  # +
    JOIN_EXPIRED = "join_expired"  # +
    JOIN_USED = "join_used"  # +
    BOOTSTRAP_ADMIN_USED = "bootstrap_admin_used"  # +
    SENSITIVE_READ = "sensitive_read"
    TRAIL_EXPORTED = "audit_exported"  # +
    PERSONAL_DATA_EXPORTED = "personal_data_exported"  # +
    PERSONAL_DATA_ERASED = "personal_data_erased"  # +
    VERIFIED = "audit_verify_ok"  # +
    VERIFY_FAILED = "audit_verify_failed"  # +
    CUT = "audit_cut"  # +
    BACKUP_MADE = "backup_made"  # +
    BACKUP_DRILLED = "backup_drilled"  # +
    RESTORED = "audit_restored"  # +
    PROVIDER_UNAVAILABLE = "provider_unavailable"  # +
    ALERT_UNDELIVERED = "alert_undelivered"  # +
    LIMITER_UNAVAILABLE = "rate_limiter_unavailable"  # +


_DENIED = {
    AuditEvent.LOGIN_FAIL,
    AuditEvent.TOKEN_REUSE,
    AuditEvent.RATE_LIMIT_EXCEEDED,
    AuditEvent.REAUTH_FAIL,
    AuditEvent.IDENTITY_LINK_FAIL,
    AuditEvent.SESSION_USE_AFTER_EXPIRE,
    AuditEvent.AUTHZ_FAIL,
    AuditEvent.CSRF_REFUSED,
}
_FAILED = {
    AuditEvent.VERIFY_FAILED,
    AuditEvent.PROVIDER_UNAVAILABLE,
    AuditEvent.ALERT_UNDELIVERED,
    AuditEvent.LIMITER_UNAVAILABLE,
}


# Why a verification has failed that accuses nobody: not everything could be judged.
UNDECIDED = "undecided"


class Upkeep(StrEnum):
    """Why the trail says something for which nobody has asked now."""

    # Nobody needs it any longer.
    RETENTION = "retention"
    # A restored backup has brought back what was erased before.
    REPLAYED = "replayed"
    # What said so has left, and explains something that stays.
    REPEATED = "repeated"


def outcome_of(event: str) -> Outcome:
    """Return how an event of this name ended; a host's own events are things that were done."""
    if event in _FAILED:
        return Outcome.FAILURE
    return Outcome.DENIED if event in _DENIED else Outcome.SUCCESS
