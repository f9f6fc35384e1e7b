"""``gatehouse audit …``: the trail's key, its checkpoints, its verification and its export."""

from urllib.parse import urlsplit

import click
from flask.cli import AppGroup

from ..audit.checkpoints import newest_note
from ..audit.keys import read_key, read_verifier, write_key
from ..audit.note_keys import SigningKey
from ..audit.origins import host_of
from ..audit.sealing import Sealer
from ..ops.checkpoints import Witness
from ..ops.retention import Retention
from ..web.state import state
from .audit_export import export
from .audit_verify import verify

audit_commands = AppGroup("audit", help="The audit trail: its key, checkpoints, verification, exports.")
audit_commands.add_command(export)
audit_commands.add_command(verify)


@audit_commands.command("keygen")
def keygen() -> None:
    """Make the key that signs checkpoints, in the file that GATEHOUSE_AUDIT_KEY_FILE names."""
    settings = state().settings
    path = settings.audit_key_file
    if path is None:
        raise click.ClickException("GATEHOUSE_AUDIT_KEY_FILE is missing: it names the file that the key is written to.")
    key = SigningKey.generate(urlsplit(settings.base_url).hostname or "")
    write_key(path, key)
    click.echo(key.verifier)
    click.echo(
        f"The line above is the public key: keep it where you verify. The private key is in {path}: whoever has it"
        " can sign as this log, so that it belongs neither into the database nor into a backup of it.",
        err=True,
    )


@audit_commands.command("public-key")
def public_key() -> None:
    """Print the public half of the key in GATEHOUSE_AUDIT_KEY_FILE, for whoever verifies."""
    path = state().settings.audit_key_file
    if path is None:
        raise click.ClickException("GATEHOUSE_AUDIT_KEY_FILE is missing: it names the file of the key.")
    click.echo(read_verifier(path))


@audit_commands.command("checkpoint")
def checkpoint() -> None:
    """Seal and sign how the trail stands now; print the note, and carry it where checkpoints go."""
    settings, database = state().settings, state().database
    if settings.audit_key_file is None:
        raise click.ClickException(
            "GATEHOUSE_AUDIT_KEY_FILE is missing: it names the key that signs. Make one with: gatehouse audit keygen"
        )
    key = read_key(settings.audit_key_file)
    if not isinstance(key, SigningKey):
        raise click.ClickException(f"{settings.audit_key_file} holds a public key, which verifies and cannot sign.")
    Sealer(database, host_of(settings)).seal()
    witness = Witness(database, settings, key)
    note = witness.sign_or_refuse()
    if note is None:
        with database.reading() as connection:
            note = newest_note(connection)
        click.echo("Nothing has happened since the newest checkpoint, which is this one.", err=True)
    click.echo(note, nl=False)
    witness.publish()


@audit_commands.command("cut")
def cut() -> None:
    """Let events leave that are older than GATEHOUSE_AUDIT_RETENTION, each range once it is archived.

    The worker does the same, where the database lets it: this is for the owner of the tables, by hand.
    """
    settings = state().settings
    if settings.audit_retention is None:
        raise click.ClickException("GATEHOUSE_AUDIT_RETENTION is missing: it says how old events may be, as 365d.")
    retention, count = Retention(state().database, settings), 0
    while archive := retention.let_leave():
        click.echo(archive)
        count += 1
    if not count:
        click.echo("No 256 events in a row are old enough, proven and covered by a checkpoint.", err=True)
