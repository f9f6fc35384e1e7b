"""``gatehouse init``: the first configuration, with a secret that nobody else knows."""

import secrets
from pathlib import Path

import click

from ..kernel.files import write_new

_TEMPLATE = """\
# Made by "gatehouse init". Whoever reads this file can sign for this application: keep it to yourself.
SECRET_KEY={key}

# The address that people type.
#GATEHOUSE_BASE_URL=https://app.example.com

# How they sign in. Enter https://app.example.com/auth/authorize/google as the redirect URI in Google's console.
#GOOGLE_CLIENT_ID=
#GOOGLE_CLIENT_SECRET=

#DATABASE_URL=postgresql://gatehouse@localhost/gatehouse
#REDIS_URL=redis://localhost
#GATEHOUSE_TRUSTED_PROXIES=1
"""


@click.command("init")
def init() -> None:
    """Write a .env with a fresh secret key; leave one that is there as it is."""
    path = Path(".env")
    try:
        # Only its owner, from its first moment on: nobody reads it before a later chmod.
        write_new(path, [_TEMPLATE.format(key=secrets.token_urlsafe(32)).encode()])
    except FileExistsError:
        raise click.ClickException(f"{path.absolute()} is there already, and was left as it is.") from None
    except OSError as error:
        raise click.ClickException(f"{path.absolute()} cannot be written: {error.strerror}.") from error
    click.echo(
        f"{path.absolute()} has a fresh secret key. Fill in the rest, then:\n"
        "  gatehouse db upgrade\n"
        "  gatehouse create-admin you@example.com"
    )
