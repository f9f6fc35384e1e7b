"""What the code of a module writes into events, as far as its text tells: names of events, and of their fields."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flask_gatehouse.audit import AuditEvent
from tests.architecture.source import package_files, tree

_RECORDS = {"record", "record_each", "record_change", "record_reading", "_record", "Facts"}
_FIELDS = {"details", "change", "personal"}
_OTHERS = {"resource", "session", "actor", "reason", "outcome", "person"}
# Where facts are put together before they are recorded.
_GATHERED = {"details", "changed", "news", "personal", "values"}


def recording_files() -> list[Path]:
    """Return the modules that record events of ours."""
    return [path for path in package_files() if events_of(path) and fields_or_calls(path)]


def fields_or_calls(path: Path) -> bool:
    return any(isinstance(node, ast.Call) and _name(node.func) in _RECORDS for node in ast.walk(tree(path)))


@cache
def events_of(path: Path) -> frozenset[AuditEvent]:
    """Return the events that a module names, and the one that it records by another module."""
    named = {
        AuditEvent[node.attr]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and _name(node.value) == "AuditEvent"
    }
    calls = {_name(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
    return frozenset(named | ({AuditEvent.SENSITIVE_READ} if "record_reading" in calls else set()))


@cache
def fields_of(path: Path) -> frozenset[str]:
    """Return the names of the fields that a module writes into events."""
    return frozenset(_fields(tree(path)))


def _fields(module: ast.AST) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _name(node.func) == "identifying":
            yield from ("name", "email")
        elif isinstance(node, ast.Call) and _name(node.func) in _RECORDS:
            for argument in node.args:
                yield from _keys(argument)
            for keyword in node.keywords:
                yield from _keys(keyword.value)
                # Such as ``provider=…``, which a module's own function takes for a fact.
                if keyword.arg is not None and keyword.arg not in _FIELDS | _OTHERS:
                    yield keyword.arg
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            yield from _assigned(node)


def _assigned(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        for part in target.elts if isinstance(target, ast.Tuple) else [target]:
            owner = part.value if isinstance(part, ast.Subscript) else part
            if _name(owner) in _GATHERED and node.value is not None:
                yield from _keys(node.value)
                if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
                    yield str(part.slice.value)


def _keys(expression: ast.AST) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Dict):
            yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))
        elif isinstance(node, ast.DictComp) and isinstance(node.key, ast.JoinedStr):
            yield from (str(part.value).strip(".") for part in node.key.values if isinstance(part, ast.Constant))


def _name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
