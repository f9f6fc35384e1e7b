"""What the other tests stand on: fresh, migrated databases of both kinds."""

import os

import redis
from sqlalchemy import inspect, text

from flask_gatehouse.db.database import Database


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
