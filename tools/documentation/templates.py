"""Every template that a host may replace by its name, and the blocks in it."""

import re
from pathlib import Path

from jinja2 import Environment, nodes

import flask_gatehouse

from .markdown import code, codes, table

FOLDER = Path(flask_gatehouse.__file__).parent / "templates"
# What a template says of itself stands before everything but what it takes from others.
_SAID = re.compile(r"(?:\s|\{%-? (?:extends|from|import) [^%]*%\})*\{#-?\s*(.*?)\s*-?#\}", re.DOTALL)
_environment = Environment(autoescape=True)


def text() -> str:
    folders: dict[str, list[Path]] = {}
    for path in sorted(FOLDER.rglob("*.*")):
        folders.setdefault(path.parent.relative_to(FOLDER).as_posix(), []).append(path)
    return "\n".join(f"## `{name}/`\n\n{_listed(paths)}" for name, paths in folders.items())


def _listed(paths: list[Path]) -> str:
    return table(("template", "what it is", "extends", "blocks"), [_row(path) for path in paths])


def _row(path: Path) -> tuple[str, str, str, str]:
    source = path.read_text(encoding="utf-8")
    tree = _environment.parse(source)
    parents = [one.template.value for one in tree.find_all(nodes.Extends) if isinstance(one.template, nodes.Const)]
    names = [name.removeprefix("gatehouse/") for name in parents]
    return code(path.name), _said(path), codes(names), codes(one.name for one in tree.find_all(nodes.Block))


def _said(path: Path) -> str:
    """:raises ValueError: if the template says nothing of itself."""
    if path.suffix == ".txt":
        return "The same as text."
    said = _SAID.match(path.read_text(encoding="utf-8"))
    if said is None:
        raise ValueError(f"{path.name} must begin with a comment that says what it is")
    return said[1]
