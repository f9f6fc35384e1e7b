"""Migrations wait for as long as it takes, and the deadlines of requests hold again afterwards."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, Select, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool.base import _ConnectionFairy

from flask_gatehouse.accounts.models import User
from flask_gatehouse.db import engine as engines, migrate
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.prepared import PreparedSelect
from flask_gatehouse.db.schema import HEAD, current_version
from flask_gatehouse.kernel.errors import DependencyUnavailable

MIGRATION_LOCK = 7_205_349_412
# Longer than all deadlines of the impatient engine below.
LONG_S = 1.2
SLOW = f"""
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep({LONG_S}); RETURN NEW; END $$;
CREATE TRIGGER dawdle BEFORE UPDATE ON gatehouse_alembic_version FOR EACH ROW EXECUTE FUNCTION dawdle()
"""


@pytest.fixture
def patient(postgresql_url: str) -> Iterator[Engine]:
    """An engine with the deadlines that it has, for what has to succeed however busy the machine is."""
    engine = engines.make_engine(postgresql_url)
    yield engine
    engine.dispose()


@pytest.fixture
def impatient(patient: Engine, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine of ours whose requests wait for a fraction of a second."""
    monkeypatch.setattr(engines, "LOCK_TIMEOUT_MS", 200)
    monkeypatch.setattr(engines, "STATEMENT_TIMEOUT_MS", 400)
    monkeypatch.setattr(engines, "ANSWER_TIMEOUT_S", 0.6)
    engine = engines.make_engine(postgresql_url)
    yield engine
    engine.dispose()


def test_a_migration_waits_for_the_one_of_another_node(impatient: Engine, postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        released = threading.Event()

        def release() -> None:
            released.set()
            other.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])

        timer = threading.Timer(LONG_S, release)
        timer.start()
        migrate.upgrade(impatient)
        assert released.is_set()
        timer.join()


def test_a_migration_may_take_longer_than_a_request(patient: Engine, impatient: Engine) -> None:
    with patient.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    with patient.connect() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with patient.begin() as connection:
        connection.exec_driver_sql(SLOW)
    migrate.upgrade(impatient)
    with patient.connect() as connection:
        assert current_version(connection) == HEAD


def test_what_comes_after_a_migration_has_its_deadlines_again(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server alone: it is it who ends the statement, however late we hear of that.
    monkeypatch.setattr(engines, "STATEMENT_TIMEOUT_MS", 400)
    impatient = engines.make_engine(postgresql_url)
    migrate.upgrade(impatient)
    with impatient.connect() as connection:
        # The very connection that has migrated.
        assert impatient.pool.checkedin() == 0  # type: ignore[attr-defined]
        driver = connection.connection.dbapi_connection
        assert driver is not None
        assert driver.patience == engines.ANSWER_TIMEOUT_S
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.exec_driver_sql(f"SELECT pg_sleep({LONG_S})")
    impatient.dispose()


def test_a_database_that_is_new_is_opened_while_somebody_writes(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("CREATE TABLE things (thing)")
    writer.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: writer.execute("COMMIT")).start()
    engine = engines.make_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()
    writer.close()


@pytest.fixture
def cursors(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One for each question, by whichever way it is asked."""
    made: list[object] = []
    make = _ConnectionFairy.cursor

    def counted(self: _ConnectionFairy, *arguments: Any, **options: Any) -> Any:
        made.append(make(self, *arguments, **options))
        return made[-1]

    monkeypatch.setattr(_ConnectionFairy, "cursor", counted)
    return made


@pytest.mark.parametrize(
    ("deadline", "question", "refused"),
    [
        pytest.param("LOCK_TIMEOUT_MS", select(User.id), psycopg.errors.LockNotAvailable, id="a lock"),
        pytest.param(
            "STATEMENT_TIMEOUT_MS", select(text(f"pg_sleep({LONG_S})")), psycopg.errors.QueryCanceled, id="an answer"
        ),
    ],
)
def test_who_asks_first_of_all_waits_once(
    monkeypatch: pytest.MonkeyPatch,
    postgresql_url: str,
    cursors: list[object],
    deadline: str,
    question: Select[Any],
    refused: type[Exception],
) -> None:
    # This deadline alone, which the server keeps.
    monkeypatch.setattr(engines, deadline, 200)
    engine = engines.make_engine(postgresql_url)
    with engine.connect():
        cursors.clear()
    with psycopg.connect(postgresql_url) as other:
        other.execute("LOCK TABLE gatehouse_users")
        with pytest.raises(DependencyUnavailable) as caught:
            Database(lambda: engine).first(PreparedSelect(question), {})
    assert isinstance(caught.value.__cause__, OperationalError)
    assert isinstance(caught.value.__cause__.orig, refused)
    assert len(cursors) == 1
    engine.dispose()
