"""What the look-up of an ordinary request costs: one SELECT, no transaction, one retry after a broken connection."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.sessions.lookup import find_session
from tests.integration.conftest import House
from tests.services import Services


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[str]]:
    """Collect what SQLAlchemy hands to the driver."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_it_is_one_select(house: House) -> None:
    begun = house.enter(house.join("ada"))
    with statements_of(house.database.engine) as seen:
        house.find(begun)
    assert [statement.split()[0] for statement in seen] == ["SELECT"]


def test_a_value_that_cannot_be_a_token_costs_nothing(house: House) -> None:
    with statements_of(house.database.engine) as seen:
        assert find_session(house.database, "x" * 5000) is None
    assert seen == []


@pytest.fixture
def probe(postgresql_url: str) -> Iterator[Database]:
    """A database whose statements can be told from everybody else's in the server's log."""
    engine = make_engine(f"{postgresql_url}&application_name=probe_{postgresql_url.partition('?')[0][-8:]}")
    yield Database(lambda: engine)
    engine.dispose()


def round_trips(services: Services, name: str) -> list[str]:
    """Return the first word of all that this client has sent, in PostgreSQL's own words."""
    assert services.postgresql_log is not None
    lines = services.postgresql_log.read_text(errors="replace").splitlines()
    pattern = re.compile(rf"{re.escape(name)}\|LOG:  (?:statement|execute [^:]+): (\w+)")
    return [match[1] for line in lines if (match := pattern.match(line))]


def test_postgresql_is_asked_once_and_sees_no_transaction(services: Services, probe: Database) -> None:
    house = House(probe)
    begun = house.enter(house.join("ada"))
    house.find(begun)
    name = str(probe.engine.url.query["application_name"])
    before = round_trips(services, name)
    assert {"BEGIN", "COMMIT", "INSERT"} <= set(before)
    for _ in range(3):
        house.find(begun)
    assert round_trips(services, name)[len(before) :] == ["SELECT"] * 3


def test_the_pool_survives_a_transaction_after_a_look_up(house: House) -> None:
    """Autocommit and transactions share connections; one must not leak into the other."""
    ada = house.join("ada")
    begun = house.enter(ada)
    for _ in range(3):
        house.find(begun)
        with house.database.transaction() as db:
            db.execute(text("UPDATE gatehouse_users SET name = 'Eve' WHERE id = :id"), {"id": ada.id})
            db.rollback()
        assert house.find(begun).name == "Ada"


def test_a_connection_that_died_in_the_pool_costs_one_more_attempt(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    house = House(Database(lambda: engine))
    begun = house.enter(house.join("ada"))
    house.find(begun)
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert house.find(begun).name == "Ada"
    engine.dispose()


def test_a_database_that_is_away_is_told_from_a_session_that_is_unknown() -> None:
    engine = make_engine("postgresql://gate@/gate?host=/nonexistent")
    with pytest.raises(DependencyUnavailable) as caught:
        find_session(Database(lambda: engine), "A" * 43)
    assert caught.value.dependency == "database"
    assert "nonexistent" not in str(caught.value)
    engine.dispose()
