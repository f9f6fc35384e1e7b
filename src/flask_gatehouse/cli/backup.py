"""``gatehouse backup`` and ``gatehouse restore``."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from ..db.schema import HEAD
from ..kernel.clock import utc_now
from ..ops.backups.archive import Manifest
from ..ops.backups.service import drill, look_into, make_backup, restore
from ..privacy.ledger import Known
from ..privacy.replay import Replayed
from ..web.state import state
from .progress import Steps

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup")
@click.argument("file", type=FILE, required=False)
@click.option("--drill", "is_drill", is_flag=True, help="Make one, restore it elsewhere, verify it, keep nothing.")
@click.option("--json", "as_json", is_flag=True, help="Say it for a program.")
@with_appcontext
def backup(file: Path | None, *, is_drill: bool, as_json: bool) -> None:
    """Save the whole database into one new file while it is in use.

    With GATEHOUSE_BACKUP_KEY_FILE it is encrypted. The key of the trail, the ledger of erasures and the settings are
    not in it: keep those elsewhere.
    """
    if (file is None) != is_drill:
        raise click.UsageError("Say either FILE or --drill.")
    here = state()
    with Steps() as steps:
        if file is None:
            manifest, report = drill(here.database, here.settings, steps.tell)
        else:
            manifest, report = make_backup(here.database, here.settings, file, steps.tell), None
    if as_json:
        more = {"verified": report.as_json()} if report else {"file": str(file)}
        click.echo(json.dumps(asdict(manifest) | more))
        return
    click.echo(f"{_described(manifest)} {'came back as they were.' if report else f'are in {file}.'}")
    for sentence in report.sentences(utc_now()) if report else []:
        click.echo(sentence)


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Say it for a program.")
@with_appcontext
def restore_backup(file: Path, *, yes: bool, as_json: bool) -> None:
    """Put a backup in the place of the database, in one step.

    All sessions end, whoever was erased since is erased again, and the trail begins a new epoch. The database before is
    kept. A file that is damaged, of something else, of a newer release or of another key is refused before that.
    """
    here = state()
    manifest, known = look_into(here.database, here.settings, file)
    if not as_json:
        click.echo(f"{file} holds {_described(manifest)}, as of {manifest.made_at}.")
        for sentence in _before(known, here.settings.erasure_ledger):
            click.echo(sentence)
    if not yes:
        click.confirm("Put it in the place of the database, and sign everybody out?", abort=True)
    with Steps() as steps:
        done = restore(here.database, here.settings, file, steps.tell)
    if as_json:
        again = done.replayed
        said = {"kept": done.kept, "lost": done.lost, "sessions": done.sessions, "erased": again.users}
        ledger = {
            "is_there": again.has_ledger,
            "of_this_database": again.entries,
            "of_others": again.foreign,
            "rewritten_line": done.torn,
        }
        click.echo(json.dumps(asdict(done.manifest) | said | {"ledger": ledger}))
        return
    click.echo(f"Restored, and brought to migration {HEAD}. {done.sessions:,} sessions were ended.")
    if done.lost:
        click.echo(f"{done.lost:,} sealed events are newer than the backup and are lost; the trail says so.")
    if done.torn is not None:
        click.echo(f"Line {done.torn} of the ledger was cut off in the middle, and has been written again.")
    click.echo(_erased_again(done.replayed, here.settings.erasure_ledger))
    if done.kept is None:
        click.echo("There was no database before: it was made.")
    else:
        click.echo(f"The database before is kept as {done.kept}: remove it once all is well.")
    click.echo("Run now: gatehouse audit verify")


def _before(known: Known, ledger: Path) -> Iterator[str]:
    """Yield what the ledger knows, while another one can still be named."""
    if known.entries is None:
        yield f"The ledger of erasures {ledger} is not there: whoever was erased since comes back."
        yield "If there is one, say no, and let GATEHOUSE_ERASURE_LEDGER name it."
        return
    yield f"The ledger of erasures {ledger} knows of {known.entries:,}: whoever of them is in it is erased again."
    if known.torn is not None:
        yield f"Its last line, {known.torn}, is cut off in the middle; the database has it still and writes it again."


def _erased_again(done: Replayed, ledger: Path) -> str:
    """Return how many were erased again, and of how many that could be asked: with another ledger they stay."""
    if not done.has_ledger:
        return f"The ledger {ledger} is not there: nobody was erased again."
    return (
        f"Erased again: {done.users + done.others:,}."
        f" Erasures in the ledger {ledger}: {done.entries:,} of this database, {done.foreign:,} of others."
    )


def _described(manifest: Manifest) -> str:
    rows = sum(manifest.counts.values())
    return f"{manifest.counts.get('gatehouse_users', 0):,} users and {rows:,} rows in all"
