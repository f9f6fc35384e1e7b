"""What the second migration makes of people who are here already, and where the database has no trigrams."""

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, inspect, text

from flask_gatehouse.accounts.listing import list_users
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.db import migrate
from flask_gatehouse.db.base import Base
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.schema import VERSION_TABLE

INSERT = "INSERT INTO gatehouse_users (name, email, role, created_at) VALUES (:name, :email, 'viewer', '2026-01-01')"

SEARCHABLE = (
    "INSERT INTO gatehouse_users (name, role, created_at, search_text)"
    " VALUES ('Ada', 'viewer', '2026-01-01 00:00:00.000000', :sought)"
)


def migrated(engine: Engine, revision: str, *, down: bool = False) -> None:
    config = migrate._config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


@pytest.fixture
def old(engine: Engine) -> Engine:
    """A database of the first release with a person in it."""
    migrated(engine, "0001", down=True)
    with engine.begin() as connection:
        connection.execute(text(INSERT), {"name": "Ada Ångström", "email": "ada@example.com"})
    return engine


def found(engine: Engine, sought: str) -> list[str]:
    with Database(lambda: engine).reading() as connection:
        return [row.name for row in list_users(connection, UserQuery.parse(q=sought)).rows]


def test_whoever_is_here_can_be_searched(old: Engine) -> None:
    migrate.upgrade(old)
    assert found(old, "angstrom") == found(old, "a") == found(old, "ada@ex") == ["Ada Ångström"]


def test_there_and_back(old: Engine) -> None:
    before = inspect(old).get_columns("gatehouse_users")
    migrate.upgrade(old)
    migrated(old, "0001", down=True)
    assert [column["name"] for column in inspect(old).get_columns("gatehouse_users")] == [
        column["name"] for column in before
    ]
    assert not [name for name in inspect(old).get_table_names() if name.startswith("gatehouse_user_search")]
    migrate.upgrade(old)
    assert found(old, "angstrom") == ["Ada Ångström"]


def test_nothing_is_left_to_migrate(engine: Engine) -> None:
    """Neither for us nor for a host, who must not be told to drop our tables of trigrams."""

    def of_ours(name: str | None, kind: str, parents: Any) -> bool:
        if name is not None and name.startswith(("gatehouse_user_search", "ix_gatehouse_users_search_trigrams")):
            return False
        return kind != "table" or bool(name and name.startswith("gatehouse_"))

    with engine.connect() as connection:
        options = {"include_name": of_ours, "version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []
        options = {"include_object": migrate.include_object}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_who_may_not_make_extensions_goes_without(postgresql_url: str, caplog: pytest.LogCaptureFixture) -> None:
    owner = make_engine(postgresql_url)
    migrated(owner, "0001", down=True)
    with owner.begin() as connection:
        for statement in (
            "DROP EXTENSION IF EXISTS pg_trgm CASCADE",
            "DROP ROLE IF EXISTS humble",
            "CREATE ROLE humble LOGIN",
            "GRANT ALL ON SCHEMA public TO humble",
        ):
            connection.execute(text(statement))
        tables = [name for name in inspect(connection).get_table_names() if name.startswith("gatehouse_")]
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} OWNER TO humble"))
    humble = create_engine(owner.url.set(username="humble", drivername="postgresql+psycopg"))
    with caplog.at_level(logging.WARNING, "flask_gatehouse.migrations"):
        migrate.upgrade(humble)
    assert "pg_trgm cannot be used here" in caplog.text
    with humble.begin() as connection:
        connection.execute(text(SEARCHABLE), {"sought": "\nada\n"})
    assert found(humble, "ada") == ["Ada"]
    humble.dispose()
    with owner.begin() as connection:
        connection.execute(text("DROP OWNED BY humble CASCADE"))
        connection.execute(text("DROP ROLE humble"))
    owner.dispose()


@pytest.fixture
def without_fts(tmp_path: Path) -> Iterator[Engine]:
    """An SQLite that lets nobody make a virtual table, as one that was built without full text search."""
    engine = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")

    @event.listens_for(engine, "connect")
    def forbid(connection: sqlite3.Connection, entry: Any) -> None:
        connection.set_authorizer(
            lambda action, *rest: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_CREATE_VTABLE else sqlite3.SQLITE_OK
        )

    yield engine
    engine.dispose()


def test_an_sqlite_without_full_text_search_goes_without(without_fts: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "flask_gatehouse.migrations"):
        migrate.upgrade(without_fts)
    assert "SQLite has no trigrams here" in caplog.text
    assert "gatehouse_user_search" not in inspect(without_fts).get_table_names()
    with without_fts.begin() as connection:
        connection.execute(text(SEARCHABLE), {"sought": "\nada\n"})
    assert found(without_fts, "ada") == ["Ada"]
