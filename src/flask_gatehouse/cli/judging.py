"""Commands whose exit code is an answer: 0 and 1 are found out, and whatever keeps them from finding out is 2."""

from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from ..db.database import said_by_driver
from ..kernel.errors import GatehouseError

UNDECIDED = 2


class JudgingCommand(click.Command):
    """A command that says 1 only if it has seen something wrong: a script must not take a fault of ours for that."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.UsageError):
            raise
        except (KeyboardInterrupt, click.Abort):
            sentence = "it was broken off before anything was found out."
        except click.ClickException as error:
            sentence = error.format_message()
        except GatehouseError as error:
            sentence = f"{error}."
        except DBAPIError as error:
            sentence = said_by_driver(error)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: Python's own exit code would be 1, a verdict
            sentence = f"{type(error).__name__}: {error}"
        click.echo(f"Error: {sentence}", err=True)
        raise SystemExit(UNDECIDED)


class Doctor(JudgingCommand):
    """A command that examines a configuration also where no application can be made of it."""
