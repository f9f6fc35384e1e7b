"""``gatehouse db …``: migrations."""

import click
from flask.cli import AppGroup

from ..db.migrate import upgrade
from ..db.schema import HEAD, current_version
from ..web.state import state


@click.group("db", cls=AppGroup)
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
