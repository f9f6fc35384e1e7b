"""What operators are told about: the table of rules over the trail. ``overdue`` has what should have happened."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..accounts.rules import LAST_ADMINISTRATOR
from ..audit.events import UNDECIDED, AuditEvent, Upkeep
from ..audit.following import SealedEvent
from ..kernel.networks import network_of
from ..sessions.rules import BY_TIME

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR = timedelta(hours=1)
# How many events of a group a message shows.
EXAMPLES = 3


def everything(event: SealedEvent) -> str | None:
    """All events of the rule are one group."""
    return ""


def by_actor(event: SealedEvent) -> str | None:
    """Those of one person are one group."""
    who = event.body["actor"]
    return f"user:{who['id']}" if who["id"] is not None else str(who["kind"])


def by_target(event: SealedEvent) -> str | None:
    """Those that happened to one thing are one group."""
    target = event.body["target"]
    return None if target is None else f"{target['type']}:{target['id']}"


def by_account(event: SealedEvent) -> str | None:
    """Those of one account are one group: of whoever was signed in, else of the person that the event names."""
    target, actor_id = event.body["target"], event.body["actor"]["id"]
    if actor_id is not None:
        return f"user:{actor_id}"
    return by_target(event) if target is not None and target["type"] == "user" else None


def by_network(event: SealedEvent) -> str | None:
    """Those from one network are one group."""
    return network_of(event.personal.get("ip"))


def always(event: SealedEvent) -> bool:
    return True


def from_a_new_device(event: SealedEvent) -> bool:
    return event.body["details"].get("new_device") is True


@dataclass(frozen=True, slots=True)
class Rule:
    """What is told about events that happen.

    :param name: under which its groups are kept, and by which programs know it.
    :param title: in the operator's words.
    :param group: what the events of one group have in common, as text; None leaves an event out.
    :param at_least: so many events of a group, each within ``window`` of the first, before anybody is told.
    :param window: for how long a group that was told about says nothing more.
    :param settle: how long the first message waits for what comes with it.
    """

    name: str
    title: str
    events: frozenset[str]
    group: Callable[[SealedEvent], str | None] = everything
    applies: Callable[[SealedEvent], bool] = always
    at_least: int = 1
    window: timedelta = HOUR
    settle: timedelta = timedelta()


_REFUSALS = frozenset(
    {
        AuditEvent.LOGIN_FAIL,
        AuditEvent.TOKEN_REUSE,
        AuditEvent.REAUTH_FAIL,
        AuditEvent.IDENTITY_LINK_FAIL,
        AuditEvent.AUTHZ_FAIL,
        AuditEvent.CSRF_REFUSED,
    }
)

RULES: tuple[Rule, ...] = (
    Rule("refusals-account", "Repeated refusals of one account", _REFUSALS, by_account,
         at_least=10, window=15 * MINUTE, settle=MINUTE),
    Rule("refusals-network", "Repeated refusals from one network", _REFUSALS, by_network,
         at_least=20, window=15 * MINUTE, settle=MINUTE),
    Rule("slowed-down", "Refused sign-ins were slowed down", frozenset({AuditEvent.RATE_LIMIT_EXCEEDED}), by_network,
         settle=MINUTE),
    Rule("new-device", "Sign-in from a new device", frozenset({AuditEvent.LOGIN_SUCCESS}),
         applies=from_a_new_device, settle=MINUTE),
    # Where somebody has ended it, the cookie may be in other hands: a thief comes back after “this was not me”. All are
    # one group, because everybody comes with such a cookie after all sessions were ended.
    Rule("session-after-end", "A session was used after somebody had ended it",
         frozenset({AuditEvent.SESSION_USE_AFTER_EXPIRE}),
         applies=lambda event: event.body["reason"] not in BY_TIME, settle=MINUTE),
    Rule("role-changed", "A role or a permission was changed",
         frozenset({AuditEvent.AUTHZ_CHANGE, AuditEvent.BOOTSTRAP_ADMIN_USED}), by_actor,
         settle=5 * SECOND),
    Rule("administrator-invited", "Somebody was invited as an administrator", frozenset({AuditEvent.INVITE_CREATED}),
         by_actor, applies=lambda event: event.body["details"].get("role") == "admin"),
    Rule("last-administrator", "Somebody tried to take away the last administrator", frozenset({AuditEvent.AUTHZ_FAIL}),
         by_actor, applies=lambda event: event.body["reason"] == LAST_ADMINISTRATOR),
    Rule("not-me", "Somebody says that it was not she who signed in", frozenset({AuditEvent.USER_HELD}), by_target),
    Rule("erased", "A person was deleted or erased",
         frozenset({AuditEvent.USER_DELETED, AuditEvent.PERSONAL_DATA_ERASED}), by_actor,
         applies=lambda event: event.body["reason"] not in {Upkeep.RETENTION, Upkeep.REPEATED}, settle=MINUTE),
    Rule("verification-failed", "The audit trail does not verify", frozenset({AuditEvent.VERIFY_FAILED}),
         applies=lambda event: event.body["reason"] != UNDECIDED),
    Rule("verification-undecided", "A verification of the audit trail came to no result",
         frozenset({AuditEvent.VERIFY_FAILED}), applies=lambda event: event.body["reason"] == UNDECIDED),
    Rule("provider-down", "A sign-in service does not answer", frozenset({AuditEvent.PROVIDER_UNAVAILABLE}), by_target),
    Rule("limiter-down", "Redis is away, and requests are not counted together",
         frozenset({AuditEvent.LIMITER_UNAVAILABLE})),
    Rule("undelivered", "Somebody could not be told", frozenset({AuditEvent.ALERT_UNDELIVERED})),
)  # fmt: skip

KINDS: frozenset[str] = frozenset(str(kind) for rule in RULES for kind in rule.events)


@dataclass(slots=True)
class Group:
    """What has happened of one kind since somebody was last told.

    :param examples: places of the first of them.
    :param due_at: when it is told; None while there is too little of it.
    :param quiet_until: before when it is not told again.
    """

    count: int = 0
    since: datetime | None = None
    until: datetime | None = None
    examples: list[tuple[int, int]] = field(default_factory=list)
    due_at: datetime | None = None
    quiet_until: datetime | None = None


def add(group: Group, rule: Rule, event: SealedEvent, now: datetime) -> None:
    """Count an event. Too few that are too old are forgotten: they were no repetition."""
    # Whoever may add events can date one years ahead. Until then nobody would be told of its group.
    at = min(event.occurred_at, now)
    if group.since is None or (group.due_at is None and at - group.since > rule.window):
        group.count, group.since, group.examples = 0, at, []
    group.count += 1
    group.until = at
    if len(group.examples) < EXAMPLES:
        group.examples.append((event.place.epoch, event.place.position))
    if group.count >= rule.at_least and group.due_at is None:
        group.due_at = max(group.since + rule.settle, group.quiet_until or at)
