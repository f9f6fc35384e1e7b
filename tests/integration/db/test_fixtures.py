"""What the other tests stand on: fresh, migrated databases of both kinds."""

import os

import psycopg
import redis
from sqlalchemy import inspect, text

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.databases import WorkerDatabase


def test_each_database_is_migrated_and_empty(database: Database) -> None:
    assert {"gatehouse_users", "gatehouse_sessions"} <= set(inspect(database.engine).get_table_names())
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM gatehouse_users")).scalar_one() == 0


def test_redis_answers_and_is_empty(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    assert client.dbsize() == 0
    client.close()


def test_nothing_of_a_developers_configuration_is_in_reach() -> None:
    assert not [name for name in os.environ if name.startswith(("GATEHOUSE_", "DATABASE_URL", "SECRET_KEY"))]


def test_what_a_test_leaves_behind_is_gone_in_the_next(postgresql_database: WorkerDatabase) -> None:
    """Rows, tables, triggers and columns; connections too, which would hold locks."""
    for change in (
        "INSERT INTO gatehouse_users (name, role, created_at) VALUES ('Ada', 'viewer', now())",
        "CREATE TABLE articles (id int)",
        "ALTER TABLE gatehouse_users ADD COLUMN nickname text",
        "DROP INDEX ix_gatehouse_identities_user_id",
        "DROP SCHEMA public CASCADE",
    ):
        forgotten = psycopg.connect(postgresql_database.fresh())
        names = "SELECT count(*) FROM gatehouse_users UNION ALL SELECT count(*) FROM pg_class WHERE relname LIKE 'art%'"
        assert forgotten.execute(names).fetchall() == [(0,), (0,)]
        with psycopg.connect(postgresql_database.fresh()) as connection:
            connection.execute(change)
        forgotten.close()
    engine = make_engine(postgresql_database.fresh())
    assert "nickname" not in {column["name"] for column in inspect(engine).get_columns("gatehouse_users")}
    engine.dispose()
