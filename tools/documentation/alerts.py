"""What operators are told: the tables of rules, and a message as a program reads it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_gatehouse.alerts import rules
from flask_gatehouse.alerts.messages import Alert, Message, as_json
from flask_gatehouse.alerts.overdue import OVERDUE
from flask_gatehouse.alerts.rules import RULES, Rule
from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.audit.following import SealedEvent

from .events import link
from .markdown import code, table

_GROUPS: Mapping[Callable[[SealedEvent], str | None], str] = {
    rules.everything: "all together",
    rules.by_actor: "by who did it",
    rules.by_target: "by what it was done to",
    rules.by_account: "by the account",
    rules.by_network: "by the network",
}
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_MEANINGS = {
    "application": "`GATEHOUSE_APP_NAME`",
    "subject": "all of it in one line",
    "url": "where there is more to see",
    "alerts": "one object for each group that is shown",
    "more": "of each title, how many more groups there are",
    "rule": "its name, as above",
    "title": "the same in words",
    "about": "whom or what it concerns, in words; null where the title says all",
    "key": "the same as the trail writes it; empty where there is nothing",
    "count": "how many events",
    "since": "when the first of them happened, ISO 8601 in UTC",
    "until": "when the last one did",
    "examples": "a line for each of the first events, three at most",
}
_MOMENT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
_MESSAGE = Message(
    "Gatehouse",
    "https://gate.example.com/admin/audit-logs",
    [Alert("refusals-network", "Repeated refusals from one network", "192.0.2.0/24", "192.0.2.0/24", 20, _MOMENT,
           _MOMENT + timedelta(minutes=3),
           ["2026-11-27 09:30:00 UTC · authn_login_fail · by anonymous · not_invited · from 192.0.2.7"])],
    [("Repeated refusals from one network", 2)],
)  # fmt: skip


def text() -> str:
    happened = [(code(rule.name), rule.title, _events(rule), _when(rule), _words(rule.window)) for rule in RULES]
    missing = [(code(rule.name), rule.title, _words(rule.window)) for rule in OVERDUE]
    return "\n".join(
        [
            table(("rule", "it says", "from", "told", "then quiet for"), happened),
            "What should have happened by now is looked for each minute:\n",
            table(("rule", "it says", "again after"), missing),
        ]
    )


def message() -> str:
    said: dict[str, Any] = as_json(_MESSAGE)
    fields = [(code(name), _MEANINGS[name]) for name in said if name != "type"]
    fields += [(code(f"alerts[].{name}"), _MEANINGS[name]) for name in said["alerts"][0]]
    example = json.dumps(said, indent=2, ensure_ascii=False)
    return f"```json\n{example}\n```\n\n{table(('field', 'says'), fields)}"


def _events(rule: Rule) -> str:
    events = [link(AuditEvent(event)) for event in sorted(rule.events)]
    return ", ".join(events) + ("; some of them" if rule.applies is not rules.always else "")


def _when(rule: Rule) -> str:
    enough = f"{rule.at_least} within {_words(rule.window)}" if rule.at_least > 1 else "the first"
    waits = f", after {_words(rule.settle)}" if rule.settle else ", at once"
    return f"{enough}{waits}; {_GROUPS[rule.group]}"


def _words(length: timedelta) -> str:
    for name, unit in _UNITS:
        if length >= unit and not length % unit:
            return f"{length // unit} {name}{'s' if length > unit else ''}"
    return f"{length.total_seconds():.0f} seconds"
