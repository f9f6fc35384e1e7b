"""``gatehouse alerts …``: whether alerts arrive."""

import click
from flask.cli import AppGroup

from ..alerts.letters import Write
from ..alerts.sinks import configured_sinks, try_out
from ..settings import Settings
from ..web.letters import writer_of
from ..web.state import current_application, state

alert_commands = AppGroup("alerts", help="What operators are told.")


@alert_commands.command("test")
def test() -> None:
    """Send a test message through every sink that is configured; exit 1 if one of them does not take it."""
    settings = state().settings
    for missing in _missing(settings):
        click.echo(missing)
    if not _send(settings, writer_of(current_application())):
        raise SystemExit(1)


def _send(settings: Settings, write: Write) -> bool:
    """Return whether every sink took a test message; say of each what happened."""
    all_well = True
    for sink, refusal in try_out(settings, configured_sinks(settings, write)):
        all_well &= refusal is None
        click.echo(f"{sink.name.removeprefix('alerts-')}: {refusal or 'taken'}.", err=refusal is not None)
    return all_well


def _missing(settings: Settings) -> list[str]:
    """Return a sentence for each sink that is not configured."""
    missing = []
    if settings.alert_email is None:
        missing.append("mail: not configured (GATEHOUSE_ALERT_EMAIL, with GATEHOUSE_SMTP_URL and GATEHOUSE_MAIL_FROM).")
    if settings.alert_webhook_url is None:
        missing.append("webhook: not configured (GATEHOUSE_ALERT_WEBHOOK_URL and GATEHOUSE_ALERT_WEBHOOK_SECRET).")
    return missing
