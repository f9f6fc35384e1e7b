"""``record`` writes one row into the caller's transaction, about whoever acts."""

from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.audit.events import EVENT_LENGTH, IDENTIFIER_LENGTH, KIND_LENGTH, Outcome, outcome_of
from flask_gatehouse.audit.service import Facts, record_each, together
from flask_gatehouse.kernel.context import Actor, current_actor, current_session
from tests.integration.conftest import House
from tests.trail import said, told

ADA = Actor(user_id=7, session_id="s" * 22, ip="2001:db8::1", user_agent="Browser/1", kind="user")


def test_a_row_says_who_did_what_to_what_and_when(house: House) -> None:
    with house.database.transaction() as db:
        record("article.published", resource=("article", 42), details={"title": "Größe"}, session=db, actor=ADA)
    (row,) = house.trail()
    assert (row.event, row.outcome, row.target_type, row.target_id) == (
        "article.published",
        Outcome.SUCCESS,
        "article",
        "42",
    )
    assert (row.actor_kind, row.actor_id, row.session_id, row.ip, told(row.personal)["user_agent"]) == (
        ADA.kind,
        ADA.user_id,
        ADA.session_id,
        ADA.ip,
        ADA.user_agent,
    )
    assert '"details":{"title":"Größe"},' in row.body
    assert abs(row.occurred_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("name", ["ip", "user_agent"])
def test_what_is_recorded_of_the_actor_is_nobody_elses_to_say(house: House, name: str) -> None:
    with pytest.raises(ValueError, match=f"records {name} of the actor"), house.database.transaction() as db:
        record("camera.saw", personal={name: "203.0.113.9"}, session=db, actor=ADA)
    assert house.trail() == []


def test_outside_of_a_request_the_system_is_the_actor(house: House) -> None:
    with house.database.transaction() as db:
        record("nightly.import", session=db)
    (row,) = house.trail()
    assert (row.actor_kind, row.actor_id, row.target_type, row.target_id) == ("system", None, None, None)
    assert said(row.body) == {}


def test_in_a_request_actor_and_session_are_those_of_the_request(house: House) -> None:
    def request() -> None:
        with house.database.transaction() as db:
            current_actor.set(lambda: ADA)
            current_session.set(lambda: db)
            record("article.published")

    copy_context().run(request)
    assert house.trail()[0].actor_id == ADA.user_id


def test_without_a_session_it_says_what_it_needs(house: House) -> None:
    with pytest.raises(RuntimeError, match="session="):
        record("article.published")


def test_it_vanishes_with_the_transaction(house: House) -> None:
    with house.database.transaction() as db:
        record("article.published", session=db)
        db.rollback()
    assert house.trail() == []


def test_what_is_recorded_together_is_written_by_one_statement_in_its_order(house: House) -> None:
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        asked.append(statement)

    with house.database.transaction() as db, together(db):
        event.listen(house.database.engine, "before_cursor_execute", note)
        record("article.written", resource=("article", 1), session=db, actor=ADA)
        record_each("article.read", [Facts(("article", 1)), Facts(("article", 2))], session=db)
        record("article.published", resource=("article", 2), session=db)
        assert asked == []
    event.remove(house.database.engine, "before_cursor_execute", note)
    assert len(asked) == 1
    trail = [(row.event, row.target_id, row.actor_kind) for row in house.trail()]
    assert trail == [
        ("article.written", "1", "user"),
        ("article.read", "1", "system"),
        ("article.read", "2", "system"),
        ("article.published", "2", "system"),
    ]


def test_nothing_is_written_together_by_a_block_that_raises(house: House) -> None:
    with house.database.transaction() as db:
        with suppress(ZeroDivisionError), together(db):
            record("article.written", session=db)
            _ = 1 / 0
        record("article.withdrawn", session=db)
    assert [row.event for row in house.trail()] == ["article.withdrawn"]


def test_together_or_not_a_savepoint_takes_along_what_was_recorded_in_it_and_nothing_else(house: House) -> None:
    with house.database.transaction() as db, together(db):
        record("article.written", session=db)
        with suppress(ZeroDivisionError), db.begin_nested():
            record("article.published", session=db)
            _ = 1 / 0
        with db.begin_nested():
            record("article.read", session=db)
        record("article.withdrawn", session=db)
    assert sorted(house.events()) == ["article.read", "article.withdrawn", "article.written"]


def test_a_block_in_another_is_refused_and_harms_nothing(house: House) -> None:
    with house.database.transaction() as db, together(db):
        record("article.written", session=db)
        with pytest.raises(RuntimeError, match="together already"), together(db):
            pytest.fail("The block has begun.")
        record("article.withdrawn", session=db)
    assert house.events() == ["article.written", "article.withdrawn"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes"])
def test_what_json_cannot_hold_is_refused_where_it_is_written(house: House, value: object) -> None:
    with house.database.transaction() as db, pytest.raises((TypeError, ValueError)):
        record("article.published", details={"value": value}, session=db)
    assert house.trail() == []


@pytest.mark.parametrize(
    ("event", "kind", "identifier"),
    [
        ("e" * (EVENT_LENGTH + 1), "article", "1"),
        ("article.published", "k" * (KIND_LENGTH + 1), "1"),
        ("article.published", "article", "1" * (IDENTIFIER_LENGTH + 1)),
        ("article\0published", "article", "1"),
        ("article.published", "article", "\0"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_and_takes_nothing_along(
    house: House, event: str, kind: str, identifier: str
) -> None:
    """SQLite would take it, and PostgreSQL would refuse the rest of the host's transaction too."""
    with house.database.transaction() as db:
        record("before", session=db)
        with pytest.raises(ValueError, match="characters"):
            record(event, resource=(kind, identifier), session=db)
        record("after", session=db)
    assert house.events() == ["before", "after"]


def test_what_a_column_just_holds_is_kept(house: House) -> None:
    with house.database.transaction() as db:
        record("e" * EVENT_LENGTH, resource=("k" * KIND_LENGTH, "1" * IDENTIFIER_LENGTH), session=db)
    assert house.events() == ["e" * EVENT_LENGTH]


def test_of_many_each_has_its_event_and_of_none_nobody(house: House) -> None:
    with house.database.transaction() as db:
        record_each(
            "article.published", [Facts(("article", 1)), Facts(("article", 2), {"by": "hand"})], session=db, actor=ADA
        )
        record_each("article.removed", [], session=db, actor=ADA)
    assert [(row.event, row.target_id, row.actor_id, said(row.body)) for row in house.trail()] == [
        ("article.published", "1", ADA.user_id, {}),
        ("article.published", "2", ADA.user_id, {"by": "hand"}),
    ]


@pytest.mark.parametrize("event", AuditEvent)
def test_an_event_survives_its_journey_as_text(house: House, event: AuditEvent) -> None:
    with house.database.transaction() as db:
        record(event, session=db)
    (row,) = house.trail()
    assert AuditEvent(row.event) is event
    assert row.outcome is outcome_of(event)


def test_what_is_refused_is_not_told_as_done() -> None:
    denied = {event for event in AuditEvent if outcome_of(event) is Outcome.DENIED}
    assert {"authn_login_fail", "authn_token_reuse", "authz_fail", "malicious_csrf"} <= denied
    assert not {"authn_login_success", "session_logout", "user_created"} & denied
    assert outcome_of("article.published") is Outcome.SUCCESS
