"""Transactions, types and clocks on both databases."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, inspect, literal, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.db import migrate
from flask_gatehouse.db.base import CONDITION, Base, UtcDateTime, database_now
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.prepared import PreparedSelect
from flask_gatehouse.db.schema import HEAD, current_version
from tests.integration.conftest import House

MIGRATE = "import sys; from flask_gatehouse.db import engine, migrate; migrate.upgrade(engine.make_engine(sys.argv[1]))"
TRIGRAMS = "ix_gatehouse_users_search_trigrams"
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def user(**changes: Any) -> dict[str, Any]:
    return {"name": "Ada", "role": Role.VIEWER, "created_at": NOON} | changes


class TestTransactions:
    def test_a_block_that_ends_well_commits(self, database: Database) -> None:
        with database.transaction() as db:
            db.execute(insert(User), user())
        with database.reading() as connection:
            assert connection.execute(select(User.name)).scalars().all() == ["Ada"]

    def test_a_block_that_raises_leaves_nothing(self, database: Database) -> None:
        def fail() -> None:
            with database.transaction() as db:
                db.execute(insert(User), user())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with database.reading() as connection:
            assert connection.execute(select(User.name)).scalars().all() == []

    def test_nothing_is_lost_where_many_read_and_then_write(self, database: Database) -> None:
        """Deferred transactions of SQLite lost half of such updates, and no error was raised."""
        with database.transaction() as db:
            db.execute(insert(User), user())

        def raise_version(_: int) -> None:
            with database.transaction() as db:
                version = db.scalars(select(User.version).with_for_update()).one()
                db.execute(update(User).values(version=version + 1))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(raise_version, range(40)))
        with database.reading() as connection:
            assert connection.execute(select(User.version)).scalar_one() == 41

    def test_a_mistake_of_ours_is_not_a_database_that_is_away(self, database: Database) -> None:
        with pytest.raises(IntegrityError), database.transaction() as db:
            db.execute(insert(User), [user(email="ada@example.com"), user(email="ada@example.com")])


class TestMoments:
    def test_they_come_back_aware_and_to_the_microsecond(self, database: Database) -> None:
        nepal = timezone(timedelta(hours=5, minutes=45))
        with database.transaction() as db:
            db.execute(insert(User), user(created_at=NOON.astimezone(nepal)))
        with database.reading() as connection:
            found = connection.execute(select(User.created_at)).scalar_one()
        assert found == NOON
        assert found.tzinfo is UTC

    def test_a_naive_one_is_refused(self, database: Database) -> None:
        with pytest.raises(StatementError, match="naive"), database.transaction() as db:
            db.execute(insert(User), user(created_at=NOON.replace(tzinfo=None)))

    def test_the_databases_clock_is_utc_and_moves_within_a_transaction(self, database: Database) -> None:
        with database.transaction() as db:
            first = db.scalars(select(database_now())).one()
            db.execute(
                text("SELECT pg_sleep(0.01)") if database.engine.dialect.name == "postgresql" else text("SELECT 1")
            )
            second = db.scalars(select(database_now())).one()
        assert first.tzinfo is UTC
        assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)
        assert second >= first if database.engine.dialect.name == "sqlite" else second > first

    def test_stored_and_current_moments_compare_as_moments(self, database: Database) -> None:
        """On SQLite both are text: one digit less, and a session would end at once or never."""
        for offset, expected in ((timedelta(seconds=-1), True), (timedelta(minutes=1), False)):
            moment = datetime.now(UTC).replace(microsecond=0) + offset
            with database.reading() as connection:
                earlier = literal(moment, UtcDateTime()) < database_now()
                assert bool(connection.execute(select(earlier)).scalar_one()) is expected

    def test_whole_seconds_sort_among_fractions(self, database: Database) -> None:
        moments = [NOON.replace(microsecond=us) for us in (999999, 0, 1, 500000)]
        with database.transaction() as db:
            db.execute(insert(User), [user(created_at=moment) for moment in moments])
        with database.reading() as connection:
            assert list(connection.execute(select(User.created_at).order_by(User.created_at)).scalars()) == sorted(
                moments
            )


def test_an_unknown_role_is_refused_by_the_database_itself(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as db:
        db.execute(text("INSERT INTO gatehouse_users (name, role, created_at) VALUES ('x', 'root', '2026-01-01')"))


def test_an_engine_that_is_exchanged_is_asked_from_then_on(
    engine: Engine, sqlite_template: Path, tmp_path: Path
) -> None:
    """A host's tests do that: what was isolated for the old one would look into a database that is gone."""
    other = make_engine(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'other.db')}")
    engines = [engine, other]
    database, names = Database(lambda: engines[0]), PreparedSelect(select(User.name))
    for expected in (("Ada",), None):
        if expected is not None:
            with database.transaction() as db:
                db.execute(insert(User), user())
        found = database.first(names, {})
        assert found == expected
        with database.reading() as connection:
            assert connection.execute(names.statement).first() == expected
        with database.transaction() as db:
            assert db.execute(names.statement).first() == expected
        engines.reverse()
    other.dispose()


