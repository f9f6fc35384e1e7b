"""Every command, from what click knows of it."""

from collections.abc import Iterator

import click

from flask_gatehouse.app import main
from flask_gatehouse.cli.groups import Deferring

from .markdown import code, table


def text() -> str:
    return "\n".join(_described(path, command) for path, command in commands(main, "gatehouse"))


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group, with what is typed for it."""
    known = group.every_command() if isinstance(group, Deferring) else group.commands
    for name, command in sorted(known.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _described(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    options = [
        (code(", ".join(option.opts)), option.help or "", _takes(option, context))
        for option in command.params
        if isinstance(option, click.Option)
    ]
    lines = [f"## `{path}`", f"```text\n{usage}\n```", command.help or ""]
    lines += [table(("option", "", "takes"), options)] if options else []
    return "\n\n".join(lines) + "\n"


def _takes(option: click.Option, context: click.Context) -> str:
    if option.is_flag:
        return ""
    several = ", may be given several times" if option.multiple else ""
    return code(option.make_metavar(context)) + several
