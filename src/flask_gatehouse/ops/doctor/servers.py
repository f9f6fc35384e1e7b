"""What the application speaks to besides: Redis, a mail server, a webhook."""

import smtplib
import socket
from datetime import timedelta
from urllib.parse import urlsplit

from ...alerts.mail import mailer_of
from ...alerts.sinks import configured_sinks, try_out
from ...kernel.errors import DependencyUnavailable
from ...limiting import TooManyRequests, make_limiter
from ...settings import Rate
from ...signin.connection import trusted_authorities
from .finding import Check, Finding, Item, failed, ok, warning
from .site import made_up
from .subject import Subject

_TIMEOUT_S = 6.0


def limiter(subject: Subject) -> Finding:
    """Count at two places, as two processes would, and see whether the second knows of the first."""
    first, second = make_limiter(subject.settings), make_limiter(subject.settings)
    once, key = Rate(1, timedelta(seconds=10)), made_up()
    try:
        first.check()
    except DependencyUnavailable:
        return failed(
            "Redis does not count: each process counts for itself, and what must not be guessed at is refused.",
            "Start Redis, and look whether REDIS_URL names it, its password is right, and it has room (maxmemory).",
        )
    first.hit(key, once)
    try:
        second.hit(key, once)
    except TooManyRequests:
        return ok("One request was counted in one place, and the second refused in another: all processes share.")
    return warning(
        "A request that was counted in one place was not known in another: each process counts for itself.",
        "With more than one process set REDIS_URL; an attacker has as many tries as there are processes otherwise.",
    )


def mail(subject: Subject) -> Finding:
    """Greet the mail server and begin TLS; hand nothing in unless asked to."""
    mailer = mailer_of(subject.settings)
    if mailer is None:
        return warning("No mail server is configured.", "Set GATEHOUSE_SMTP_URL: people are told what concerns them.")
    server = mailer.server
    try:
        with mailer.connected() as connection:
            code = connection.ehlo()[0]
            secure = server.implicit_tls or not server.plain
    except smtplib.SMTPAuthenticationError as error:
        return failed(
            f"{server.host}:{server.port} does not accept the account (it says {error.smtp_code}).",
            "Correct user and password in GATEHOUSE_SMTP_URL.",
        )
    except (OSError, smtplib.SMTPException) as error:
        return failed(
            f"{server.host}:{server.port} was greeted, and it came to {type(error).__name__}.",
            "Look whether GATEHOUSE_SMTP_URL names it, and smtps:// or smtp:// (STARTTLS) as it wants it.",
        )
    account = "" if server.user is None else ", and it accepts the account"
    how = "encrypted" if secure else "on this very machine"
    return ok(f"{server.host}:{server.port} was greeted with EHLO, {how} (it says {code}){account}.")


def hook(subject: Subject) -> Finding:
    """Connect to the webhook; nothing is sent, since whoever listens would take it for an alert."""
    secret = subject.settings.alert_webhook_url
    if secret is None:
        return ok("No webhook is configured.")
    # An address of a chat is itself a secret: host and port alone are shown.
    parts = urlsplit(secret.reveal())
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as opened:
            if parts.scheme == "https":
                trusted_authorities().wrap_socket(opened, server_hostname=host).close()
    except OSError as error:
        return failed(
            f"{host}:{port} was connected to, and it came to {type(error).__name__}.",
            "Look whether GATEHOUSE_ALERT_WEBHOOK_URL is right, and whether this machine may reach it.",
        )
    if parts.scheme != "https":
        return warning(
            f"{host}:{port} takes connections, without TLS.", "Use an https address: alerts name people and networks."
        )
    return ok(f"{host}:{port} takes connections, and an authority that is believed vouches for it.")


def alerts(subject: Subject) -> Finding:
    """See whether somebody is told; with ``--send``, by telling."""
    settings = subject.settings
    sinks = [one for one in configured_sinks(settings, subject.write) if one.name != "alerts-log"]
    names = ", ".join(one.name.removeprefix("alerts-") for one in sinks)
    if not sinks:
        return failed(
            "Alerts go to the log alone, where nobody may look.",
            "Set GATEHOUSE_ALERT_EMAIL or GATEHOUSE_ALERT_WEBHOOK_URL.",
        )
    if not subject.send:
        return warning(
            f"Alerts go to: {names}. No message was sent.", "Run gatehouse doctor --send, or gatehouse alerts test."
        )
    for sink, refusal in try_out(settings, sinks):
        if refusal is not None:
            return failed(f"A test message was sent by {sink.name}, and was not taken: {refusal}.", "Mend that first.")
    return ok(f"A test message was taken by: {names}.")


CHECKS = (
    Check("limiter", "All processes count requests together", Item.RATE_LIMIT, limiter),
    Check("mail", "The mail server takes letters", Item.ALERTS, mail),
    Check("webhook", "The webhook is reached", Item.ALERTS, hook),
    Check("alerts", "Somebody is told what is wrong", Item.ALERTS, alerts, deadline=70),
)
