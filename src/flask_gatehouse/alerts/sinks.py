"""Where operators are told: a mailbox, a webhook, the log. Each call comes to an end, or fails."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..kernel.errors import DependencyUnavailable, GatehouseError
from ..settings import Settings, WebhookFormat
from . import webhook
from .errors import LetterRefused
from .letters import Write
from .mail import Mailer, mailer_of
from .messages import Message, as_json, as_text

log = logging.getLogger("flask_gatehouse.alerts")


class Sink(Protocol):
    """Something that messages are brought to."""

    @property
    def name(self) -> str:
        """Return the word under which its place in the trail is remembered."""
        ...

    def send(self, message: Message) -> None:
        """Bring a message.

        :raises DependencyUnavailable: if it may arrive another time.
        :raises LetterRefused: if it never will.
        """
        ...


@dataclass(frozen=True, slots=True)
class MailSink:
    """The mailbox of ``GATEHOUSE_ALERT_EMAIL``."""

    mailer: Mailer
    address: str
    write: Write
    name: str = "alerts-mail"

    def send(self, message: Message) -> None:
        facts = {"message": message, "lines": as_text(message)}
        self.mailer.send(self.write("alert", "en", self.address, facts))


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """The address of ``GATEHOUSE_ALERT_WEBHOOK_URL``: signed JSON, or what a chat takes."""

    url: str
    secret: str | None
    format: WebhookFormat
    name: str = "alerts-webhook"

    def send(self, message: Message) -> None:
        content = as_json(message)
        if self.format is WebhookFormat.SLACK:
            content = {"text": webhook.escaped_for_slack(f"*{message.subject}*\n{as_text(message)}")}
        webhook.post(self.url, self.secret, content)


@dataclass(frozen=True, slots=True)
class LogSink:
    """The operator's log: one line for each alert, without names or addresses of people."""

    name: str = "alerts-log"

    def send(self, message: Message) -> None:
        for alert in message.alerts:
            log.warning("alert %s: %s %s %s", alert.rule, alert.title, alert.key, alert.times)
        for title, count in message.more:
            log.warning("alert: and %s more: %s", count, title)
        if message.is_test:
            log.warning("alert test: this is a test")


def try_out(settings: Settings, sinks: Sequence[Sink]) -> Iterator[tuple[Sink, GatehouseError | None]]:
    """Send a test message to each; yield it with why it was not taken, or with None."""
    message = Message(settings.app_name, settings.external_url("/dashboard"), (), is_test=True)
    for sink in sinks:
        refusal: GatehouseError | None = None
        try:
            sink.send(message)
        except (DependencyUnavailable, LetterRefused) as error:
            refusal = error
        yield sink, refusal


def configured_sinks(settings: Settings, write: Write) -> Sequence[Sink]:
    """Return the sinks that the settings name; the log is always one."""
    sinks: list[Sink] = [LogSink()]
    mailer = mailer_of(settings)
    if mailer is not None and settings.alert_email is not None:
        sinks.append(MailSink(mailer, settings.alert_email, write))
    if settings.alert_webhook_url is not None:
        secret = settings.alert_webhook_secret
        url = settings.alert_webhook_url.reveal()
        sinks.append(WebhookSink(url, secret.reveal() if secret else None, settings.alert_webhook_format))
    return sinks
