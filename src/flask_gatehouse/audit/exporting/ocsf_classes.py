"""Which class and activity of OCSF 1.8.0 an event is: one table over all of ours, and a rule for a host's own.

Account Change (3001) and User Access Management (3005) are deprecated in 1.9 in favour of User Management (3007). We
say which version we speak, and everything that will change then stands here. https://schema.ocsf.io/1.8.0/
"""

from enum import IntEnum
from typing import NamedTuple

from ..events import AuditEvent

VERSION = "1.8.0"
OTHER = 99


class Class(IntEnum):
    """Classes of OCSF; the thousands are their category."""

    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    AUTHORIZE_SESSION = 3003
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    APPLICATION_LIFECYCLE = 6002
    API_ACTIVITY = 6003


CLASS_NAMES = {
    Class.ACCOUNT_CHANGE: "Account Change",
    Class.AUTHENTICATION: "Authentication",
    Class.AUTHORIZE_SESSION: "Authorize Session",
    Class.ENTITY_MANAGEMENT: "Entity Management",
    Class.USER_ACCESS: "User Access Management",
    Class.APPLICATION_LIFECYCLE: "Application Lifecycle",
    Class.API_ACTIVITY: "API Activity",
}
CATEGORY_NAMES = {3: "Identity & Access Management", 6: "Application Activity"}


class Severity(IntEnum):
    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class Kind(NamedTuple):
    """What an event is in OCSF.

    :param activity_id: of the class; 99 stands for what the class does not know, which its name says then.
    """

    class_uid: Class
    activity_id: int
    activity_name: str
    severity: Severity = Severity.INFORMATIONAL


_ACCOUNT, _SIGN_IN, _SESSION = Class.ACCOUNT_CHANGE, Class.AUTHENTICATION, Class.AUTHORIZE_SESSION
_ENTITY, _ROLE, _LIFE, _API = (
    *(Class.ENTITY_MANAGEMENT, Class.USER_ACCESS, Class.APPLICATION_LIFECYCLE, Class.API_ACTIVITY),
)
_LOW, _MEDIUM, _HIGH, _CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL

