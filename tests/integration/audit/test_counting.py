"""The figures of the chart against the events themselves."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings, strategies as st

from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.audit.counting import sign_ins_and_refusals
from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.db.database import Database

START = datetime(2026, 3, 28, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Three days, one of which has 23 hours in some places: what counts is UTC.
HOURS = 72
EVENTS = (
    *(AuditEvent.LOGIN_SUCCESS, AuditEvent.LOGIN_FAIL, AuditEvent.AUTHZ_FAIL, AuditEvent.USER_UPDATED, "a.host.own"),
    # Refused, and of no interest to whoever looks at the chart.
    AuditEvent.SESSION_USE_AFTER_EXPIRE,
)
Happening = tuple[datetime, str, Outcome | None]


@pytest.fixture
def happenings(database: Database) -> Sequence[Happening]:
    made: list[Happening] = [
        (START + number * timedelta(minutes=37), EVENTS[number * 7 % 6], Outcome.DENIED if number % 11 == 0 else None)
        for number in range(HOURS * 60 // 37)
    ]
    with database.transaction() as db:
        for moment, event, outcome in made:
            with time_machine.travel(moment, tick=False):
                record(event, outcome=outcome, session=db)
    Sealer(database, "gate.example.com").seal()
    return made


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(hours=st.tuples(st.integers(0, HOURS), st.integers(0, HOURS)), by_hour=st.booleans())
def test_counts_are_those_of_the_events(
    database: Database, happenings: Sequence[Happening], hours: tuple[int, int], by_hour: bool
) -> None:
    since, until = (START + HOUR * hour for hour in hours)
    came_in, refused = Counter[datetime](), Counter[datetime]()
    for moment, event, outcome in happenings:
        bucket = moment.replace(minute=0, second=0) if by_hour else moment.replace(hour=0, minute=0, second=0)
        if since <= moment < until:
            came_in[bucket] += event == AuditEvent.LOGIN_SUCCESS
            is_refused = outcome is Outcome.DENIED or event in {AuditEvent.LOGIN_FAIL, AuditEvent.AUTHZ_FAIL}
            refused[bucket] += is_refused and event != AuditEvent.SESSION_USE_AFTER_EXPIRE
    with database.reading() as connection:
        counted = sign_ins_and_refusals(connection, since, until, by_hour=by_hour)
    assert counted == {hour: (came_in[hour], refused[hour]) for hour in came_in if came_in[hour] or refused[hour]}


def test_nothing_is_counted_before_it_is_sealed(database: Database) -> None:
    with database.transaction() as db:
        record(AuditEvent.LOGIN_SUCCESS, session=db)
    with database.reading() as connection:
        assert sign_ins_and_refusals(connection, START, START + timedelta(days=3650), by_hour=True) == {}
