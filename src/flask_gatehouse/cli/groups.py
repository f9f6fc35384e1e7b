"""Groups of commands that say what went wrong in a sentence, and that load a command when it is called."""

from collections.abc import Mapping
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from ..db.database import said_by_driver
from ..kernel.deferred import Deferred
from ..kernel.errors import GatehouseError


class Explaining(click.Group):
    """Commands whose expected failures are a sentence and an exit code, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GatehouseError as error:
            raise click.ClickException(f"{error}.") from error
        except DBAPIError as error:
            raise click.ClickException(said_by_driver(error)) from error


class Deferring(click.Group):
    """A group some of whose commands are not imported before somebody asks for them.

    :param deferred: where each command is, by the name that is typed.
    """

    def __init__(self, *arguments: Any, deferred: Mapping[str, Deferred], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.deferred = deferred

    def every_command(self) -> dict[str, click.Command]:
        """Return the commands of this package, all of them imported now; for whoever describes them."""
        return {**self.commands, **{name: one.load() for name, one in self.deferred.items()}}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.deferred})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.deferred:
            command: click.Command = self.deferred[cmd_name].load()
            return command
        return super().get_command(ctx, cmd_name)


class DeferredGroup(Deferring, Explaining, AppGroup):
    """Both, as ``flask …`` takes it."""
