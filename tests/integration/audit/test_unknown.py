"""Whoever was refused and is unknown loses network and browser after a time, and nobody else does unnoticed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from flask_gatehouse.audit.erasure import erase_unknown
from flask_gatehouse.audit.verifying.unknown import Unknown
from flask_gatehouse.kernel.context import Actor
from tests.integration.audit.thief import START, Thief, Trail, first
from tests.trail import said, told

STRANGER = Actor(ip="198.51.100.1", user_agent="Stranger/1")
VALUES = "SELECT id, outcome, ip, personal FROM gatehouse_audit_events ORDER BY id"


def refuse(trail: Trail, count: int = 1) -> None:
    trail.happen(count, "authn_login_fail", actor=STRANGER, resource=None)


def erase(trail: Trail, before: datetime, after: int = 0, *, limit: int = 500) -> tuple[int, int]:
    with trail.database.transaction() as db:
        return erase_unknown(db, before, after, limit=limit)


def kept(trail: Trail) -> list[dict[str, str]]:
    """Return what is left of the values of refusals."""
    with trail.engine.connect() as connection:
        return [told(row.personal) for row in connection.execute(text(VALUES)) if row.outcome == "denied"]


@pytest.fixture
def refused(young_trail: Trail) -> Trail:
    """Five refusals in five minutes, and among them one of somebody who is known."""
    refuse(young_trail, 3)
    young_trail.happen(1, "authz_fail")
    refuse(young_trail, 2)
    young_trail.sign()
    return young_trail


def test_what_is_old_goes_and_the_trail_still_verifies(refused: Trail) -> None:
    last, erased = erase(refused, START + timedelta(minutes=4.5))
    assert (last, erased) == (5, 8)
    known = {"ip": "203.0.113.3", "user_agent": "Browser/1"}
    assert kept(refused) == [{}, {}, {}, known, {}, {"ip": STRANGER.ip, "user_agent": STRANGER.user_agent}]
    with refused.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM gatehouse_audit_events ORDER BY id DESC LIMIT 1")).one()
    assert (row.event, row.actor_kind) == ("personal_data_erased", "system")
    assert said(row.body) == {
        "reason": "retention",
        "subjects": [],
        "unknown_before": "2026-03-01T00:04:30.000000Z",
        "values": 8,
    }
    # The sealer need not have come yet.
    assert refused.verify().exit_code == 0
    refused.seal()
    assert refused.verify().exit_code == 0


def test_the_next_time_goes_on_where_this_one_ended(refused: Trail) -> None:
    assert erase(refused, START + timedelta(hours=1), limit=2) == (2, 4)
    assert erase(refused, START + timedelta(hours=1), 2, limit=2) == (4, 2)
    assert erase(refused, START + timedelta(hours=1), 4, limit=9) == (6, 4)
    count = len(kept(refused))
    assert erase(refused, START + timedelta(hours=1), 6) == (6, 0)
    assert len(kept(refused)) == count
    refused.seal()
    assert refused.verify().exit_code == 0


def test_values_that_are_too_young_are_not_explained(refused: Trail) -> None:
    """Somebody waits for retention, and takes along what is newer."""
    erase(refused, START + timedelta(minutes=1.5))
    Thief(refused.engine).run("UPDATE gatehouse_audit_events SET ip = NULL, personal = NULL WHERE id = 6")
    assert first(refused.verify()) == ("unrecorded erasure", 5, 5)
    refused.seal()
    assert first(refused.verify()) == ("unrecorded erasure", 5, 5)


def test_an_event_explains_nothing_that_is_written_after_it(refused: Trail) -> None:
    with refused.database.transaction() as db:
        erase_unknown(db, START + timedelta(days=1), 0)
    refuse(refused)
    refused.seal()
    Thief(refused.engine).run("UPDATE gatehouse_audit_events SET ip = NULL, personal = NULL WHERE id = 8")
    assert first(refused.verify()) == ("unrecorded erasure", 7, 7)


@pytest.mark.parametrize("moment", [None, 1, "", "9999", "2026-03-02T00:00:00Z", ["2026-03-02T00:00:00.000000Z"]])
def test_what_is_no_moment_explains_nothing(refused: Trail, moment: object) -> None:
    Thief(refused.engine).run("UPDATE gatehouse_audit_events SET ip = NULL, personal = NULL WHERE id = 1")
    refused.happen(1, "personal_data_erased", details={"subjects": [], "unknown_before": moment})
    refused.seal()
    assert first(refused.verify()) == ("unrecorded erasure", 0, 0)
    refused.happen(1, "personal_data_erased", details={"unknown_before": "2026-03-02T00:00:00.000000Z"})
    refused.seal()
    assert refused.verify().exit_code == 0


def test_an_erasure_of_a_person_explains_nobody_unknown(refused: Trail) -> None:
    Thief(refused.engine).run("UPDATE gatehouse_audit_events SET ip = NULL, personal = NULL WHERE id = 1")
    refused.happen(1, "personal_data_erased", details={"subjects": ["user:1", None]})
    refused.seal()
    assert first(refused.verify()) == ("unrecorded erasure", 0, 0)


class TestAnHour:
    def test_the_first_one_is_named_while_nothing_is_explained(self) -> None:
        unknown = Unknown()
        for minute in (5, 3, 9):
            unknown.add(f"2026-03-01T00:0{minute}:00.000000", (1, minute))
        assert list(unknown.places()) == [(1, 3)]
        assert unknown.explain("2026-03-01T00:03:00.000000") == 0
        # Of what lies between, nobody knows any more whether it was before.
        assert unknown.explain("2026-03-01T00:06:00.000000") == 1
        assert list(unknown.places()) == [(1, 9)]
        assert unknown.explain("2026-03-01T00:09:00.000000") == 0
        assert unknown.explain("2026-03-01T00:09:00.000001") == 1
        assert list(unknown.places()) == []

    def test_ten_years_are_few_hours(self) -> None:
        unknown, other = Unknown(), Unknown()
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        for number in range(5000):
            at = (moment + timedelta(minutes=number)).replace(tzinfo=None).isoformat(timespec="microseconds")
            (unknown if number % 2 else other).add(at, (1, number))
        unknown.add_all(other)
        assert len(unknown.hours) == 84
        assert min(unknown.places()) == (1, 0)
