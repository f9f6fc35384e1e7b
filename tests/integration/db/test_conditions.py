"""Indexes of some rows alone, where tables are made from the models and not by migrations."""

import pytest
from sqlalchemy import create_mock_engine
from sqlalchemy.schema import CreateIndex

import flask_gatehouse.accounts.models
import flask_gatehouse.audit.models  # noqa: F401 - both bring their tables along
from flask_gatehouse.db.base import Base


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://"])
def test_each_dialect_is_told_which_rows_an_index_has(url: str) -> None:
    made: list[str] = []

    def execute(statement: object, *parameters: object, **options: object) -> None:
        if isinstance(statement, CreateIndex):
            made.append(str(statement.compile(dialect=engine.dialect)))

    engine = create_mock_engine(url, execute)
    Base.metadata.create_all(engine, checkfirst=False)
    partial = sorted(text.rpartition(" WHERE ")[2] for text in made if " WHERE " in text)
    present = [f"{column} IS NOT NULL" for column in ("actor_id", "held_at", "ip", "request_id")]
    assert partial == [*present, "role <> 'viewer'"]
