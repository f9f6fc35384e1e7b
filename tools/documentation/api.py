"""What is public of the package, from its docstrings."""

import inspect

import flask_gatehouse
from flask_gatehouse import testing


def text() -> str:
    return "\n".join(_described(f"flask_gatehouse.{name}", getattr(flask_gatehouse, name)) for name in public_names())


def for_tests() -> str:
    return "\n".join(_described(f"flask_gatehouse.testing.{name}", getattr(testing, name)) for name in testing.__all__)


def public_names() -> list[str]:
    """Return the names that a host imports from the package itself, without rooms and proxies."""
    found = [name for name, value in vars(flask_gatehouse).items() if not name.startswith("_")]
    values = vars(flask_gatehouse)
    return sorted(name for name in found if inspect.isclass(values[name]) or inspect.isroutine(values[name]))


def _described(name: str, value: object) -> str:
    kind = "autoclass" if inspect.isclass(value) else "autofunction"
    members = "\n   :members:" if inspect.isclass(value) and not issubclass(value, BaseException) else ""
    return f"```{{eval-rst}}\n.. {kind}:: {name}{members}\n```\n"
