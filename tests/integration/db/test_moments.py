"""A database keeps moments that Python knows nothing of: they stop nobody, and let nobody in."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, insert, select, text

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.reading import read_page
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.text import duration
from flask_gatehouse.sessions.rules import Limits, ended
from tests.integration.audit.thief import Thief
from tests.integration.conftest import House

DAY = timedelta(hours=24)
# A column of SQLite's keeps whatever it is given.
NO_MOMENTS: dict[str, tuple[object, ...]] = {
    "sqlite": (
        *("", "soon", "2026-13-01 00:00:00.000000", "2026-11-27 10:00:00+02:00", b"2026-11-27 10:00:00.000000", 7),
        *("2026-11-27", "0001-01-01 00:00:00.000000", "9999-12-29 00:00:00.000000", "9999-12-31 23:59:59.999999"),
    ),
    "postgresql": (
        *("infinity", "-infinity", "0044-03-15 12:00:00 BC", "0001-01-01 00:00:00", "10000-01-01 00:00:00"),
        *("0001-01-03 00:00:00", "9999-12-29 00:00:00", "9999-12-31 23:59:59"),
    ),
}
FIRST, LAST = datetime(100, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
STORED = [(kind, stored) for kind, moments in NO_MOMENTS.items() for stored in moments]


@pytest.mark.parametrize(("database_url", "stored"), STORED, indirect=["database_url"], ids=str)
def test_what_is_no_moment_stops_no_reader_and_opens_no_session(database: Database, stored: object) -> None:
    house = House(database)
    begun = house.enter(house.join("ada"))
    Thief(database.engine).run(
        "UPDATE gatehouse_users SET created_at = :stored",
        "UPDATE gatehouse_audit_events SET occurred_at = :stored",
        "UPDATE gatehouse_sessions SET last_seen_at = :stored",
        stored=stored,
    )
    with database.transaction() as db:
        assert db.query(User).one().created_at.year == 1970
    with database.reading() as connection:
        assert {event.occurred_at.year for event in read_page(connection, TrailQuery()).events} == {1970}
        assert connection.execute(select(func.max(AuditEventRow.occurred_at).label("latest"))).one().latest.year == 1970
    assert ended(house.find(begun).times, Limits(idle=DAY, absolute=DAY)), "she is let in"
    # She comes by a connection that has met that moment before.
    again = house.enter(house.join("grace"))
    assert ended(house.find(again).times, Limits(idle=DAY, absolute=DAY)) is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_first_and_the_last_moments_are_read_in_every_zone(database: Database, zone: str) -> None:
    # psycopg moves what it reads into the zone, which may lie on another day, and in a year that there is not.
    with database.reading() as connection:
        connection.execute(text(f"SET timezone = '{zone}'"))
        found = _read(connection, *((1, 1, 1), (1, 1, 3), (100, 1, 1), (9900, 1, 1), (9999, 12, 28), (9999, 12, 31)))
        # Nobody else is to get it in that zone.
        connection.invalidate()
    assert found == [LONG_AGO, LONG_AGO, FIRST, LAST, LONG_AGO, LONG_AGO]


def test_the_time_that_a_setting_says_can_be_added_to_whatever_is_read(database: Database) -> None:
    with database.reading() as connection:
        found = _read(connection, *((1, 1, 1), (1, 1, 3), (99, 12, 31), (100, 1, 1), (9900, 1, 1), (9900, 1, 2)))
    assert found == [LONG_AGO, LONG_AGO, LONG_AGO, FIRST, LAST, LONG_AGO]
    longest = duration("3650d")
    assert FIRST - longest < FIRST < LAST < LAST + longest


def _read(connection: Connection, *days: tuple[int, int, int]) -> Sequence[datetime]:
    """Return the moments of these days as they are read."""
    moments = [datetime(*day, tzinfo=UTC) for day in days]
    connection.execute(insert(User), [{"name": "Ada", "role": Role.VIEWER, "created_at": at} for at in moments])
    return connection.execute(select(User.created_at).order_by(User.id)).scalars().all()
