"""Every template that a host may replace by its name, and the blocks in it."""

import re
from pathlib import Path

from jinja2 import Environment, nodes

import flask_gatehouse

from .markdown import code, codes, table

FOLDER = Path(flask_gatehouse.__file__).parent / "templates"
_SAID = re.compile(r"\{#-?\s*(.*?)\s*-?#\}", re.DOTALL)
_environment = Environment(autoescape=True)


def text() -> str:
    names = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*"))
    return table(("template", "what it is", "extends", "blocks"), [_row(name) for name in names])


def _row(name: str) -> tuple[str, str, str, str]:
    source = (FOLDER / name).read_text(encoding="utf-8")
    tree = _environment.parse(source)
    said = _SAID.search(source)
    parents = [one.template.value for one in tree.find_all(nodes.Extends) if isinstance(one.template, nodes.Const)]
    return code(name), said[1] if said else "", codes(parents), codes(one.name for one in tree.find_all(nodes.Block))
