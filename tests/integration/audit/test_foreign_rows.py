"""Whoever may add events can add a row that is none: nobody who reads the trail stops at it, and verification tells."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, literal_column

from flask_gatehouse.accounts.history import history_of_role
from flask_gatehouse.accounts.reviewing import review_standing
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.audit import AuditEvent, Personal, record
from flask_gatehouse.audit.body import canonical
from flask_gatehouse.audit.erasure import erase_personal
from flask_gatehouse.audit.exporting.writing import Export, Format, export_trail
from flask_gatehouse.audit.following import Place, SealedEvent, target_number
from flask_gatehouse.audit.history import latest_event
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.reading import UNREADABLE, names_in_use, read_page
from flask_gatehouse.audit.sealing import begin_epoch, seal_lag
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.audit.traces import events_about
from flask_gatehouse.audit.understanding import understood
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.kernel.text import duration
from flask_gatehouse.settings import Settings
from tests.integration.alerts.conftest import Desk
from tests.integration.audit.thief import Trail
from tests.integration.conftest import House

ADA = Actor(user_id=12, session_id="s" * 22, ip="2001:db8::12", user_agent="Browser/1", kind="user")


def real(event: str) -> dict[str, Any]:
    """Return what the body of an event of this name says."""
    return {
        "actor": {"id": 12, "kind": "user"},
        "at": "2026-03-01T00:00:00.000000Z",
        "change": {},
        "details": {},
        "event": event,
        "id": "019cabc4-5c00-7000-8000-000000000000",
        "node": "gate-1",
        "outcome": "success",
        "personal": {},
        "reason": None,
        "request": None,
        "session": None,
        "target": {"id": "12", "type": "user"},
        "v": 1,
    }


def bent(event: str, **changes: Any) -> str:
    return canonical(real(event) | changes)


BODIES: dict[str, Callable[[str], str]] = {
    "no JSON": lambda event: "x",
    "a list": lambda event: "[]",
    "nothing": lambda event: "{}",
    "deep": lambda event: "[" * 100_000,
    "no number": lambda event: bent(event).replace('"v":1', '"v":NaN'),
    "another version": lambda event: bent(event, v=2),
    "another order": lambda event: bent(event).replace('"v":1}', '"v":1 }'),
    "half a pair": lambda event: bent(event).replace("gate-1", "\\ud800"),
    "a change that is none": lambda event: bent(event, change={"role": 7}),
    "a change of one": lambda event: bent(event, change={"role": ["admin"]}),
    "changes in a list": lambda event: bent(event, change=[]),
    "nobody": lambda event: bent(event, actor=None),
    "a strange actor": lambda event: bent(event, actor={"id": "12", "kind": 3}),
    "a strange target": lambda event: bent(event, target={"id": 12, "type": "user"}),
    "a target without id": lambda event: bent(event, target={"type": "user"}),
    "no commitments": lambda event: bent(event, personal=None),
    "a strange commitment": lambda event: bent(event, personal={"email": 3}),
    "a strange owner": lambda event: bent(event, personal={"email": {"commitment": "", "of": []}}),
    "another outcome": lambda event: bent(event, outcome="who knows"),
    "another event": lambda event: bent("user_updated" if event != "user_updated" else "user_erased"),
}
EVENTS = [AuditEvent.AUTHZ_CHANGE, AuditEvent.VERIFY_FAILED, AuditEvent.INVITE_CREATED]


def plant(
    database: Database,
    body: Any,
    *,
    event: Any = AuditEvent.AUTHZ_CHANGE,
    target: int = 12,
    personal: Any = "{",
    at: datetime | None = None,
) -> None:
    """Add a row as an application that somebody has broken into could."""
    row = {
        "occurred_at": at or utc_now(),
        "event": event,
        "outcome": "success",
        "actor_id": 12,
        "actor_kind": "user",
        "target_type": "user",
        "target_id": str(target),
        "personal": personal,
        "body": body,
    }
    with database.transaction() as db:
        db.execute(insert(AuditEventRow).values(row))


def no_text(body: str) -> Any:
    """Return what SQLite takes for a text, though it is none."""
    return literal_column(f"CAST(x'{body.encode().replace(b'gate-1', bytes([0xFF])).hex()}' AS TEXT)")


def octets(text: str) -> Any:
    """Return what SQLite keeps as octets in a column of texts."""
    return literal_column(f"x'{text.encode().hex()}'")


def plant_all(database: Database) -> None:
    for event in EVENTS:
        if database.engine.dialect.name == "sqlite":
            plant(database, no_text(bent(event)), event=event, personal=no_text('{"email":"gate-1"}'))
            plant(database, octets(bent(event)), event=event, personal=octets('{"email":"gate-1"}'))
            plant(database, "x", event=octets(event))
            plant(database, "x", event=no_text("gate-1"))
        for body in BODIES.values():
            plant(database, body(event), event=event)


@pytest.mark.parametrize("name", [name for name in BODIES if name != "another event"])
def test_what_is_no_event_is_not_taken_for_one(name: str) -> None:
    assert understood(bent("user_updated")) == real("user_updated")
    assert understood(BODIES[name]("user_updated")) is None


def desk_in(house: House) -> Desk:
    """Return somebody who is told of whatever happens from now on."""
    settings = {"GATEHOUSE_ENV": "development", "SECRET_KEY": "k", "DATABASE_URL": "sqlite:////x.db"}
    desk = Desk(house.database, Settings.load(settings, {}))
    desk.work()
    return desk


def test_alerts_go_on_after_it(house: House) -> None:
    desk = desk_in(house)
    plant_all(house.database)
    with house.database.transaction() as db:
        record(AuditEvent.VERIFY_FAILED, reason="inconsistent", session=db)
    (message,) = desk.work()
    assert [(alert.rule, alert.count) for alert in message.alerts] == [("verification-failed", 1)]
    assert desk.work() == [message]


def test_nor_do_they_or_a_review_stop_at_what_has_happened_at_the_end_of_time(house: House) -> None:
    desk = desk_in(house)
    for day in (29, 31):
        at = datetime(9999, 12, day, 23, 59, 59, tzinfo=UTC)
        for event in (AuditEvent.VERIFY_FAILED, AuditEvent.REVIEW_COMPLETED):
            plant(house.database, bent(event), event=event, personal=None, at=at)
    (message,) = desk.work()
    assert {alert.rule: alert.count for alert in message.alerts} == {"verification-failed": 2, "review-overdue": 1}
    with house.database.reading() as connection:
        assert review_standing(connection, duration("3650d")).due_at < utc_now()


def test_nor_do_they_wait_for_what_has_not_happened_yet(house: House) -> None:
    desk = desk_in(house)
    event = AuditEvent.VERIFY_FAILED
    plant(house.database, bent(event), event=event, personal=None, at=utc_now() + timedelta(days=3650))
    (message,) = desk.work()
    assert [(alert.rule, alert.count) for alert in message.alerts] == [("verification-failed", 1)]


def test_nor_do_they_stop_at_what_is_about_a_number_that_nobody_can_have(house: House) -> None:
    desk = desk_in(house)
    # A number of so many digits is none to Python.
    held = bent(AuditEvent.USER_HELD, target={"id": "9" * 5000, "type": "user"})
    plant(house.database, held, event=AuditEvent.USER_HELD, personal=None)
    (message,) = desk.work()
    assert [(alert.rule, alert.count) for alert in message.alerts] == [("not-me", 1)]


@pytest.mark.parametrize(
    ("kind", "identifier", "number"),
    [("user", "12", 12), ("user", "9" * 5000, None), ("user", None, None), ("invitation", "12", None)],
    ids=lambda part: str(part)[:11],
)
def test_a_letter_is_about_a_number_that_somebody_can_have(
    kind: str, identifier: str | None, number: int | None
) -> None:
    body = real("user_updated") | {"target": {"id": identifier, "type": kind}}
    assert target_number(SealedEvent(Place(1, 0), "user_updated", utc_now(), body, {}), "user") == number
    assert (
        target_number(SealedEvent(Place(1, 0), "user_updated", utc_now(), body | {"target": None}, {}), "user") is None
    )


def test_the_log_shows_that_it_is_no_event(house: House) -> None:
    plant_all(house.database)
    with house.database.reading() as connection:
        page = read_page(connection, TrailQuery())
        last = latest_event(connection, {AuditEvent.VERIFY_FAILED})
        assert set(names_in_use(connection)) == {str(event) for event in EVENTS}
    assert len(page.events) == 50
    assert {event.content["event"] for event in page.events} == {UNREADABLE, "user_updated"}
    assert last is not None
    assert last.change == {}


def test_a_person_is_exported_and_erased_and_explained(house: House) -> None:
    plant_all(house.database)
    with house.database.transaction() as db:
        record("user_updated", resource=("user", 12), personal={"name": "Ada King"}, session=db, actor=ADA)
    told = list(events_about(house.database, ["user:12"]))
    assert [event["personal"].get("name") for event in told][-1] == "Ada King"
    with house.database.transaction() as db:
        assert erase_personal(db, ["user:12"], about=("user", 12), actor=ADA) == 3
    ada = house.join("ada", Role.ADMIN)
    plant(house.database, "{}", target=ada.id)
    with house.database.reading() as connection:
        assert history_of_role(connection, ada.id).role is not None


@pytest.mark.parametrize(
    "personal",
    ["[]", '{"email":7}', '{"email":{"salt":"","value":"\\u0000"}}', "[" * 100_000],
    ids=lambda text: text[:30],
)
def test_values_that_are_none_are_passed_over(house: House, personal: str) -> None:
    plant(house.database, bent("user_updated"), event="user_updated", personal=personal)
    with house.database.reading() as connection:
        (event,) = read_page(connection, TrailQuery()).events
    assert event.personal == {}
    with house.database.transaction() as db:
        assert erase_personal(db, ["user:12"], about=("user", 12), actor=ADA) == 0


def test_it_ends_no_export(young_trail: Trail) -> None:
    young_trail.happen(2)
    plant_all(young_trail.database)
    young_trail.sign()
    plant_all(young_trail.database)
    young_trail.happen(1)
    # A body of octets is no line of any format; the three other rows that SQLite alone takes are.
    written = (len(BODIES) + 3 * (young_trail.engine.dialect.name == "sqlite")) * len(EVENTS) * 2 + 3
    for kind in Format:
        export = b"".join(export_trail(young_trail.engine, Export(kind, with_unproven=True), utc_now()))
        assert export.count(b"article.published") >= 3
        lines = export.splitlines()
        # CSV and JSON Lines have a line at the beginning, and JSON Lines one at the end.
        assert len(lines) == written + {Format.JSONL: 2, Format.CSV: 1, Format.OCSF: 0}[kind]


def test_verification_tells_of_it(young_trail: Trail) -> None:
    young_trail.happen(3)
    plant(young_trail.database, "{}", personal=None)
    young_trail.seal()
    assert young_trail.verify().exit_code == 1


# PostgreSQL takes nothing but text.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("event", ["user_updated", AuditEvent.RESTORED])
@pytest.mark.parametrize("column", ["text", "octets", "event", "event of octets"])
def test_verification_tells_of_what_is_no_text(young_trail: Trail, column: str, event: str) -> None:
    young_trail.happen(3)
    body = {"text": no_text(bent(event)), "octets": octets(bent(event))}.get(column, bent(event))
    name = {"event": no_text("gate-1"), "event of octets": octets(event)}.get(column, event)
    young_trail.seal()
    # Before the restore, where its event is looked for.
    plant(young_trail.database, body, event=name, personal=None)
    with young_trail.database.transaction() as db:
        begin_epoch(db)
    young_trail.happen(1)
    young_trail.seal()
    with young_trail.database.reading() as connection:
        assert seal_lag(connection) == 0
    assert young_trail.verify().exit_code == 1


@pytest.mark.parametrize("pair", ["ab", (), ("admin",), ("admin", "editor", "viewer")], ids=repr)
def test_a_change_that_is_no_pair_is_refused(house: House, pair: Any) -> None:
    with pytest.raises(ValueError, match="the change of 'role'"), house.database.transaction() as db:
        record("article.moved", change={"role": pair}, personal={"x": Personal("y", None)}, session=db, actor=ADA)
    assert house.trail() == []
