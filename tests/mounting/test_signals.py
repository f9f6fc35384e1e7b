"""Signals: a host hears of what has happened, once it has, and of nothing else."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask, current_app
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from flask_gatehouse import Role, audit, signals
from flask_gatehouse.accounts.service import hold_user
from flask_gatehouse.audit.announcing import current_audience
from flask_gatehouse.audit.events import AuditEvent
from flask_gatehouse.db import committed
from flask_gatehouse.signals import RecordedEvent
from flask_gatehouse.testing import SignedIn, attach_provider, sign_in_as, sign_in_through_provider
from tests.mounting.hosts import JSON, Thing, events, host, shared, state_of

EVERY = {name: getattr(signals, name) for name in signals.__all__ if name != "RecordedEvent"}


class Heard(list[tuple[str, int | None]]):
    """What an application's receivers were told, as signal and user; ``events`` are the events themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[RecordedEvent] = []

    def of_people(self) -> list[tuple[str, int | None]]:
        """Return it without what is told of every event; and forget everything."""
        found = [told for told in self if told[0] != "event_recorded"]
        self.clear()
        self.events.clear()
        return found


@contextmanager
def listening(app: Flask, *, only: str | None = None) -> Iterator[Heard]:
    heard = Heard()

    def receiver_of(name: str) -> Any:
        def receive(sender: Flask, event: RecordedEvent, user_id: int | None = None, **more: Any) -> None:
            assert sender is current_app._get_current_object()  # type: ignore[attr-defined]
            assert more == {}
            heard.append((name, user_id))
            heard.events.append(event)

        return receive

    with ExitStack() as stack:
        for name, signal in EVERY.items():
            if only in {None, name}:
                stack.enter_context(signal.connected_to(receiver_of(name), app))
        yield heard


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with host(database_url) as app:
        yield app


@pytest.fixture
def admin(app: Flask) -> tuple[FlaskClient, SignedIn]:
    client = app.test_client()
    return client, sign_in_as(client, Role.ADMIN, email="admin@example.com")


def test_each_signal_is_sent_by_what_it_says(app: Flask, admin: tuple[FlaskClient, SignedIn]) -> None:
    attach_provider(app)
    client, who = admin
    with listening(app) as heard:
        hers = app.test_client()
        sign_in_through_provider(hers, email="ada@example.com", name="Ada")
        (_, she), signed_in = heard.of_people()
        assert she is not None
        assert signed_in == ("user_signed_in", she)
        address = f"/gate/users/{she}"

        def change(path: str, **data: str) -> list[tuple[str, int | None]]:
            done = client.post(address + path, data=data, headers=JSON | who.headers)
            assert done.status_code in {200, 303}, done.text
            return heard.of_people()

        assert change("", _method="PUT", name="Ada L", role="viewer", version="1") == [("user_updated", she)]
        assert change("", _method="PUT", name="Ada L", role="editor", version="2") == [("user_role_changed", she)]
        assert change("", _method="PUT", name="Ada L", role="editor", version="3") == []
        assert change("/toggle-active") == [("user_deactivated", she)]
        assert change("/toggle-active") == [("user_activated", she)]
        with app.app_context(), state_of(app).database.transaction() as db:
            assert hold_user(db, she, 1, about="authn_login_success")
        assert heard.of_people() == [("user_locked", she)]
        assert change("/release") == [("user_released", she)]
        sign_in_through_provider(hers, email="ada@example.com", name="Ada")
        assert heard.of_people() == [("user_signed_in", she)]
        token = hers.get("/gate/account", headers=JSON).get_json()["csrf_token"]
        assert hers.post("/gate/auth/logout", headers={"X-CSRFToken": token}).status_code == 303
        assert heard.of_people() == [("user_signed_out", she)]
        assert change("", _method="DELETE") == [("user_deleted", she)]


def test_every_event_is_told_as_it_was_recorded(app: Flask, admin: tuple[FlaskClient, SignedIn]) -> None:
    client, who = admin
    with listening(app, only="event_recorded") as heard:
        other = sign_in_as(app.test_client(), email="ada@example.com", name="Ada")
        fields = {"_method": "PUT", "name": "Augusta", "role": "viewer", "version": "1"}
        client.post(f"/gate/users/{other.user_id}", data=fields, headers=JSON | who.headers)
    assert [event.name for event in heard.events] == ["user_created", "session_created", "user_updated"]
    created, _session, updated = heard.events
    assert (created.target, created.change) == (("user", str(other.user_id)), {"role": [None, "viewer"]})
    assert (updated.actor_id, updated.session_id, updated.outcome) == (who.user_id, who.session_id, "success")
    assert updated.personal == {"name.before": "Ada", "name.after": "Augusta"}
    # Whose network and browser it was is for the trail, and what is hers for nobody's log.
    assert "127.0.0.1" not in str([(event, event.personal) for event in heard.events])
    assert "Augusta" not in repr(updated)
    with state_of(app).database.reading() as connection:
        ids = connection.execute(text("SELECT body FROM gatehouse_audit_events ORDER BY id")).scalars().all()[-3:]
    assert [event.id in body for event, body in zip(heard.events, ids, strict=True)] == [True] * 3


def test_it_is_committed_before_it_is_told(app: Flask, admin: tuple[FlaskClient, SignedIn]) -> None:
    seen: list[str] = []

    def look(sender: Flask, user_id: int, **more: Any) -> None:
        # On a connection of its own, which sees only what is committed.
        with state_of(sender).database.reading() as connection:
            question = text("SELECT name FROM gatehouse_users WHERE id = :id")
            seen.append(connection.execute(question, {"id": user_id}).scalar_one())

    with signals.user_created.connected_to(look, app):
        sign_in_as(app.test_client(), email="ada@example.com", name="Ada")
    assert seen == ["Ada"]


