"""Commands as they stand on a page, held against the program without running them."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

import click
from flask.cli import ScriptInfo

from flask_gatehouse.app import main

_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


def invocations(script: str) -> Iterator[list[str]]:
    """Yield the words after ``gatehouse`` of each line that calls it, also as ``flask gatehouse`` or in a container."""
    for line in script.replace("\\\n", " ").splitlines():
        words = _words(line)
        while words and _ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        program = words[0].rpartition("/")[2] if words else ""
        if "gatehouse" in words and (program == "flask" or {"exec", "run"} & set(words[:-1])):
            yield words[words.index("gatehouse") + 1 :]
        elif program == "gatehouse":
            yield words[1:]


def _words(line: str) -> list[str]:
    """Return the words of a line up to what is the shell's own, whose result nobody knows here."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return [word for word in takewhile(lambda word: not set(word) <= set("()<>|&;"), lexer) if word != "$"]


def understand(words: list[str], *, with_arguments: bool) -> None:
    """Let the program read a command line.

    :param with_arguments: whether the arguments are real ones, and no placeholders.
    :raises click.UsageError: if it cannot.
    """
    command: click.Command = main
    rest, path = list(words), []
    while isinstance(command, click.Group):
        if rest in ([], ["--help"]):
            return
        path.append(rest.pop(0))
        found = command.get_command(click.Context(command, obj=ScriptInfo()), path[-1])
        if found is None:
            raise click.UsageError(f"there is no command {' '.join(path)}")
        command = found
    if with_arguments:
        command.make_context(" ".join(path), rest, obj=ScriptInfo())
        return
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    if unknown := [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]:
        raise click.UsageError(f"{' '.join(path)} has no option {unknown[0]}")
