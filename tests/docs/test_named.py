"""Whatever an explanation names is there: files, tests, routes, settings, commands, names that a host imports."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask.cli import ScriptInfo

import flask_gatehouse
from flask_gatehouse.app import main
from flask_gatehouse.settings.names import GATEHOUSE_NAMES, PLAIN_NAMES, oidc_name
from flask_gatehouse.web import ROUTES
from tests.architecture.source import PACKAGE, ROOT, all_python_files

PAGES = [
    *sorted(path for path in (ROOT / "docs/explanation").glob("*.md") if path.name != "decisions.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
RUNBOOK = ROOT / "docs/explanation/from-the-runbook.md"
# Files are named as people say them: from the root, from the package, or from the folder of their kind.
PLACES = (ROOT, PACKAGE, PACKAGE / "templates/gatehouse", PACKAGE / "static/gatehouse")
# What is there once somebody has done as she is told.
MADE = {"instance/", ".venv/", "hello.py"}
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(
    r"(\.?[\w.-]+/)*(\.?[\w-]+(\.[\w-]+)*\.(py|md|html|js|css|toml|yml|yaml|json|txt|tsv)|\.env\.example|\.gitignore)"
)
FOLDER = re.compile(r"(\.?[\w-]+/)+")
ROUTE = re.compile(r"(?:(GET|POST|PUT|DELETE) )?(/[\w<>:./-]*)(?:\?\S*)?")
SETTING = re.compile(r"GATEHOUSE_[A-Z0-9_<>]+")
RULES = {re.sub(r"<(\w+:)?\w+>", "<>", route.rule): set(route.may) for route in ROUTES}
TESTS = {
    name
    for path in all_python_files()
    if path.name.startswith("test_")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def spans(text: str) -> Iterator[str]:
    """Yield what stands in single backquotes."""
    return (found[1] for found in SPAN.finditer(FENCE.sub("", text)))


def is_missing(name: str) -> bool | None:
    """Return whether a name is of a kind that can be looked up and is not there; None if it is of no such kind."""
    if name.startswith("gatehouse "):
        return not _is_command(name.split()[1:])
    if name.startswith("make "):
        return f"\n{name.split()[1]}:" not in (ROOT / "Makefile").read_text()
    if re.fullmatch(r"test_\w+", name):
        return name not in TESTS
    if SETTING.fullmatch(name):
        return not _is_setting(name)
    if FILE.fullmatch(name) or FOLDER.fullmatch(name):
        return not _is_there(name)
    if found := ROUTE.fullmatch(name):
        return not _is_route(found[1], found[2])
    return None


def _is_there(name: str) -> bool:
    """Return whether a file or folder is there, or is made by what people are told to run."""
    if name in MADE or any((place / name).exists() for place in PLACES):
        return True
    # Every room has its rules.py.
    return "/" not in name and any(PACKAGE.rglob(name))


def _is_command(words: list[str]) -> bool:
    """Return whether there is such a command with such options; what it is given is not looked at."""
    command: click.Command = main
    rest = [word for word in words if word != "…"]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command, obj=ScriptInfo()), rest.pop(0))
        if found is None:
            return False
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    return {word for word in rest if word.startswith("--")} <= known


def _is_setting(name: str) -> bool:
    return name in GATEHOUSE_NAMES or oidc_name(name.replace("<NAME>", "NAME")) is not None


def _is_route(method: str | None, path: str) -> bool:
    """Return whether the URL table has an address, with any name for what varies in it, or a number in its place."""
    methods = RULES.get(re.sub(r"<(\w+:)?\w+>|(?<=/users/)\d+", "<>", path.rstrip("/") or "/"))
    methods = methods or ({"GET"} if re.fullmatch(r"/auth/(login|authorize)/google|/gate", path) else None)
    return methods is not None and (method is None or method in methods)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_what_a_page_names_is_there(page: Path) -> None:
    # Beside what is here, the page about the runbook names what is there.
    texts = [here for _part, here, _why in _rows()] if page == RUNBOOK else [page.read_text(encoding="utf-8")]
    assert [name for text in texts for name in spans(text) if is_missing(name)] == []


def test_each_part_of_the_runbook_leads_somewhere() -> None:
    kinds = {"command": 0, "route": 0, "template": 0}
    for _part, here, _why in _rows():
        names = list(spans(here))
        assert names or here in {"–", "the same"}, here
        for name in names:
            # A name that is none of these is one that hosts import, or write.
            known = is_missing(name) is not None or name in PLAIN_NAMES or _is_said_in_code(name)
            assert known, name
            kinds["command"] += name.startswith("gatehouse ")
            kinds["route"] += name.startswith("/")
            kinds["template"] += name.endswith(".html")
    assert min(kinds.values()) >= 9, kinds


def _rows() -> Iterator[tuple[str, str, str]]:
    for line in RUNBOOK.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| in the runbook"):
            part, here, why = (cell.strip() for cell in line.strip("|").split("|"))
            yield part, here, why


def _is_said_in_code(name: str) -> bool:
    return hasattr(flask_gatehouse, name) or name in {"X-CSRFToken", "Gatehouse(app, db=db)"}


def test_what_is_looked_up_can_be_missing() -> None:
    for name in (
        "gatehouse backups",
        "gatehouse backup --drills",
        "gatehouse audit verification",
        "make tea",
        "test_nothing_of_the_kind",
        "GATEHOUSE_NOTHING",
        "web/nothing.py",
        "nothing/",
        "/users/<id>/nothing",
        "PUT /dashboard",
    ):
        assert is_missing(name) is True, name
    for name in ("gatehouse audit verify --json", "PUT /users/7", "web/users.py", "kernel/", "make check"):
        assert is_missing(name) is False, name