def test_what_is_rolled_back_is_not_told_and_what_is_tried_again_is_told_once(app: Flask) -> None:
    with listening(app) as heard, app.app_context():
        database = state_of(app).database

        def make_thing(*, breaks: bool) -> None:
            with database.transaction() as db:
                audit.record("thing.made", session=db)
                if breaks:
                    raise ZeroDivisionError

        for _attempt in range(2):
            with pytest.raises(ZeroDivisionError):
                make_thing(breaks=True)
        assert heard == []
        make_thing(breaks=False)
        assert heard == [("event_recorded", None)]


def test_a_failing_receiver_changes_nothing_and_is_logged(
    app: Flask, admin: tuple[FlaskClient, SignedIn], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sender: Flask, **more: Any) -> None:
        raise ZeroDivisionError

    client, who = admin
    she = sign_in_as(app.test_client(), email="ada@example.com", name="Ada")
    address = f"/gate/users/{she.user_id}/toggle-active"
    with signals.user_deactivated.connected_to(fail, app), listening(app, only="user_deactivated") as heard:
        app.testing = False
        with caplog.at_level(logging.ERROR, "flask_gatehouse"):
            assert client.post(address, headers=JSON | who.headers).status_code == 200
    # Others are told nevertheless.
    assert heard == [("user_deactivated", she.user_id)]
    assert "a receiver of user_archived failed" in caplog.text
    assert "Ada" not in caplog.text
    app.testing = True
    with signals.user_activated.connected_to(fail, app), pytest.raises(ZeroDivisionError):
        client.post(address, headers=JSON | who.headers)
    assert [len(events(app, name)) for name in (AuditEvent.USER_ARCHIVED, AuditEvent.USER_ENABLED)] == [1, 1]


def test_an_application_hears_nothing_of_another_one(sqlite_url: str, postgresql_url: str) -> None:
    with host(sqlite_url) as first, host(postgresql_url) as second:
        with listening(first) as of_first, listening(second) as of_second, first.app_context():
            sign_in_as(second.test_client(), email="ada@example.com")
        assert of_first == []
        assert ("user_created", 1) in of_second


def test_a_change_of_many_is_told_for_each(app: Flask, admin: tuple[FlaskClient, SignedIn]) -> None:
    client, who = admin
    people = [sign_in_as(app.test_client(), email=f"{name}@example.com").user_id for name in ("ada", "bob", "cy")]
    changes: tuple[tuple[dict[str, str], str], ...] = (
        ({"change": "role", "new_role": "editor"}, "user_role_changed"),
        ({"change": "deactivate"}, "user_deactivated"),
    )
    for change, told in changes:
        with listening(app, only=told) as heard:
            sent = {**change, "user": [*map(str, people), str(who.user_id)]}
            answer = client.post("/gate/users/bulk", data=sent, headers=JSON | who.headers)
            assert answer.get_json()["changed"] == 3, answer.text
        assert heard == [(told, user_id) for user_id in people]


@pytest.mark.parametrize("kind", ["flask_sqlalchemy", "flask_sqlalchemy_lite"])
def test_an_event_of_the_hosts_own_is_told_after_its_own_commit(database_url: str, kind: str) -> None:
    with shared(kind, database_url) as (app, db, _engine):
        names: list[Any] = []

        def look(sender: Flask, event: RecordedEvent, **more: Any) -> None:
            # The host's session is free for whatever the receiver does with it.
            names.append((event.name, [thing.name for thing in db.session.query(Thing).all()]))
            db.session.add(Thing(name="seen"))
            db.session.commit()

        @app.post("/things")
        def make() -> ResponseReturnValue:
            db.session.add(Thing(name="kept"))
            audit.record("thing.made")
            savepoint = db.session.begin_nested()
            audit.record("thing.given_up")
            savepoint.rollback()
            with db.session.begin_nested():
                audit.record("thing.checked")
            assert names == []
            db.session.commit()
            audit.record("thing.forgotten")
            db.session.rollback()
            db.session.commit()
            audit.record("thing.left")
            return "made"

        with signals.event_recorded.connected_to(look, app):
            assert app.test_client().post("/things").text == "made"
        assert names == [("thing.made", ["kept"]), ("thing.checked", ["kept", "seen"])]
        assert current_audience.get() is None


def test_what_a_command_does_is_told_in_the_applications_context(app: Flask) -> None:
    she = sign_in_as(app.test_client(), email="ada@example.com")
    with listening(app, only="user_role_changed") as heard:
        done = app.test_cli_runner().invoke(args=["gatehouse", "create-admin", "ada@example.com"])
        assert done.exit_code == 0, done.output
    assert heard == [("user_role_changed", she.user_id)]
    assert heard.events[0].actor_kind == "cli"


def test_nobody_pays_for_what_nobody_hears(
    app: Flask, admin: tuple[FlaskClient, SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[object] = []
    wait = committed.event.listen
    monkeypatch.setattr(committed.event, "listen", lambda *given: (waited.append(given), wait(*given)))
    with listening(app, only="user_deleted"):
        sign_in_as(app.test_client(), email="ada@example.com")
    assert waited == []
    with listening(app, only="user_created"):
        sign_in_as(app.test_client(), email="bob@example.com")
    assert len(waited) == 3


def test_every_signal_has_its_event_and_says_what_it_is() -> None:
    assert {signal for signal in EVERY.values() if signal is not signals.event_recorded} == {*signals.SIGNALS.values()}
    for name, signal in EVERY.items():
        assert isinstance(signal, NamedSignal)
        assert signal.name.replace("-", "_") == name
        assert signal.__doc__
