"""``gatehouse audit verify``: is the trail what was recorded?"""

import json
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError

from ..audit import verify_export
from ..audit.errors import MalformedNote
from ..audit.keys import believed_keys
from ..audit.note_keys import VerifierKey
from ..audit.notes import parse_note
from ..audit.verifying import Held, Report, count_sealed, verify as verify_trail
from ..audit.verifying.recording import record_result
from ..db.database import said_by_driver
from ..kernel.clock import utc_now
from ..kernel.context import COMMAND_LINE
from ..kernel.errors import DependencyUnavailable
from ..web.state import state
from .judging import JudgingCommand
from .keys import public_keys
from .progress import bar


def _notes(context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return files that hold notes: of another one nothing would be found out, and that would be recorded."""
    for path in paths:
        try:
            parse_note(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{path} cannot be read: {error}.") from error
        except MalformedNote as error:
            raise click.BadParameter(f"{path} holds no checkpoint: {error}.") from error
    return paths


@click.command("verify", cls=JudgingCommand)
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_notes,
    help="A signed checkpoint that was kept elsewhere; those in GATEHOUSE_CHECKPOINT_DIR are taken by themselves.",
)
@click.option(
    "--public-key",
    "keys",
    multiple=True,
    callback=public_keys,
    help="A key whose checkpoints are believed, as keygen printed it; that of GATEHOUSE_AUDIT_KEY_FILE always is, and"
    " those of GATEHOUSE_AUDIT_PUBLIC_KEYS are.",
)
@click.option(
    "--from-export",
    "export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check this export instead of the database, as verify_export.py does on a machine without Gatehouse.",
)
@click.option("--json", "as_json", is_flag=True, help="Say it for a script.")
@with_appcontext
def verify(files: tuple[Path, ...], keys: list[VerifierKey], export: Path | None, *, as_json: bool) -> None:
    """Compute the whole trail again and hold it against checkpoints.

    Exit 0: intact. 1: tampered with; the first bad position and the kind of finding are named. 2: could not verify.
    """
    engine, settings = state().database.engine, state().settings
    if export is not None:
        if files:
            raise click.UsageError("An export carries its checkpoint: leave --checkpoint out.")
        raise SystemExit(_check(export, believed_keys(settings, keys), as_json=as_json))
    held = Held(believed_keys(settings, keys), files, settings.checkpoint_dir)
    with bar("Verifying", count_sealed(engine)) as shown:
        report = verify_trail(engine, held, shown.update)
    unrecorded = _record(report)
    if as_json:
        click.echo(json.dumps(report.as_json() | {"recorded": unrecorded is None}, indent=2))
    else:
        click.echo("\n".join(report.sentences(utc_now())))
    if unrecorded is not None:
        click.echo(f"This result is not in the trail: {unrecorded}.", err=True)
    raise SystemExit(report.exit_code)


def _check(export: Path, keys: list[VerifierKey], *, as_json: bool) -> int:
    said: list[str] = []
    known = {name: key for one in keys for name, key in verify_export.read_key(str(one)).items()}
    code = verify_export.check(export, known, said.append if as_json else click.echo)
    if as_json:
        click.echo(json.dumps({"result": ("intact", "tampered", "unverified")[code], "said": said}, indent=2))
    return code


def _record(report: Report) -> str | None:
    """Record the result, or return why that is not possible: what cannot be written can be verified all the same."""
    try:
        with state().database.transaction() as db:
            record_result(db, report, actor=COMMAND_LINE)
    except DependencyUnavailable as error:
        return str(error)
    except DBAPIError as error:
        # An auditor's role may only read.
        return said_by_driver(error)
    return None
