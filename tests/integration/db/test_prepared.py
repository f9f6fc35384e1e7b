"""The SELECT of every request goes past SQLAlchemy's way to the driver, and keeps all that this way is good for."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, bindparam, create_engine, event, make_url, select, text
from sqlalchemy.exc import DBAPIError

from flask_gatehouse.accounts.models import User
from flask_gatehouse.db.database import Database, SchemaMissing
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.prepared import PreparedSelect
from flask_gatehouse.sessions.lookup import LOOKUP, digest_of
from tests.integration.conftest import House

NAME = PreparedSelect(select(User.name).where(User.id == bindparam("number")))


class Interrupted(BaseException):
    """What a server raises in whatever a thread does, as greenlets and signals do."""


def test_it_finds_what_sqlalchemy_finds_of_every_type(house: House) -> None:
    begun = house.enter(house.join("ada"))
    question = {"digest": digest_of(begun.token)}
    own = house.database.first(LOOKUP, question)
    assert own is not None
    listened: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *told: listened.append(told[2]))
    theirs = house.database.first(LOOKUP, question)
    assert theirs is not None
    assert len(listened) == 1, "a listener of the host has not seen it"
    # All but the clock, which has gone on.
    clock = 10
    assert [*own[:clock], *own[clock + 1 :]] == [*theirs[:clock], *theirs[clock + 1 :]]
    assert [type(value) for value in own] == [type(value) for value in theirs]
    assert own[clock].utcoffset() == theirs[clock].utcoffset()


def test_the_driver_is_asked_past_sqlalchemy_on_every_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our view of an engine has a listener that isolates connections, which is no arrangement of a host."""
    asked: list[str] = []
    monkeypatch.setattr(Connection, "execute", lambda self, statement, *told: asked.append(str(statement)))
    assert database.first(NAME, {"number": 1}) is None
    assert not asked


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_request_does_not_pay_for_moments_that_no_driver_reads(database: Database, database_url: str) -> None:
    """They are guarded in a second question, which is asked where the first one is refused."""
    assert database.first(LOOKUP, {"digest": bytes(32)}) is None
    with psycopg.connect(database_url) as other:
        ((query,),) = other.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchall()
    assert "gatehouse_sessions.expires_at" in query
    assert "BETWEEN" not in query


def test_nobody_is_found_where_nobody_is(database: Database) -> None:
    assert database.first(NAME, {"number": 1}) is None


def test_a_table_that_is_missing_is_told_with_its_remedy(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gatehouse_users RENAME TO elsewhere")
    with pytest.raises(SchemaMissing, match="gatehouse db upgrade"):
        database.first(NAME, {"number": 1})


def test_a_mistake_is_told_without_its_parameters_and_keeps_the_connection(database: Database) -> None:
    with database.reading() as connection:
        before = id(connection.connection.dbapi_connection)
    wrong = PreparedSelect(select(text("1 FROM FROM :secret").bindparams(secret="hunter2")))
    with pytest.raises(DBAPIError, match="syntax error") as caught:
        database.first(wrong, {"secret": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert not caught.value.connection_invalidated
    with database.reading() as connection:
        assert id(connection.connection.dbapi_connection) == before


def test_a_connection_that_was_interrupted_is_nobodys_any_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer may still come, and would be read by whoever asks next: for the session of somebody else."""
    with database.engine.connect() as connection:
        used: Any = connection.connection.dbapi_connection
    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.pool.base._ConnectionFairy.cursor", lambda self: _Interrupting())
        with pytest.raises(Interrupted):
            database.first(NAME, {"number": 1})
    with database.engine.connect() as connection:
        assert connection.connection.dbapi_connection is not used


class _Interrupting:
    def execute(self, *asked: Any) -> None:
        raise Interrupted


@pytest.fixture
def engine_of_a_host(postgresql_url: str) -> Iterator[Engine]:
    """One that does not look whether a connection of its pool still lives."""
    engine = create_engine(make_url(postgresql_url).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


def test_of_many_connections_that_died_in_a_hosts_pool_only_one_is_tried(
    engine_of_a_host: Engine, postgresql_url: str
) -> None:
    with engine_of_a_host.connect(), engine_of_a_host.connect(), engine_of_a_host.connect():
        pass
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert Database(lambda: engine_of_a_host).first(PreparedSelect(select(text("1"))), {}) == (1,)


def test_one_that_takes_no_question_any_more_costs_nobody_a_thing(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        used: Any = connection.connection.dbapi_connection
    used.close()
    assert Database(lambda: engine).first(NAME, {"number": 1}) is None
    engine.dispose()


def test_a_host_that_listens_for_failures_hears_of_them(database: Database) -> None:
    heard: list[str] = []
    event.listen(database.engine, "handle_error", lambda told: heard.append(told.statement))
    wrong = PreparedSelect(select(text("1 FROM FROM nowhere")))
    with pytest.raises(DBAPIError):
        database.first(wrong, {})
    assert heard == ["SELECT 1 FROM FROM nowhere"]


def test_a_host_that_exchanges_schemas_has_hers_asked(database: Database) -> None:
    """By the driver alone it would be the sessions of whoever lives in the schema that comes first."""
    view = database.engine.execution_options(schema_translate_map={None: "tenant"})
    with pytest.raises(SchemaMissing):
        Database(lambda: view).first(NAME, {"number": 1})


def test_a_log_of_statements_has_it(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    # An engine asks once how its log is set.
    with caplog.at_level("INFO", logger="sqlalchemy.engine"):
        engine = create_engine(database.engine.url)
        Database(lambda: engine).first(NAME, {"number": 1})
        engine.dispose()
    assert any("gatehouse_users" in message for message in caplog.messages)


def test_a_transaction_sees_what_was_committed_while_it_waited(postgresql_url: str) -> None:
    """A host's own level would show it the rights that somebody had before it waited for their lock."""
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="REPEATABLE READ")
    with Database(lambda: engine).transaction() as db:
        assert db.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
    with engine.connect() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
    engine.dispose()
