"""Which route, or who else, records each event. Tests hold it against what routes do record, and against all events."""

from collections.abc import Mapping

from flask_gatehouse.audit import AuditEvent as Event

# What any route may record of whoever asks.
ANYWHERE = (
    Event.AUTHZ_FAIL,
    Event.CSRF_REFUSED,
    Event.SESSION_EXPIRED,
    Event.SESSION_USE_AFTER_EXPIRE,
    Event.LIMITER_UNAVAILABLE,
)
_ERASES = (Event.USER_DELETED, Event.PERSONAL_DATA_ERASED)
_CHANGES = (Event.USER_UPDATED, Event.AUTHZ_CHANGE)
# Without script, what is refused shows the page about that person again.
_SHOWN_AGAIN = (Event.SENSITIVE_READ,)
_BEGINS = (Event.PROVIDER_UNAVAILABLE,)

BY_ROUTES: Mapping[tuple[str, str], tuple[Event, ...]] = {
    ("/auth/login/<provider>", "GET"): _BEGINS,
    ("/auth/confirm", "GET"): _BEGINS,
    ("/auth/authorize/<provider>", "GET"): (
        Event.LOGIN_SUCCESS,
        Event.LOGIN_FAIL,
        Event.TOKEN_REUSE,
        Event.REAUTH_SUCCESS,
        Event.REAUTH_FAIL,
        Event.IDENTITY_LINKED,
        Event.IDENTITY_LINK_FAIL,
        Event.PROVIDER_UNAVAILABLE,
        Event.RATE_LIMIT_EXCEEDED,
        Event.SESSION_CREATED,
        Event.SESSION_RENEWED,
        Event.SESSION_REVOKED,
        Event.USER_CREATED,
        *_CHANGES,
        Event.INVITE_USED,
        Event.JOIN_REQUESTED,
        Event.JOIN_USED,
    ),
    ("/auth/logout", "POST"): (Event.SESSION_LOGOUT,),
    ("/auth/not-me/<token>", "POST"): (Event.USER_HELD,),
    ("/dashboard/administrator", "POST"): (Event.BOOTSTRAP_ADMIN_USED, Event.AUTHZ_CHANGE),
    ("/users/<int:user_id>", "GET"): (Event.SENSITIVE_READ,),
    ("/users/<int:user_id>", "PUT"): (*_CHANGES, *_SHOWN_AGAIN),
    ("/users/<int:user_id>", "DELETE"): _ERASES,
    ("/users/<int:user_id>", "POST"): (*_CHANGES, *_ERASES, *_SHOWN_AGAIN),
    ("/users/<int:user_id>/edit", "GET"): (Event.SENSITIVE_READ,),
    ("/users/<int:user_id>/activity", "GET"): (Event.SENSITIVE_READ,),
    ("/users/<int:user_id>/toggle-active", "POST"): (Event.USER_ARCHIVED, Event.USER_ENABLED, *_SHOWN_AGAIN),
    ("/users/<int:user_id>/release", "POST"): (Event.USER_RELEASED,),
    ("/users/<int:user_id>/export", "GET"): (Event.PERSONAL_DATA_EXPORTED,),
    ("/users/bulk", "POST"): (Event.AUTHZ_CHANGE, Event.USER_ARCHIVED, Event.USER_ENABLED, *_ERASES),
    ("/users/invitations", "POST"): (
        Event.INVITE_CREATED,
        Event.INVITE_REVOKED,
        Event.JOIN_APPROVED,
        Event.JOIN_APPROVAL_REVOKED,
        Event.JOIN_DECLINED,
    ),
    ("/users/invitations", "DELETE"): (Event.INVITE_REVOKED,),
    ("/account/export", "GET"): (Event.PERSONAL_DATA_EXPORTED,),
    ("/account/delete", "POST"): _ERASES,
    ("/account/link/<provider>", "POST"): _BEGINS,
    ("/account/identities/<int:identity_id>", "POST"): (Event.IDENTITY_UNLINKED, Event.SESSION_REVOKED),
    ("/account/identities/<int:identity_id>", "DELETE"): (Event.IDENTITY_UNLINKED, Event.SESSION_REVOKED),
    ("/account/sessions/others", "POST"): (Event.SESSION_REVOKED,),
    ("/account/sessions/others", "DELETE"): (Event.SESSION_REVOKED,),
    ("/account/sessions/<session_id>", "POST"): (Event.SESSION_REVOKED,),
    ("/account/sessions/<session_id>", "DELETE"): (Event.SESSION_REVOKED,),
    ("/admin/access-review", "POST"): (
        Event.ACCESS_REVIEWED,
        Event.REVIEW_COMPLETED,
        Event.AUTHZ_CHANGE,
        Event.USER_ARCHIVED,
    ),
    ("/admin/audit-logs", "GET"): (Event.SENSITIVE_READ,),
    ("/admin/audit-logs/<int:number>", "GET"): (Event.SENSITIVE_READ,),
    ("/admin/audit-logs/export", "GET"): (Event.TRAIL_EXPORTED,),
}
BY_COMMANDS: Mapping[str, tuple[Event, ...]] = {
    "gatehouse create-admin": (Event.AUTHZ_CHANGE, Event.INVITE_CREATED),
    "gatehouse release": (Event.USER_RELEASED,),
    "gatehouse erase": _ERASES,
    "gatehouse export": (Event.PERSONAL_DATA_EXPORTED,),
    "gatehouse sessions revoke": (Event.SESSION_REVOKED,),
    "gatehouse audit export": (Event.TRAIL_EXPORTED,),
    "gatehouse audit verify": (Event.VERIFIED, Event.VERIFY_FAILED),
    "gatehouse audit cut": (Event.CUT, Event.RESTORED, Event.PERSONAL_DATA_ERASED, Event.VERIFY_FAILED),
    "gatehouse backup": (Event.BACKUP_MADE, Event.BACKUP_DRILLED),
    "gatehouse restore": (Event.RESTORED, Event.SESSION_REVOKED, *_ERASES),
    "gatehouse worker": (
        Event.SESSION_EXPIRED,
        Event.SESSION_REVOKED,
        Event.INVITE_EXPIRED,
        Event.JOIN_EXPIRED,
        Event.PERSONAL_DATA_ERASED,
        Event.VERIFIED,
        Event.VERIFY_FAILED,
        Event.CUT,
        Event.RESTORED,
        Event.ALERT_UNDELIVERED,
    ),
}
