"""``gatehouse export`` and ``gatehouse erase``: for people who ask by letter."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext

from ..accounts.errors import LastAdministrator
from ..accounts.locks import is_only_administrator
from ..accounts.service import get_user
from ..audit.traces import count_events_about
from ..kernel.context import COMMAND_LINE
from ..kernel.errors import DependencyUnavailable
from ..kernel.files import write_new
from ..privacy.erasure import erase_address, erase_user, get_waiting
from ..privacy.export import export_address, export_user
from ..privacy.leftovers import settle
from ..web.state import State, state
from .addresses import either_form, find_number, whom
from .progress import bar


@click.command("export")
@with_appcontext
@click.argument("email", callback=whom)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A new file that its owner can read.")
def export(email: str, output: Path | None) -> None:
    """Write everything that is held about a person as JSON.

    EMAIL is her address, or user:12 where none is confirmed. Somebody who was invited or has asked to join, and never
    came, is found by her address, too.
    """
    here = state()
    with here.database.reading() as connection:
        user_id = find_number(connection, email)
    if output is not None and output.exists():
        raise click.ClickException(f"{output} is there already.")
    if user_id is None:
        parts = export_address(here.database, here.settings, either_form(email), actor=COMMAND_LINE)
    else:
        parts = export_user(here.database, here.settings, user_id, actor=COMMAND_LINE)
    if output is None:
        for part in parts:
            click.echo(part, nl=False)
        return
    with here.database.reading() as connection:
        count = 0 if user_id is None else count_events_about(connection, f"user:{user_id}")
    try:
        with bar("Events", count) as shown:
            write_new(output, _counted(parts, shown.update))
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(f"Everything that is held about {email} is in {output}.")


@click.command("erase")
@with_appcontext
@click.argument("email", callback=whom)
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, *, yes: bool) -> None:
    """Erase a person with everything that is held about her, in the audit trail too.

    EMAIL is her address, or user:12 where none is confirmed. Somebody who was invited or has asked to join, and never
    came, is found by her address, too.
    """
    here = state()
    with here.database.reading() as connection:
        user_id = find_number(connection, email)
    for line in _said_before(here, email, user_id):
        click.echo(line)
    if not yes and not click.confirm("Erase this for good?"):
        raise click.Abort
    if user_id is None:
        erase_address(here.database, here.settings, either_form(email), actor=COMMAND_LINE)
    else:
        erase_user(here.database, here.settings, user_id, actor=COMMAND_LINE)
    try:
        settle(here.database, here.settings)
    except DependencyUnavailable as error:
        # She is gone. Whoever reads of a failure would ask for it again, and be told that nobody has this address.
        click.echo(f"{email} was erased.")
        click.echo(f"What that leaves to do could not be done yet: {error}. The worker goes on.", err=True)
    else:
        click.echo(f"{email} was erased. The ledger of erasures is {here.settings.erasure_ledger}.")


def _said_before(here: State, email: str, user_id: int | None) -> Iterable[str]:
    """Yield what will be erased, for whoever has to say yes to it.

    :raises LastAdministrator: before the first line, if she is the only one.
    """
    if user_id is None:
        with here.database.transaction() as db:
            held, named = get_waiting(db, here.settings, either_form(email))
        ended = len(named) - len(held)
        yield f"Nobody here has the address {email}."
        yield f"  Invitations and requests to join for it: {len(held)}. Others that are over, in the trail: {ended}."
        return
    with here.database.reading() as connection:
        # Whoever is told that somebody “is erased” takes her for gone, whatever comes after it.
        if is_only_administrator(connection, user_id):
            raise LastAdministrator(user_id)
        user, events = get_user(connection, user_id), count_events_about(connection, f"user:{user_id}")
    yield f"{user.name} ({user.email or 'no confirmed address'}), {user.role}, user {user.id}, is erased:"
    yield "  the account, its ways to sign in, its sessions, invitations to it and requests to join;"
    yield f"  names, addresses, networks and browsers of this person in {events:,} events of the trail, which stay."


def _counted(parts: Iterable[str], advance: Callable[[int], None]) -> Iterator[bytes]:
    for part in parts:
        yield part.encode()
        advance(1)
