"""A host's own Alembic beside ours, in one database: neither sees, names or drops what is the other's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, inspect, text

from flask_gatehouse.db import migrate
from flask_gatehouse.db.schema import HEAD
from tests.mounting.hosts import driver_url

# What Flask-Migrate's env.py comes down to; the host has one table that it has not written a migration for yet.
ENVIRONMENT = """
from alembic import context
from flask_gatehouse.db.migrate import include_object
from tests.mounting.hosts import Base

connection = context.config.attributes["connection"]
guard = {"include_object": include_object} if context.config.attributes["guarded"] else {}
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, **guard)
with context.begin_transaction():
    context.run_migrations()
"""
SCRIPT = """
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = depends_on = None

from alembic import op
import sqlalchemy as sa


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(driver_url(database_url))
    yield engine
    engine.dispose()


class HostAlembic:
    """The folder ``migrations`` of a host, and its commands on one database."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._engine, self.folder = engine, folder / "migrations"
        (self.folder / "versions").mkdir(parents=True)
        (self.folder / "env.py").write_text(ENVIRONMENT)
        (self.folder / "script.py.mako").write_text(SCRIPT)

    def run(self, what: Any, *arguments: Any, guarded: bool = True, **options: Any) -> None:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.set_main_option("path_separator", "os")
        with self._engine.begin() as connection:
            config.attributes.update(connection=connection, guarded=guarded)
            what(config, *arguments, **options)

    def written(self) -> str:
        """Return what the newest revision does."""
        newest = max((self.folder / "versions").glob("*.py"), key=lambda path: path.stat().st_mtime_ns)
        return newest.read_text().partition("def upgrade")[2].partition("def downgrade")[0]


@pytest.fixture
def alembic(tmp_path: Path, engine: Engine) -> HostAlembic:
    return HostAlembic(tmp_path, engine)


def test_without_the_filter_a_host_would_drop_our_tables(alembic: HostAlembic) -> None:
    alembic.run(command.revision, autogenerate=True, guarded=False)
    assert "drop_table('gatehouse_users')" in alembic.written()


def test_with_it_a_host_sees_its_own_tables_alone(alembic: HostAlembic, engine: Engine) -> None:
    alembic.run(command.revision, autogenerate=True)
    assert "create_table('things'" in alembic.written()
    assert "gatehouse" not in alembic.written()
    alembic.run(command.upgrade, "head")
    alembic.run(command.check)
    assert {"things", "gatehouse_users", "alembic_version", "gatehouse_alembic_version"} <= set(
        inspect(engine).get_table_names()
    )


def test_each_keeps_its_own_version(alembic: HostAlembic, engine: Engine) -> None:
    alembic.run(command.revision, autogenerate=True)
    alembic.run(command.upgrade, "head")
    versions = "SELECT version_num FROM alembic_version", "SELECT version_num FROM gatehouse_alembic_version"
    with engine.connect() as connection:
        before = [connection.execute(text(statement)).scalar_one() for statement in versions]
    assert before[1] == HEAD
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert [connection.execute(text(statement)).scalar_one() for statement in versions] == before
    alembic.run(command.downgrade, "base")
    left = set(inspect(engine).get_table_names())
    assert "things" not in left
    assert "gatehouse_users" in left


def test_ours_leave_a_hosts_tables_alone(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO users VALUES (7)"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('host')"))
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM users")).scalar_one() == 7
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "host"
    engine.dispose()


@pytest.mark.parametrize("reflected", [True, False])
@pytest.mark.parametrize(
    ("table", "included"),
    [
        ("gatehouse_users", False),
        ("gatehouse_alembic_version", False),
        ("things", True),
        ("gatehouses", True),
        ("my_gatehouse_users", True),
    ],
)
def test_the_filter_knows_ours_by_the_name_of_the_table(table: str, included: bool, reflected: bool) -> None:
    made = Table(table, MetaData(), Column("gatehouse_user_id", Integer, index=True))
    (index,) = made.indexes
    assert migrate.include_object(made, table, "table", reflected, None) is included
    assert migrate.include_object(made.c[0], "gatehouse_user_id", "column", reflected, None) is included
    assert migrate.include_object(index, "gatehouse_index", "index", reflected, None) is included
