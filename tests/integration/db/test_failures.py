"""What a statement that fails is called: a database that is away, one that lacks our tables, or a mistake of ours."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from threading import Event, current_thread, main_thread

import psycopg
import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import DBAPIError, InternalError

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.alerts.mail import Letter
from flask_gatehouse.db import engine as engines
from flask_gatehouse.db.database import Database, SchemaMissing
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.prepared import PreparedSelect
from flask_gatehouse.db.schema import current_version
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.ops import worker
from flask_gatehouse.settings import Settings

KEY = "k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe"


@pytest.fixture
def without_tables(database: Database) -> Database:
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        else:
            connection.exec_driver_sql("DROP TABLE gatehouse_alembic_version")
            connection.exec_driver_sql("ALTER TABLE gatehouse_users RENAME TO elsewhere")
            connection.exec_driver_sql("ALTER TABLE gatehouse_sessions RENAME TO elsewhere_too")
    return database


def ask_first(database: Database) -> None:
    database.first(PreparedSelect(select(User.id)), {})


def read(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(select(User.id))


def write(database: Database) -> None:
    with database.transaction() as db:
        db.execute(insert(User), {"name": "Ada", "role": Role.VIEWER, "created_at": utc_now()})


@pytest.mark.parametrize("use", [ask_first, read, write])
def test_a_table_that_is_missing_is_told_with_its_remedy(
    without_tables: Database, use: Callable[[Database], None]
) -> None:
    with pytest.raises(SchemaMissing, match="gatehouse db upgrade"):
        use(without_tables)


def test_so_is_a_column_of_another_release(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gatehouse_users RENAME COLUMN name TO title")
    with pytest.raises(SchemaMissing), database.reading() as connection:
        connection.execute(select(User.name))


def test_a_database_without_tables_stands_at_no_migration(without_tables: Database) -> None:
    with without_tables.reading() as connection:
        assert current_version(connection) is None


def test_the_version_of_a_database_that_refuses_to_say_is_not_none(postgresql_url: str) -> None:
    """To be told to migrate would lead an operator astray whose database only keeps her from reading."""
    engine = make_engine(postgresql_url)
    with engine.connect() as connection:
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELEC")
        with pytest.raises(InternalError, match="aborted"):
            current_version(connection)
    engine.dispose()


def test_a_wrong_question_is_a_mistake_and_no_absence(database: Database) -> None:
    with pytest.raises(DBAPIError, match="syntax error"), database.reading() as connection:
        connection.execute(text("SELEC 1"))
    with pytest.raises(DBAPIError, match="syntax error"), database.transaction() as db:
        db.execute(text("SELEC 1"))


def go_on_after_a_mistake(database: Database) -> None:
    with database.transaction() as db:
        with pytest.raises(DBAPIError, match="syntax error"):
            db.connection().exec_driver_sql("SELEC 1")
        db.connection().exec_driver_sql("SELECT 1")


def test_a_transaction_that_was_broken_by_a_mistake_is_no_absence_either(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    with pytest.raises(InternalError, match="aborted"):
        go_on_after_a_mistake(Database(lambda: engine))
    engine.dispose()


@pytest.fixture
def impatient(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(engines, "LOCK_TIMEOUT_MS", 100)
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@contextmanager
def somebody_elses_lock(database_url: str) -> Iterator[None]:
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            yield
        return
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE gatehouse_users")
        yield


def test_a_lock_that_somebody_else_keeps_is_an_absence(impatient: Engine, database_url: str) -> None:
    with somebody_elses_lock(database_url), pytest.raises(DependencyUnavailable):
        write(Database(lambda: impatient))


def test_a_file_that_may_not_be_written_is_an_absence(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        # The pool hands this very connection out again.
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(DependencyUnavailable):
        write(Database(lambda: engine))
    engine.dispose()


def test_a_server_that_is_not_there_is_an_absence() -> None:
    # Port 1 is nobody's.
    engine = make_engine("postgresql://gatehouse@127.0.0.1:1/gatehouse")
    with pytest.raises(DependencyUnavailable):
        read(Database(lambda: engine))


class TwoRounds(Event):
    """Stops the worker in the pause after the second round of its first thread."""

    rounds = 0

    def wait(self, timeout: float | None = None) -> bool:
        if current_thread() is not main_thread():
            return super().wait(timeout)
        self.rounds += 1
        if self.rounds == 2:
            self.set()
        return self.is_set()


def nobody_writes(name: str, language: str, to: str, facts: Mapping[str, object], /) -> Letter:
    raise NotImplementedError


def test_the_worker_outlasts_an_update(without_tables: Database, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load(
        {"GATEHOUSE_ENV": "development", "SECRET_KEY": KEY, "DATABASE_URL": "sqlite:////nowhere.db"}, {}
    )
    stop = TwoRounds()
    worker.prepare(without_tables, settings, nobody_writes)(stop)
    assert stop.rounds == 2
    # What could not be done is not tried again in the second round, which comes at once here.
    said = [record.message.partition(";")[0] for record in caplog.records]
    assert set(said) == {"the database lacks tables of this release"}
    assert 1 < len(said) <= 8
