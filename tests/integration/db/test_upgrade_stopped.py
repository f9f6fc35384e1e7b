"""A first start that is stopped halfway leaves nothing behind that the next one could stumble over."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, inspect

from flask_gatehouse.db import migrate
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.schema import HEAD, current_version


class Stopped(BaseException):
    """Whoever started it has pressed Ctrl+C."""


@pytest.mark.parametrize("after", [5, 40, 80])
def test_the_next_start_begins_anew(tmp_path: Path, after: int) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'gatehouse.db'}")
    statements: list[str] = []

    def stop(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        statements.append(statement)
        if len(statements) == after:
            raise Stopped

    event.listen(engine, "before_cursor_execute", stop)
    with pytest.raises(Stopped):
        migrate.upgrade(engine)
    event.remove(engine, "before_cursor_execute", stop)
    assert inspect(engine).get_table_names() == []
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert current_version(connection) == HEAD
    engine.dispose()
