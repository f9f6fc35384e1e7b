"""``gatehouse audit …``: the key of the trail, and its verification."""

from urllib.parse import urlsplit

import click
from flask.cli import AppGroup

from ..audit.keys import write_key
from ..audit.note_keys import SigningKey
from ..web.state import state
from .audit_verify import verify

audit_commands = AppGroup("audit", help="The audit trail: its key, and its verification.")
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