KINDS: dict[AuditEvent, Kind] = {
    AuditEvent.LOGIN_SUCCESS: Kind(_SIGN_IN, 1, "Logon"),
    AuditEvent.LOGIN_FAIL: Kind(_SIGN_IN, 1, "Logon", _MEDIUM),
    AuditEvent.TOKEN_REUSE: Kind(_SIGN_IN, 1, "Logon", _HIGH),
    AuditEvent.REAUTH_SUCCESS: Kind(_SIGN_IN, OTHER, "Confirm"),
    AuditEvent.REAUTH_FAIL: Kind(_SIGN_IN, OTHER, "Confirm", _MEDIUM),
    AuditEvent.SESSION_CREATED: Kind(_SESSION, OTHER, "Begin"),
    AuditEvent.SESSION_RENEWED: Kind(_SESSION, OTHER, "Renew"),
    AuditEvent.SESSION_LOGOUT: Kind(_SIGN_IN, 2, "Logoff"),
    AuditEvent.SESSION_EXPIRED: Kind(_SIGN_IN, 2, "Logoff"),
    AuditEvent.SESSION_REVOKED: Kind(_SIGN_IN, 2, "Logoff", _LOW),
    AuditEvent.SESSION_USE_AFTER_EXPIRE: Kind(_SIGN_IN, OTHER, "Use after end", _MEDIUM),
    AuditEvent.AUTHZ_FAIL: Kind(_API, OTHER, "Refuse", _MEDIUM),
    AuditEvent.CSRF_REFUSED: Kind(_API, OTHER, "Refuse", _HIGH),
    AuditEvent.RATE_LIMIT_EXCEEDED: Kind(_API, OTHER, "Refuse", _MEDIUM),
    AuditEvent.AUTHZ_CHANGE: Kind(_ROLE, 1, "Assign Privileges", _MEDIUM),
    AuditEvent.ACCESS_REVIEWED: Kind(_ROLE, OTHER, "Review", _LOW),
    AuditEvent.REVIEW_COMPLETED: Kind(_API, OTHER, "Review"),
    AuditEvent.BOOTSTRAP_ADMIN_USED: Kind(_ROLE, 1, "Assign Privileges", _HIGH),
    AuditEvent.USER_CREATED: Kind(_ACCOUNT, 1, "Create"),
    AuditEvent.USER_UPDATED: Kind(_ACCOUNT, OTHER, "Update"),
    AuditEvent.USER_ARCHIVED: Kind(_ACCOUNT, 5, "Disable", _LOW),
    AuditEvent.USER_ENABLED: Kind(_ACCOUNT, 2, "Enable", _LOW),
    AuditEvent.USER_DELETED: Kind(_ACCOUNT, 6, "Delete", _MEDIUM),
    AuditEvent.USER_HELD: Kind(_ACCOUNT, 9, "Lock", _MEDIUM),
    AuditEvent.USER_RELEASED: Kind(_ACCOUNT, 12, "Unlock", _LOW),
    AuditEvent.IDENTITY_LINKED: Kind(_ACCOUNT, OTHER, "Link", _LOW),
    AuditEvent.IDENTITY_LINK_FAIL: Kind(_SIGN_IN, OTHER, "Link", _MEDIUM),
    AuditEvent.IDENTITY_UNLINKED: Kind(_ACCOUNT, OTHER, "Unlink", _LOW),
    AuditEvent.INVITE_CREATED: Kind(_ENTITY, 1, "Create"),
    AuditEvent.INVITE_USED: Kind(_ENTITY, 3, "Update"),
    AuditEvent.INVITE_REVOKED: Kind(_ENTITY, 4, "Delete"),
    AuditEvent.INVITE_EXPIRED: Kind(_ENTITY, 4, "Delete"),
    AuditEvent.JOIN_REQUESTED: Kind(_ENTITY, 1, "Create"),
    AuditEvent.JOIN_APPROVED: Kind(_ENTITY, 3, "Update", _LOW),
    AuditEvent.JOIN_APPROVAL_REVOKED: Kind(_ENTITY, 3, "Update", _LOW),
    AuditEvent.JOIN_USED: Kind(_ENTITY, 3, "Update"),
    AuditEvent.JOIN_DECLINED: Kind(_ENTITY, 3, "Update", _LOW),
    AuditEvent.JOIN_EXPIRED: Kind(_ENTITY, 4, "Delete"),
    AuditEvent.SENSITIVE_READ: Kind(_ENTITY, 2, "Read", _LOW),
    AuditEvent.TRAIL_EXPORTED: Kind(_ENTITY, 2, "Read", _MEDIUM),
    AuditEvent.PERSONAL_DATA_EXPORTED: Kind(_ENTITY, 2, "Read", _LOW),
    AuditEvent.PERSONAL_DATA_ERASED: Kind(_ENTITY, 4, "Delete", _MEDIUM),
    AuditEvent.CUT: Kind(_ENTITY, 4, "Delete", _MEDIUM),
    AuditEvent.VERIFIED: Kind(_LIFE, OTHER, "Verify"),
    AuditEvent.VERIFY_FAILED: Kind(_LIFE, OTHER, "Verify", _CRITICAL),
    AuditEvent.BACKUP_MADE: Kind(_LIFE, OTHER, "Back up"),
    AuditEvent.BACKUP_DRILLED: Kind(_LIFE, OTHER, "Restore a backup on trial"),
    AuditEvent.RESTORED: Kind(_LIFE, OTHER, "Restore", _HIGH),
    AuditEvent.PROVIDER_UNAVAILABLE: Kind(_LIFE, OTHER, "Fail", _HIGH),
    AuditEvent.ALERT_UNDELIVERED: Kind(_LIFE, OTHER, "Fail", _HIGH),
    AuditEvent.LIMITER_UNAVAILABLE: Kind(_LIFE, OTHER, "Fail", _HIGH),
}
_ACTIVITIES_OF_HOSTS = {"created": 1, "read": 2, "viewed": 2, "updated": 3, "changed": 3, "deleted": 4, "removed": 4}
_NAMES = {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}


def kind_of(event: str) -> Kind:
    """Return what an event is; a host's own, such as ``article.created``, is what its last word says."""
    if event in set(AuditEvent):
        return KINDS[AuditEvent(event)]
    last = event.rpartition(".")[2]
    activity = _ACTIVITIES_OF_HOSTS.get(last, OTHER)
    return Kind(_API, activity, _NAMES.get(activity, last))
