"""What each event of the trail says besides what all of them do. A test holds it against the code that records them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_gatehouse.audit import AuditEvent

_PROVIDER = {"provider": "the provider's name here"}
_WHO = {"name": "as she is shown", "email": "her address, if a provider may be believed about it"}
_STATED = {"name": "as the provider calls her", "email": "the address that the provider states"}
_ROLE = {"role": "the role it gives"}
_ADDRESS = {"email": "the invited address"}
_REFUSED = "why, as [a refused sign-in](errors.md#why-a-sign-in-is-refused)"
_SESSION, _USER, _INVITATION, _REQUEST = "the session", "the user", "the invitation", "the request to join"


@dataclass(frozen=True, slots=True)
class Said:
    """The facts of one event.

    :param target: to what it is done; empty if to nothing in particular.
    :param details: facts that stay for good, and what they mean.
    :param change: fields with their value before and after.
    :param personal: values that go with a person's erasure. Of whoever causes it there are ``ip`` and ``user_agent``.
    :param reason: what the reason can be.
    """

    target: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    change: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


_ENDED = Said(_SESSION, reason="`logout`, `revoked`, `idle`, `absolute`, `replaced`, `deactivated` or `generation`")
_REACH = {
    "checkpoints": "how many it was held against",
    "outside": "how many of them from outside of the database",
    "epoch": "the newest tree",
    "from": "its first position that is still here",
    "to": "its size",
    "vouched": "how far a checkpoint vouches",
}

FACTS: Mapping[AuditEvent, Said] = {
    AuditEvent.LOGIN_SUCCESS: Said(
        _USER,
        _PROVIDER | {"first": "whether she is new", "new_device": "whether this browser did not know her"},
    ),
    AuditEvent.LOGIN_FAIL: Said("the user, if it was known", _PROVIDER, reason=_REFUSED),
    AuditEvent.TOKEN_REUSE: Said("the user, if it was known", _PROVIDER, reason="`state_reused`"),
    AuditEvent.REAUTH_SUCCESS: Said(
        _SESSION, _PROVIDER | {"time_of_proof_known": "whether the provider said when she proved herself"}
    ),
    AuditEvent.REAUTH_FAIL: Said("the user, if it was known", _PROVIDER, reason=_REFUSED),
    AuditEvent.IDENTITY_LINKED: Said(_USER, _PROVIDER, personal={"email": "the account's address"}),
    AuditEvent.IDENTITY_LINK_FAIL: Said("the user, if it was known", _PROVIDER, reason=_REFUSED),
    AuditEvent.IDENTITY_UNLINKED: Said(_USER, _PROVIDER, personal={"email": "the account's address"}),
    AuditEvent.PROVIDER_UNAVAILABLE: Said("the provider"),
    AuditEvent.SESSION_CREATED: Said(_SESSION),
    AuditEvent.SESSION_RENEWED: Said(_SESSION),
    AuditEvent.SESSION_LOGOUT: _ENDED,
    AuditEvent.SESSION_EXPIRED: _ENDED,
    AuditEvent.SESSION_REVOKED: _ENDED,
    AuditEvent.SESSION_USE_AFTER_EXPIRE: _ENDED,
    AuditEvent.AUTHZ_FAIL: Said(
        "the last administrator, if that was why",
        {"method": "of the request", "route": "its rule", "needed": "the role that could"},
        reason="`last_administrator`, or none",
    ),
    AuditEvent.CSRF_REFUSED: Said("", {"method": "of the request", "route": "its rule"}),
    AuditEvent.RATE_LIMIT_EXCEEDED: Said(
        "",
        {
            "of": "`account` or `network`",
            "refusals": "how many there were",
            "wait_seconds": "how long the next one has to wait",
        },
    ),
    AuditEvent.AUTHZ_CHANGE: Said(_USER, change={"role": "her role"}),
    AuditEvent.ACCESS_REVIEWED: Said(
        _USER, {"part": "`roles` or `dormant`", "decision": "`confirm` or `withdraw`", "role": "hers at that time"}
    ),
    AuditEvent.REVIEW_COMPLETED: Said(),
    AuditEvent.BOOTSTRAP_ADMIN_USED: Said(_USER),
    AuditEvent.USER_CREATED: Said(_USER, _PROVIDER, {"role": "none, and hers"}, _WHO),
    AuditEvent.USER_UPDATED: Said(
        _USER,
        {"by": "`user`, `administrator` or `provider`"},
        personal={
            "name.before": "her former name",
            "name.after": "her name",
            "email.before": "her former address",
            "email.after": "her address",
        },
    ),
    AuditEvent.USER_ARCHIVED: Said(_USER, change={"is_active": "true, false"}),
    AuditEvent.USER_ENABLED: Said(_USER, change={"is_active": "false, true"}),
    AuditEvent.USER_HELD: Said(_USER, {"about": "the event that she was written to about"}, reason="`not_me`"),
    AuditEvent.USER_RELEASED: Said(_USER),
    AuditEvent.USER_DELETED: Said(_USER),
    AuditEvent.PERSONAL_DATA_EXPORTED: Said(
        "the user, if it was one", {"subjects": "of somebody who is none: what was told, as `invitation:7`"}
    ),
    AuditEvent.PERSONAL_DATA_ERASED: Said(
        "the user, if it was one",
        {
            "subjects": "to whom the values belonged, as `user:12`",
            "values": "how many they were",
            "unknown_before": "values of unknown people are gone from refusals before this moment",
        },
        reason="`retention`, `replayed` after a restore, `repeated`, or none",
    ),
    AuditEvent.INVITE_CREATED: Said(_INVITATION, _ROLE, personal=_ADDRESS),
    AuditEvent.INVITE_USED: Said(_INVITATION, _ROLE, personal=_ADDRESS),
    AuditEvent.INVITE_REVOKED: Said(_INVITATION, _ROLE, personal=_ADDRESS),
    AuditEvent.INVITE_EXPIRED: Said(_INVITATION, _ROLE, personal=_ADDRESS),
    AuditEvent.JOIN_REQUESTED: Said(_REQUEST, _PROVIDER, personal=_STATED),
    AuditEvent.JOIN_APPROVED: Said(_REQUEST, _ROLE, personal=_STATED),
    AuditEvent.JOIN_APPROVAL_REVOKED: Said(_REQUEST, {"role": "the role it had given"}, personal=_STATED),
    AuditEvent.JOIN_DECLINED: Said(_REQUEST, personal=_STATED),
    AuditEvent.JOIN_EXPIRED: Said(_REQUEST, personal=_STATED),
    AuditEvent.JOIN_USED: Said(_REQUEST, personal=_STATED),
    AuditEvent.SENSITIVE_READ: Said(
        "the user of whom everything is shown",
        {
            "resource": "`audit_log` or `user`",
            "filters": "which were used; their values only where nothing personal can be in them",
            "person": "the id of the one person who was meant",
            "event": "the number of the one event that was read",
        },
    ),
    AuditEvent.TRAIL_EXPORTED: Said(
        "",
        {
            "format": "`jsonl`, `csv` or `ocsf`",
            "filters": "what was asked for; of a text `true`, unless the trail says it of an event",
            "unproven": "whether events without a proof were in it",
        },
        personal={"ip_asked_for": "the network address that was asked for"},
        reason="with the outcome `failure`: `nothing_sealed`, or `unprovable` if it broke off",
    ),
    AuditEvent.VERIFIED: Said("", _REACH),
    AuditEvent.VERIFY_FAILED: Said(
        "",
        _REACH
        | {
            "finding": "the first one: `kind`, `epoch`, `first`, `last`",
            "findings": "how many there are",
            "doubts": "how many things could not be told",
            "size": "of the tree that was not signed",
            "signed_size": "of the one that was",
            "task": "what was stopped by it",
        },
        reason="`tampered`, `undecided`, `inconsistent` or `archive`",
    ),
    AuditEvent.CUT: Said(
        "",
        {
            "epoch": "the tree",
            "first": "the first position that has left",
            "to": "the first that stays",
            "frontier": "hashes that stand for what has left",
            "file": "the archive",
            "sha256": "its digest",
        },
        reason="`repeated`, or none",
    ),
    AuditEvent.BACKUP_MADE: Said(
        "", {"bytes": "how big it is", "schema": "the migration", "size": "how many events are sealed in it"}
    ),
    AuditEvent.BACKUP_DRILLED: Said("", {"schema": "the migration", "size": "how many events were sealed in it"}),
    AuditEvent.RESTORED: Said(
        "",
        {
            "epoch": "the tree that has ended",
            "size": "how many events it had",
            "root": "its root hash",
            "begins": "the number of the new tree",
        },
        reason="`repeated`, or none",
    ),
    AuditEvent.ALERT_UNDELIVERED: Said(
        "",
        {
            "sink": "who was not told",
            "rules": "of each rule how many events",
            "event": "of a letter, the event it was about",
            "number_of_events": "how many events nobody was told of",
        },
    ),
    AuditEvent.LIMITER_UNAVAILABLE: Said(),
}
