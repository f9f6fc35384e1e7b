"""What is done for one person, by her address or her number."""

from urllib.parse import unquote

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from ..accounts.errors import AlreadyAdministrator
from ..accounts.locks import is_only_administrator
from ..accounts.names import find_names
from ..accounts.service import (
    appoint_administrator,
    find_claimant,
    get_user,
    history_of_role,
    invite_administrator,
    release_user,
)
from ..db.database import Database
from ..kernel.context import COMMAND_LINE
from ..sessions.service import end_sessions
from ..sessions.telling import count_live_sessions
from ..web.explain import Known, decide, reasons
from ..web.state import state
from .addresses import bindable, find_person, number_of, whom
from .progress import bar

# Sessions that one transaction ends: nobody signs in while it lasts.
AT_ONCE = 1000

METHODS = click.Choice(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False)


@click.command("create-admin")
@with_appcontext
@click.argument("email", callback=whom)
def create_admin(email: str) -> None:
    """Make the owner of an address an administrator, at her first sign-in if she has none yet.

    EMAIL is her address, or user:12 for somebody who is here and for whose address no provider vouches.
    """
    number = number_of(email)
    try:
        with state().database.transaction() as db:
            if number is None:
                done = invite_administrator(db, bindable(email))
            else:
                appoint_administrator(db, number)
                done = True
    except AlreadyAdministrator:
        click.echo(f"{email} is an administrator already.", err=True)
        raise SystemExit(1) from None
    if done:
        click.echo(f"{email} is an administrator now.")
    else:
        click.echo(f"{email} becomes an administrator at the first sign-in with that address.")


@click.command("release")
@with_appcontext
@click.argument("email", callback=whom)
def release(email: str) -> None:
    """Let somebody sign in again who said that it was not she; for when no administrator is left who could.

    EMAIL is her address, or user:12 where none is confirmed.
    """
    with state().database.transaction() as db:
        released = release_user(db, find_person(db, email), actor=COMMAND_LINE)
    click.echo(f"{email} can sign in again." if released else f"{email} was not locked.")


@click.group("sessions", cls=AppGroup)
def session_commands() -> None:
    """End sessions."""


@session_commands.command("revoke")
@click.option("--user", "email", callback=whom, help="Of this person: an address, or user:12.")
@click.option("--all", "everybody", is_flag=True, help="Of everybody.")
def sessions_revoke(email: str | None, *, everybody: bool) -> None:
    """End the sessions of one person, or of everybody."""
    if (email is not None) == everybody:
        raise click.UsageError("Say either --user EMAIL or --all.")
    database = state().database
    if email is not None:
        with database.transaction() as db:
            count = end_sessions(db, find_person(db, email), actor=COMMAND_LINE)
    else:
        count = _end_everybodys(database)
    click.echo("One session was ended." if count == 1 else f"{count} sessions were ended.")


def _end_everybodys(database: Database) -> int:
    with database.reading() as connection:
        expected = count_live_sessions(connection)
    ended = 0
    # What has ended stays so, if it is broken off: asking once more goes on with the rest.
    with bar("Sessions", expected) as shown:
        while True:
            with database.transaction() as db:
                number = end_sessions(db, None, actor=COMMAND_LINE, batch=AT_ONCE)
            if not number:
                return ended
            ended += number
            shown.update(number)


@click.command("explain")
@with_appcontext
@click.argument("email", callback=whom)
@click.argument("method", type=METHODS, metavar="METHOD")
@click.argument("path")
def explain(email: str, method: str, path: str) -> None:
    """Say why this person may or may not, and since when; exit 0 if she may, 1 if not.

    EMAIL is her address, or user:12 where none is confirmed.
    """
    with state().database.reading() as connection:
        user_id = find_person(connection, email)
        user, history = get_user(connection, user_id), history_of_role(connection, user_id)
        names = find_names(connection, history.actors)
        # Of an address that was pasted, the part that says where it leads, decoded once, as a server does.
        path = unquote(path.partition("?")[0].partition("#")[0])
        known = Known(
            is_held=history.held_at is not None,
            is_there=lambda number: bool(find_names(connection, [number])),
            is_last=lambda: is_only_administrator(connection, user_id),
            is_claimant=lambda: find_claimant(connection) == user_id,
        )
        decision = decide(current_app, user, method.upper(), path, known)
    click.echo(f"{user.name} {'may' if decision.may else 'may not'}. {decision.why}")
    for thing in decision.things:
        click.echo(f"  The view asks a rule of its own: {thing}")
    for label, sentence, since in reasons(user, history, names):
        click.echo(f"  {label}: {sentence}{f' ({since:%Y-%m-%d %H:%M} UTC)' if since else ''}")
    raise SystemExit(0 if decision.may else 1)
