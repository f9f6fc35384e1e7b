"""``gatehouse audit export``: the trail, or a part of it, into a file or to whoever reads."""

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from ..audit.events import Outcome
from ..audit.exporting.selection import Selection
from ..audit.exporting.writing import Export, Format, count_events, count_unproven, take_export
from ..audit.keys import believed_keys
from ..audit.note_keys import VerifierKey
from ..audit.search import TrailQuery
from ..audit.service import Target
from ..kernel.clock import utc_now
from ..kernel.context import COMMAND_LINE
from ..kernel.files import write_new
from ..web.audit_query import find_network_address
from ..web.state import state
from .addresses import find_person, whom
from .keys import public_keys
from .progress import bar


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("must be a day or a moment, as 2026-11-24 or 2026-11-24T15:00:00Z.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _network_address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    found = None if value is None else find_network_address(value)
    if value is not None and found is None:
        raise click.BadParameter("must be a network address, as 192.0.2.7 or 2001:db8::7.")
    return found


def _target(context: click.Context, parameter: click.Parameter, value: str | None) -> Target | None:
    kind, colon, identifier = (value or "").partition(":")
    if value is not None and not (kind and colon and identifier):
        raise click.BadParameter("must be a kind and an id, as article:7.")
    return (kind, identifier) if value else None


@click.command("export")
@click.option(
    "--format", "form", type=click.Choice([form.value for form in Format]), default="jsonl", show_default=True
)
@click.option("--output", type=click.Path(path_type=Path), help="A new file; what is printed otherwise.")
@click.option("--since", callback=_moment, help="What happened at this moment or later; without a zone it is UTC.")
@click.option("--until", callback=_moment, help="What happened before this moment.")
@click.option(
    "--user",
    "email",
    callback=whom,
    help="What this person did, and what was done to her: an address, or user:12.",
)
@click.option("--event", help="Events of this name, as authz_fail or article.published.")
@click.option("--outcome", type=click.Choice([outcome.value for outcome in Outcome]))
@click.option("--ip", callback=_network_address, help="From this network address.")
@click.option("--target", callback=_target, help="Done to this thing, as article:7.")
@click.option("--session", help="In the session of this public id.")
@click.option("--request", help="On behalf of the request of this id.")
@click.option("--unproven", is_flag=True, help="Also what no checkpoint holds yet; csv and ocsf always have it.")
@click.option(
    "--public-key",
    "keys",
    multiple=True,
    callback=public_keys,
    help="A key that signed earlier, as audit keygen printed it.",
)
@with_appcontext
def export(form: str, output: Path | None, keys: list[VerifierKey], *, unproven: bool, **asked: Any) -> None:
    """Export the trail: as JSON Lines that prove themselves, as CSV, or in OCSF 1.8.0.

    Check the first kind anywhere with verify_export.py, or here with: gatehouse audit verify --from-export FILE.
    """
    if output is not None and os.path.lexists(output):
        raise click.ClickException(f"{output} exists already and was left as it is. Name another file.")
    here = state()
    keys = believed_keys(here.settings, keys)
    selection = Selection(_query(**asked))
    total = count_events(here.database.engine)
    with bar("Exporting", total) as shown:
        wanted = Export(Format(form), selection, keys, with_unproven=unproven, advance=shown.update)
        pieces = take_export(here.database, wanted, utc_now(), actor=COMMAND_LINE)
        if output is None:
            _print(pieces)
        else:
            _write(output, pieces)
    _say_what_is_missing(wanted)


def _query(
    *, email: str | None, request: str | None, session: str | None, outcome: str | None, **asked: Any
) -> TrailQuery:
    people: tuple[int, ...] = ()
    if email is not None:
        with state().database.reading() as connection:
            people = (find_person(connection, email),)
    ended = None if outcome is None else Outcome(outcome)
    return TrailQuery(people=people, request_id=request, session_id=session, outcome=ended, **asked)


def _print(pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a new file that others cannot read, as it is full of personal values; a failure leaves none."""
    try:
        write_new(path, pieces)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error


def _say_what_is_missing(wanted: Export) -> None:
    if wanted.format is not Format.JSONL or wanted.with_unproven:
        return
    left_out = count_unproven(state().database.engine, wanted.keys)
    if left_out:
        events = "1 event is" if left_out == 1 else f"{left_out:,} events are"
        click.echo(
            f"{events} newer than the checkpoint of this export, and not in it. Sign one with gatehouse audit"
            " checkpoint, or ask for them with --unproven.",
            err=True,
        )
