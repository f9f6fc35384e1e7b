"""Bringing a database to the newest schema, and asking whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from .engine import patient


def upgrade(engine: Engine) -> None:
    """Apply every migration that is missing; nothing happens where none is.

    Two nodes may do this at once: on PostgreSQL the second waits for the first.
    """
    with engine.connect() as connection, patient(connection):
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_known(version: str) -> bool:
    """Return whether this release has that migration, so that it can go on from there."""
    return version in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def include_object(item: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Keep a host's ``alembic revision --autogenerate`` from dropping our tables.

    For ``context.configure(include_object=…)`` in the host's ``env.py``.
    """
    # A host's own column may well be called gatehouse_user_id: the name of its table decides.
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
    return table is None or not table.startswith("gatehouse_")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
