"""Fills pages of the documentation from the code, each time it is built.

A page says ``<!-- filled: settings -->``, on a line of its own, where shall stand what ``settings.py`` here says.
"""

import re
from collections.abc import Callable
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

from . import alerts, api, commands, errors, events, metrics, openapi, routes, settings, signals, templates

PARTS: dict[str, Callable[[], str]] = {
    "settings": settings.text,
    "commands": commands.text,
    "routes": routes.text,
    "events": events.text,
    "errors": errors.text,
    "refusals": errors.refusals,
    "templates": templates.text,
    "signals": signals.text,
    "metrics": metrics.text,
    "alerts": alerts.text,
    "alert": alerts.message,
    "openapi": openapi.text,
    "api": api.text,
    "testing": api.for_tests,
}
MARK = re.compile(r"^<!-- filled: (\w+) -->$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#]*)\)")


def fill(app: Sphinx, name: str, content: list[str]) -> None:
    """Put into a page what comes from the code."""
    content[0] = MARK.sub(lambda mark: PARTS[mark[1]](), content[0])


def keep_folders_as_words(app: Sphinx, name: str, content: list[str]) -> None:
    """Show the words of a link to a folder of the repository: a reader of the site has no such folder to open."""
    here = Path(app.env.doc2path(name)).parent
    content[0] = _LINK.sub(lambda link: link[1] if (here / link[2]).is_dir() else link[0], content[0])


def filled_pages(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Return the pages that are made anew at each build, since the code may have changed and they not."""
    return [name for name in env.found_docs if MARK.search(Path(env.doc2path(name)).read_text(encoding="utf-8"))]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("source-read", fill)
    app.connect("source-read", keep_folders_as_words)
    app.connect("build-finished", openapi.write_beside)
    app.connect("env-get-outdated", filled_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