def test_our_own_sqlite_enforces_foreign_keys_and_waits_for_locks(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "journal_mode", "synchronous", "busy_timeout", "secure_delete")
        }
    engine.dispose()
    assert pragmas == {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }


def test_our_own_postgresql_connections_have_deadlines(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    with engine.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("statement_timeout", "lock_timeout", "timezone")
        ]
    engine.dispose()
    assert settings == ["10s", "5s", "UTC"]


class TestMigrations:
    def test_they_arrive_at_the_newest(self, house: House) -> None:
        with house.database.reading() as connection:
            assert current_version(connection) == HEAD

    def test_doing_it_again_changes_nothing(self, house: House) -> None:
        house.join("ada")
        before = house.contents()
        migrate.upgrade(house.database.engine)
        assert house.contents() == before

    def test_they_make_what_the_models_say(self, database: Database) -> None:
        """A column that only the models know is a 500 after the next update."""
        made = create_engine("sqlite://")
        Base.metadata.create_all(made)
        expected, found = inspect(made), inspect(database.engine)
        for table in Base.metadata.tables:
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table)}
            assert columns == {column["name"]: column["nullable"] for column in expected.get_columns(table)}
            indexes = {(index["name"], tuple(index["column_names"])) for index in found.get_indexes(table)}
            wanted = {(index["name"], tuple(index["column_names"])) for index in expected.get_indexes(table)}
            uniques = {unique["name"] for unique in found.get_unique_constraints(table)}
            # The index of trigrams is PostgreSQL's alone, and where it may not be made it is missing.
            assert {index for index in indexes if index[0] not in {*uniques, TRIGRAMS}} == wanted
            assert uniques == {unique["name"] for unique in expected.get_unique_constraints(table)}
        made.dispose()

    def test_they_make_indexes_of_the_rows_that_the_models_say(self, database: Database) -> None:
        """Of more rows, each event and each user would be written twice; of fewer, a question would find too little."""
        found, dialect = inspect(database.engine), database.engine.dialect.name
        for table in Base.metadata.tables.values():
            conditions = {index["name"]: index.get("dialect_options", {}) for index in found.get_indexes(table.name)}
            for index in table.indexes:
                made = conditions[index.name].get(f"{dialect}_where")
                # PostgreSQL repeats it with what it has understood.
                assert made is None or re.sub(r"::text|[()]", "", str(made)) == index.info.get(CONDITION)
                assert (made is None) is (CONDITION not in index.info)

    def test_two_nodes_may_start_at_once(self, postgresql_url: str) -> None:
        engine = make_engine(postgresql_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        command = [sys.executable, "-c", MIGRATE, postgresql_url]
        nodes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
        assert [(node.communicate(timeout=300)[1], node.returncode) for node in nodes] == [(b"", 0)] * 2
        with engine.connect() as connection:
            assert current_version(connection) == HEAD
        engine.dispose()

    def test_a_hosts_autogenerate_leaves_our_tables_alone(self) -> None:
        table = Base.metadata.tables["gatehouse_users"]
        assert not migrate.include_object(table, table.name, "table", reflected=True, compare_to=None)
        assert not migrate.include_object(next(iter(table.indexes)), "ix", "index", reflected=True, compare_to=None)
        assert migrate.include_object(object(), "articles", "table", reflected=True, compare_to=None)
