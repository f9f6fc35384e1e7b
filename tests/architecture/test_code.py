"""What the code promises about its own shape, as far as a linter cannot say it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT, all_python_files, name_of, package_files, tree

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LONGEST_INTRODUCTION = 10

# Alembic's own folder, of files that it writes: no package, and one function for all tables.
MIGRATIONS = PACKAGE / "db/migrations/versions"

# Where an error of any kind is met, because nothing outside would: the reason stands beside each.
OUTERMOST = {
    # A program of its own. Its fault must not end with 1, which says that somebody has tampered.
    "src/flask_gatehouse/audit/verify_export.py",
    # The outermost line of commands whose 1 says the same.
    "src/flask_gatehouse/cli/judging.py",
    # The outermost line of a thread: a check that breaks off must not look like one that found nothing.
    "src/flask_gatehouse/ops/doctor/running.py",
    # The outermost line of a thread: a letter that broke off must not look like one that was sent.
    "src/flask_gatehouse/alerts/deadline.py",
    # What a host's own function fails at must not turn a change that is done into an error.
    "src/flask_gatehouse/web/receivers.py",
    # The outermost line of a process: a fault of one job must not end sealing, alerts or verification.
    "src/flask_gatehouse/ops/worker.py",
}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_rooms_have_one_written_order() -> None:
    # In a process of its own: it takes over logging, and would silence ours for every test after this one.
    program = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([program, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


FOLDERS = sorted({path.parent for path in package_files()} - {MIGRATIONS})


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_explains_itself_in_ten_lines(folder: Path) -> None:
    introduction = ast.get_docstring(tree(folder / "__init__.py"))
    assert introduction, f"{name_of(folder)}/__init__.py says nothing"
    assert len(introduction.splitlines()) <= LONGEST_INTRODUCTION


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(path) for path in package_files() if not ast.get_docstring(tree(path))]
    assert silent == []


def test_files_are_small() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in all_python_files()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_small() -> None:
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in all_python_files()
        if path.parent != MIGRATIONS
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_import_hides_in_a_function() -> None:
    hidden = [
        f"{name_of(path)}:{inner.lineno}"
        for path in package_files()
        for node in functions(path)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def _names(handler: ast.ExceptHandler) -> set[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rpartition(".")[2] if kind else "everything" for kind in kinds}


def test_nobody_catches_everything() -> None:
    """A bug that is caught looks like a refused sign-in (runbook fault 23)."""
    broad = {
        f"{name_of(path)}:{node.lineno}"
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and _names(node) & {"everything", "Exception", "BaseException"}
    }
    assert {place for place in broad if place.partition(":")[0] not in OUTERMOST} == set()


def test_one_room_reads_the_environment() -> None:
    readers = {
        name_of(path.parent if path.parent.name == "settings" else path)
        for path in package_files()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"} and _is_os(node))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {alias.name for alias in node.names} & ENVIRON)
    }
    assert readers <= {name_of(PACKAGE / "settings")}


ENVIRON = {"environ", "environb", "getenv"}


def _is_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os"


def test_nothing_keeps_an_application() -> None:
    """Two applications in one process would share what belongs to one of them."""
    kept = [
        f"{name_of(path)}:{node.lineno}"
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr == "app"
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    ]
    assert kept == []


def test_no_clock_without_a_zone() -> None:
    naive = [
        f"{name_of(path)}:{node.lineno}"
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"utcnow", "utcfromtimestamp"}
    ]
    assert naive == []


def test_text_is_declared_safe_in_few_places_only() -> None:
    """Markup() around anything from outside is a script in somebody's page."""
    users = {
        name_of(path)
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and node.id in {"Markup", "mark_safe"}
    }
    # Each formats a constant or a sentence of a catalogue, which escapes what is put into it.
    assert users <= {"src/flask_gatehouse/web/moments.py", "src/flask_gatehouse/web/language.py"}


def test_no_table_says_the_same_key_twice() -> None:
    """Python keeps the last one without a word, so that the first says something that is not so."""
    twice = {
        f"{name_of(path)}:{node.lineno}"
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Dict)
        for keys in [[ast.dump(key) for key in node.keys if key is not None]]
        if len(keys) != len(set(keys))
    }
    assert twice == set()


# Who changes something in a view without asking once more who may, and why.
ASKS_NOBODY = {
    # What nobody needs a right for: notes of sessions, refusals and counts, a development's first administrator,
    # who has none yet, and a link that is itself what allows it.
    *("actor", "denied", "limits", "dashboard", "not_me"),
    # Signing out, and saying that one is still there.
    "auth",
    # Ending one's own other sessions, which looks whether this one lives.
    "account",
    # Where it is asked.
    "standing",
}


def test_a_view_that_changes_something_asks_once_more_who_may() -> None:
    """Otherwise whoever is being removed could let herself in again by a request that is under way."""
    views = {
        path.stem
        for path in (PACKAGE / "web").glob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "transaction"
    }
    assert views == ASKS_NOBODY
