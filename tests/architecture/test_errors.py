"""Every expected failure of every room has its answer in one table."""

import importlib
import pkgutil

import flask_gatehouse
from flask_gatehouse.kernel.errors import GatehouseError
from flask_gatehouse.web.errors import ANSWERS

# ``wsgi`` makes an application when it is imported, and the migrations run inside Alembic alone.
NOT_IMPORTED = ("flask_gatehouse.wsgi", "flask_gatehouse.db.migrations")


def all_errors() -> set[type[GatehouseError]]:
    for module in pkgutil.walk_packages(flask_gatehouse.__path__, "flask_gatehouse."):
        if not module.name.startswith(NOT_IMPORTED):
            importlib.import_module(module.name)
    found: set[type[GatehouseError]] = set()
    waiting = [GatehouseError]
    while waiting:
        kinds = [kind for kind in waiting.pop().__subclasses__() if kind.__module__.startswith("flask_gatehouse")]
        found.update(kinds)
        waiting.extend(kinds)
    return found


def test_every_error_is_in_the_table() -> None:
    """Itself or an ancestor; the root itself would be an answer that says nothing."""
    errors = all_errors()
    assert len(errors) > 10
    assert {error.__name__ for error in errors if not set(error.__mro__) & set(ANSWERS)} == set()
    assert GatehouseError not in ANSWERS


def test_the_table_holds_no_error_that_does_not_exist() -> None:
    assert set(ANSWERS) <= all_errors()
