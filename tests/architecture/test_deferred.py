"""What a server loads before its first answer, and where what it does not load is."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from flask_gatehouse.kernel.deferred import Deferred
from tests.architecture.source import PACKAGE, ROOT, name_of, package_files, tree

# What commands, one configuration in two, or the first sign-in need: more than half of a process, were it loaded.
LATER = ["alembic", "authlib", "cryptography", "joserfc", "redis", "requests", "flask_gatehouse.ops.doctor"]
LATER += ["email_validator", "sqlalchemy.dialects.postgresql", "flask_gatehouse.dev"]
LATER += ["flask_gatehouse.audit.exporting", "flask_gatehouse.audit.verifying", "flask_gatehouse.audit.agreement"]
CONFIGURED = {
    "GATEHOUSE_BASE_URL": "https://gate.example.com",
    "SECRET_KEY": "a-key-of-this-test-alone-that-signs-nothing",
    "GOOGLE_CLIENT_ID": "id",
    "GOOGLE_CLIENT_SECRET": "secret",
}
DEFERRED = [
    (path, node.args[0].value)
    for path in package_files()
    for node in ast.walk(tree(path))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Deferred"
    if isinstance(node.args[0], ast.Constant)
]


def test_a_server_loads_what_it_answers_with(tmp_path: Path) -> None:
    asked = "import sys, flask_gatehouse.wsgi; print(*(name for name in sys.argv[1:] if name in sys.modules))"
    # In a process of its own: this one has loaded everything.
    loaded = subprocess.run(
        [sys.executable, "-c", asked, *LATER],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **CONFIGURED},
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == []


def test_what_is_deferred_is_there() -> None:
    assert len(DEFERRED) > 10
    for _, name in DEFERRED:
        assert Deferred(str(name)).load() is not None, name


def test_what_is_deferred_keeps_to_the_order_of_rooms() -> None:
    """The contract on imports cannot see it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rooms = [room.strip() for layer in contracts[0]["layers"] for room in layer.split("|")]
    wrong = []
    for path, name in DEFERRED:
        here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if rooms.index(str(name).partition(".")[0]) < rooms.index(here) and here != "app":
            wrong.append(f"{name_of(path)}: {name}")
    assert wrong == []


def test_one_place_imports_by_name() -> None:
    users = {
        name_of(path)
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
        if alias.name in {"import_module", "resolve_name", "importlib"}
    }
    assert users == {"src/flask_gatehouse/kernel/deferred.py"}
