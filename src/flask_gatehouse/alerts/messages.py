"""What operators are told: once as values, once as text, once as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# Groups that a message shows one by one; of the others it says how many there are.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Alert:
    """One group in a message.

    :param rule: its name, for programs.
    :param about: whom or what it concerns, in words; None where the title says all.
    :param key: the same as the trail writes it, such as ``user:7``; empty where there is nothing.
    :param examples: one line for each of some events.
    """

    rule: str
    title: str
    about: str | None
    key: str
    count: int
    since: datetime
    until: datetime
    examples: Sequence[str] = ()

    @property
    def times(self) -> str:
        """Return how often and when."""
        if self.count == 1:
            return _said(self.until)
        return f"{self.count:,} times, from {_said(self.since)} to {_said(self.until)}"


@dataclass(frozen=True, slots=True)
class Message:
    """What a sink is told at once.

    :param application: its name.
    :param url: where there is more to see.
    :param more: of each title, how many more groups there are than are shown.
    :param is_test: whether somebody only tries whether it arrives.
    """

    application: str
    url: str
    alerts: Sequence[Alert]
    more: Sequence[tuple[str, int]] = ()
    is_test: bool = False

    @property
    def subject(self) -> str:
        """Return all of it in one line."""
        if self.is_test:
            return f"[{self.application}] This is a test"
        first, others = self.alerts[0], len(self.alerts) - 1 + sum(count for _, count in self.more)
        times = f" ({first.count:,} times)" if first.count > 1 else ""
        return f"[{self.application}] {first.title}{times}" + (f" and {others:,} more" if others else "")


def as_text(message: Message) -> str:
    """Return the message as lines."""
    if message.is_test:
        return f"Somebody tries whether alerts of {message.application} arrive. This one did.\n\n{message.url}\n"
    blocks = []
    for alert in message.alerts:
        lines = [alert.title + (f": {alert.about}" if alert.about else ""), f"  {alert.times}"]
        blocks.append("\n".join([*lines, *(f"  - {example}" for example in alert.examples)]))
    more = [f"and {count:,} more: {title}" for title, count in message.more]
    return "\n\n".join([*blocks, *more, message.url]) + "\n"


def as_json(message: Message) -> dict[str, object]:
    """Return the message as a program reads it: moments are ISO 8601 in UTC."""
    return {
        "type": "alert.test" if message.is_test else "alert",
        "application": message.application,
        "subject": message.subject,
        "url": message.url,
        "alerts": [
            {
                "rule": alert.rule,
                "title": alert.title,
                "about": alert.about,
                "key": alert.key,
                "count": alert.count,
                "since": alert.since.isoformat(),
                "until": alert.until.isoformat(),
                "examples": list(alert.examples),
            }
            for alert in message.alerts
        ],
        "more": [{"title": title, "count": count} for title, count in message.more],
    }


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
