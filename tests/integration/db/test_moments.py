"""A column of SQLite's keeps whatever it is given: a moment that is none stops nobody, and lets nobody in."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from flask_gatehouse.accounts.models import User
from flask_gatehouse.audit.reading import read_page
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.sessions.rules import Limits, ended
from tests.integration.conftest import House

NO_MOMENTS = ("", "soon", "2026-13-01 00:00:00.000000", "2026-11-27 10:00:00+02:00", b"2026-11-27 10:00:00.000000", 7)


@pytest.mark.parametrize("stored", NO_MOMENTS, ids=str)
def test_what_is_no_moment_stops_no_reader_and_opens_no_session(sqlite_url: str, stored: object) -> None:
    engine = make_engine(sqlite_url)
    house = House(Database(lambda: engine))
    begun = house.enter(house.join("ada"))
    thief = create_engine(sqlite_url)
    with thief.begin() as connection:
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'gatehouse_audit_events'"
        for guard in connection.execute(text(guards)).scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        for column in ("gatehouse_users.created_at", "gatehouse_audit_events.occurred_at"):
            table, _, name = column.partition(".")
            connection.execute(text(f"UPDATE {table} SET {name} = :stored"), {"stored": stored})
        connection.execute(text("UPDATE gatehouse_sessions SET last_seen_at = :stored"), {"stored": stored})
    with house.database.transaction() as db:
        assert db.query(User).one().created_at.year == 1970
    with house.database.reading() as connection:
        assert read_page(connection, TrailQuery()).events
    day = timedelta(hours=24)
    assert ended(house.find(begun).times, Limits(idle=day, absolute=day)), "she is let in"
    thief.dispose()
    engine.dispose()
