"""The database itself keeps events from being changed: they are added, lose personal values, and leave by retention."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from flask_gatehouse.audit import record
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.kernel.context import Actor
from tests.integration.conftest import House

EVENTS = "gatehouse_audit_events"
ADA = Actor(user_id=12, session_id="s" * 22, ip="192.0.2.7", user_agent="Browser/1", kind="user", request_id="r")
ERASABLE = {"ip", "personal"}
COLUMNS = [column.name for column in AuditEventRow.__table__.columns]
OTHER_VALUES: dict[str, object] = {"id": 99, "actor_id": 99, "occurred_at": "2026-01-01 00:00:00.000000"}


@pytest.fixture
def told(house: House) -> House:
    """A trail of three events, of which the first two are sealed."""
    with house.database.transaction() as db:
        for number in (1, 2):
            record("article.published", resource=("article", number), session=db, actor=ADA)
    Sealer(house.database, "gate.example.com").seal()
    with house.database.transaction() as db:
        record("article.published", resource=("article", 3), session=db, actor=ADA)
    return house


def run(engine: Engine, statement: str, **values: object) -> int:
    with engine.begin() as connection:
        return int(connection.execute(text(statement), values).rowcount)


def is_refused(house: House, statement: str, **values: object) -> None:
    before = house.contents()
    with pytest.raises(DBAPIError, match="append-only"):
        run(house.database.engine, statement, **values)
    assert house.contents() == before


def personal_of(house: House, number: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(house.trail()[number - 1].personal or "{}")
    return content


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in ERASABLE])
def test_nothing_but_personal_values_can_be_changed(told: House, column: str) -> None:
    value = OTHER_VALUES.get(column, "denied")
    is_refused(told, f"UPDATE {EVENTS} SET {column} = :value WHERE id = 3", value=value)


@pytest.mark.parametrize("column", ["actor_id", "session_id", "target_type", "target_id", "request_id"])
def test_nor_taken_away(told: House, column: str) -> None:
    is_refused(told, f"UPDATE {EVENTS} SET {column} = NULL WHERE id = 3")


def test_what_changes_nothing_is_no_change(told: House) -> None:
    assert run(told.database.engine, f"UPDATE {EVENTS} SET body = body, personal = personal, ip = ip") == 3


def test_an_address_can_only_go(told: House) -> None:
    is_refused(told, f"UPDATE {EVENTS} SET ip = '192.0.2.8' WHERE id = 3")
    assert run(told.database.engine, f"UPDATE {EVENTS} SET ip = NULL WHERE id = 3") == 1
    is_refused(told, f"UPDATE {EVENTS} SET ip = '192.0.2.7' WHERE id = 3")


def test_personal_values_can_only_go(told: House) -> None:
    kept = personal_of(told, 3)
    change = f"UPDATE {EVENTS} SET personal = :personal WHERE id = 3"

    def written(value: object) -> str:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    for other in (
        kept | {"name": {"salt": "00", "value": "Ada"}},
        kept | {"ip": {"salt": kept["ip"]["salt"], "value": "192.0.2.8"}},
        kept | {"ip": {"salt": "00" * 32, "value": kept["ip"]["value"]}},
        {"ip": {"value": kept["ip"]["value"]}},
        {"ip": written(kept["ip"])},
        {"name": kept["ip"]},
    ):
        is_refused(told, change, personal=written(other))
    engine = told.database.engine
    assert run(engine, change, personal=written({"user_agent": kept["user_agent"]})) == 1
    is_refused(told, change, personal=written(kept))
    assert run(engine, change, personal=None) == 1
    is_refused(told, change, personal=written(kept))


@pytest.mark.parametrize("personal", ["", "nonsense", '"text"', "[1]", "7"])
def test_what_are_no_personal_values_is_refused(told: House, personal: str) -> None:
    before = told.contents()
    with pytest.raises(DBAPIError):
        run(told.database.engine, f"UPDATE {EVENTS} SET personal = :personal WHERE id = 3", personal=personal)
    assert told.contents() == before


@pytest.mark.parametrize("number", [1, 3])
def test_an_event_cannot_be_deleted_sealed_or_not(told: House, number: int) -> None:
    is_refused(told, f"DELETE FROM {EVENTS} WHERE id = {number}")
    is_refused(told, f"DELETE FROM {EVENTS}")


def test_an_event_before_the_cut_can_leave_and_no_other(told: House) -> None:
    engine = told.database.engine
    run(engine, "UPDATE gatehouse_audit_trees SET cut = 1")
    is_refused(told, f"DELETE FROM {EVENTS} WHERE id = 2")
    is_refused(told, f"DELETE FROM {EVENTS}")
    assert run(engine, f"DELETE FROM {EVENTS} WHERE id = 1") == 1


def test_an_event_cannot_be_replaced(told: House) -> None:
    columns = ", ".join(COLUMNS)
    if told.database.engine.dialect.name == "sqlite":
        is_refused(told, f"INSERT OR REPLACE INTO {EVENTS} SELECT {columns} FROM {EVENTS} WHERE id = 1")
        is_refused(told, f"REPLACE INTO {EVENTS} SELECT 1, {', '.join(COLUMNS[1:])} FROM {EVENTS} WHERE id = 3")
        is_refused(told, f"UPDATE OR REPLACE {EVENTS} SET id = 1 WHERE id = 3")
        return
    is_refused(
        told,
        f"INSERT INTO {EVENTS} SELECT {columns} FROM {EVENTS} WHERE id = 1"
        " ON CONFLICT (id) DO UPDATE SET body = 'another'",
    )
    is_refused(told, f"TRUNCATE {EVENTS}")
    is_refused(told, f"TRUNCATE {EVENTS} CASCADE")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_table_of_ones_own_does_not_say_what_has_left(told: House) -> None:
    """Whoever can make a temporary table could otherwise put one before the tree's. SQLite knows no such difference."""
    with told.database.engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE gatehouse_audit_trees AS SELECT 1 AS epoch, 99 AS cut"))
        connection.execute(text("CREATE TEMPORARY TABLE gatehouse_audit_leaves AS SELECT 1 AS epoch, 1 AS event_id"))
        connection.execute(text("ALTER TABLE pg_temp.gatehouse_audit_leaves ADD COLUMN position integer DEFAULT 0"))
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(f"DELETE FROM {EVENTS} WHERE id = 1"))


def test_new_events_are_as_welcome_as_before(told: House) -> None:
    with told.database.transaction() as db:
        record("article.published", resource=("article", 4), session=db, actor=ADA)
    assert len(told.events()) == 4
