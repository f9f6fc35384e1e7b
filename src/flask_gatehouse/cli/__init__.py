"""The commands: ``gatehouse …``, and ``flask gatehouse …`` in a host."""

import signal
from threading import Event
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from ..accounts.errors import AlreadyAdministrator
from ..accounts.service import (
    appoint_administrator,
    get_user,
    history_of_role,
    invite_administrator,
    release_user,
)
from ..db.migrate import upgrade
from ..db.schema import HEAD, current_version
from ..kernel.context import COMMAND_LINE
from ..kernel.errors import GatehouseError
from ..ops import worker
from ..sessions.service import end_sessions
from ..web.explain import decide, reasons
from ..web.letters import writer_of
from ..web.state import current_application, state
from .addresses import find_person, number_of, whom
from .alerts import alert_commands
from .audit import audit_commands
from .backup import backup, restore_backup
from .doctor import doctor
from .privacy import erase, export


class Explaining(click.Group):
    """Commands whose expected failures are a sentence and an exit code, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GatehouseError as error:
            raise click.ClickException(f"{error}.") from error
        except DBAPIError as error:
            # The driver's own first line; what follows may hold values.
            raise click.ClickException(str(error.orig).partition("\n")[0]) from error


class ExplainingGroup(Explaining, AppGroup):
    """The same, with the application's context for each command."""


gatehouse_commands = ExplainingGroup("gatehouse", help="Sign-in, sessions, users and the audit trail.")
gatehouse_commands.add_command(alert_commands)
gatehouse_commands.add_command(audit_commands)
gatehouse_commands.add_command(export)
gatehouse_commands.add_command(erase)
gatehouse_commands.add_command(backup)
gatehouse_commands.add_command(restore_backup)
gatehouse_commands.add_command(doctor)


@gatehouse_commands.group("db")
def db_commands() -> None:
    """Bring the database to the schema of this release."""


@db_commands.command("upgrade")
def db_upgrade() -> None:
    """Apply every migration that is missing."""
    upgrade(state().database.engine)
    click.echo(f"The database is at migration {HEAD}.")


@db_commands.command("check")
def db_check() -> None:
    """Say whether every migration has been applied; exit 1 if not."""
    with state().database.reading() as connection:
        version = current_version(connection)
    if version != HEAD:
        click.echo(
            f"The database is at {version or 'no migration'}, this release needs {HEAD}. Run: gatehouse db upgrade"
        )
        raise SystemExit(1)
    click.echo(f"The database is at migration {HEAD}.")


@gatehouse_commands.command("create-admin")
@click.argument("email", callback=whom)
def create_admin(email: str) -> None:
    """Make the owner of an address an administrator, at her first sign-in if she has none yet.

    EMAIL is her address, or user:12 for somebody who is here and for whose address no provider vouches.
    """
    number = number_of(email)
    try:
        with state().database.transaction() as db:
            done = invite_administrator(db, email) if number is None else appoint_administrator(db, number)
    except AlreadyAdministrator:
        click.echo(f"{email} is an administrator already.", err=True)
        raise SystemExit(1) from None
    if done:
        click.echo(f"{email} is an administrator now.")
    else:
        click.echo(f"{email} becomes an administrator at the first sign-in with that address.")


@gatehouse_commands.command("release")
@click.argument("email", callback=whom)
def release(email: str) -> None:
    """Let somebody sign in again who said that it was not she; for when no administrator is left who could.

    EMAIL is her address, or user:12 where none is confirmed.
    """
    with state().database.transaction() as db:
        released = release_user(db, find_person(db, email), actor=COMMAND_LINE)
    click.echo(f"{email} can sign in again." if released else f"{email} was not locked.")


@gatehouse_commands.group("sessions")
def session_commands() -> None:
    """End sessions."""


@session_commands.command("revoke")
@click.option(
    "--user", "email", callback=lambda c, p, v: v and whom(c, p, v), help="Of this person: an address, or user:12."
)
@click.option("--all", "everybody", is_flag=True, help="Of everybody.")
def sessions_revoke(email: str | None, *, everybody: bool) -> None:
    """End the sessions of one person, or of everybody."""
    if bool(email) == everybody:
        raise click.UsageError("Say either --user EMAIL or --all.")
    with state().database.transaction() as db:
        count = end_sessions(db, find_person(db, email) if email else None, actor=COMMAND_LINE)
    click.echo("One session was ended." if count == 1 else f"{count} sessions were ended.")


@gatehouse_commands.command("explain")
@click.argument("email", callback=whom)
@click.argument("method", type=click.Choice(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
def explain(email: str, method: str, path: str) -> None:
    """Say why this person may or may not, and since when; exit 0 if she may, 1 if not.

    EMAIL is her address, or user:12 where none is confirmed.
    """
    with state().database.reading() as connection:
        user_id = find_person(connection, email)
        user, history = get_user(connection, user_id), history_of_role(connection, user_id)
    decision = decide(current_app, user, method.upper(), path)
    click.echo(f"{user.name} {'may' if decision.may else 'may not'}. {decision.why}")
    for thing in decision.things:
        click.echo(f"  The view asks a rule of its own: {thing}")
    for label, sentence, since in reasons(user, history):
        click.echo(f"  {label}: {sentence}{f' ({since:%Y-%m-%d %H:%M} UTC)' if since else ''}")
    raise SystemExit(0 if decision.may else 1)


@gatehouse_commands.command("worker")
def run_worker() -> None:
    """Expire sessions and tidy up, until stopped."""
    run, stop = worker.prepare(state().database, state().settings, writer_of(current_application())), Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    click.echo("The worker is running. Press Ctrl+C to stop.")
    run(stop)
