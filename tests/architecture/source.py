"""The source as trees and texts, read once."""

import ast
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "src/flask_gatehouse"


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def package_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def all_python_files() -> list[Path]:
    folders = ("src", "tests", "tools", "examples", "bench")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def template_files() -> list[Path]:
    return sorted((PACKAGE / "templates").rglob("*.html"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tracked_files() -> list[Path]:
    """Return what is committed; a source distribution has no history, and nothing to check in this respect."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
