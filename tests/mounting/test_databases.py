"""A host brings its database in one of four shapes; both share an engine and, where it likes, a transaction."""

from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from flask import Flask, abort
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from flask_gatehouse import Gatehouse, Role, audit, login_required
from flask_gatehouse.db import migrate
from flask_gatehouse.ops import worker
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web.letters import writer_of
from tests.mounting.hosts import SOURCES, Base, Thing, bare, engine_of, events, seen, shared, state_of

WITH_SESSION = ["flask_sqlalchemy", "flask_sqlalchemy_lite"]


def listeners(engine: Engine) -> list[object]:
    """Return every listener on an engine, its pool and its dialect."""
    return [
        (type(target).__name__, name, list(getattr(target.dispatch, name)))
        for target in (engine, engine.pool, engine.dialect)
        for name in sorted(target.dispatch._event_names)
    ]


@pytest.mark.parametrize("kind", SOURCES)
def test_people_are_kept_in_the_hosts_database(kind: str, database_url: str) -> None:
    with shared(kind, database_url) as (app, _db, engine):
        client = app.test_client()
        sign_in_as(client, email="ada@example.com")
        assert client.get("/mine").text == "ada@example.com"
        with app.app_context():
            assert state_of(app).database.engine is engine
        with engine.connect() as connection:
            assert connection.execute(text("SELECT email FROM gatehouse_users")).scalar_one() == "ada@example.com"


@pytest.mark.parametrize("kind", SOURCES)
def test_the_worker_works_there_from_threads_of_its_own(kind: str, database_url: str) -> None:
    """A thread has no context of the application, without which Flask-SQLAlchemy tells nobody its engine."""
    with shared(kind, database_url) as (app, _db, engine):
        sign_in_as(app.test_client())
        with app.app_context():
            work = worker.prepare(state_of(app).database, state_of(app).settings, writer_of(app))
        stop = Event()
        thread = Thread(target=work, args=(stop,))
        thread.start()
        try:
            deadline = monotonic() + 120
            while not sealed(engine) and monotonic() < deadline:
                sleep(0.05)
        finally:
            stop.set()
            thread.join()
        # An exception that ends a thread fails the test as well.
        assert sealed(engine) > 0


@pytest.mark.parametrize("kind", SOURCES)
def test_files_arrive_whole(kind: str, sqlite_url: str) -> None:
    """They are sent piece by piece, when the application's context is gone."""
    with shared(kind, sqlite_url) as (app, _db, _engine):
        client = app.test_client()
        sign_in_as(client, Role.ADMIN, email="ada@example.com")
        mine = client.get("/gate/account/export")
        assert mine.get_json()["events"][0]["event"] == "user_created"
        assert "user_created" in client.get("/gate/admin/audit-logs/export?format=csv").text


def sealed(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM gatehouse_audit_leaves")).scalar_one())


@pytest.mark.parametrize("kind", SOURCES)
def test_nothing_is_installed_on_the_hosts_engine(kind: str, database_url: str) -> None:
    app = bare(database_url)
    db = SOURCES[kind](app, database_url)
    with app.app_context():
        engine = engine_of(db)
        engine.connect().close()
        before = listeners(engine)
        Gatehouse(app, db=db)
        sign_in_as(app.test_client())
        assert engine_of(db) is engine
        assert listeners(engine) == before
        assert engine.get_execution_options() == {}
    engine.dispose()


@pytest.mark.parametrize("kind", SOURCES)
def test_connections_come_back_as_the_host_knows_them(kind: str, database_url: str) -> None:
    with shared(kind, database_url) as (app, _db, engine):

        def manner() -> tuple[object, object]:
            with engine.connect() as connection:
                driver: Any = connection.connection.dbapi_connection
                # What the driver of SQLite calls this says whether it begins transactions by itself.
                mode = driver.isolation_level if engine.dialect.name == "sqlite" else driver.autocommit
                return connection.get_isolation_level(), mode

        before = manner()
        client = app.test_client()
        sign_in_as(client)
        client.get("/mine")
        assert manner() == before


@pytest.mark.parametrize("kind", SOURCES)
def test_the_hosts_models_know_nothing_of_ours(kind: str, sqlite_url: str) -> None:
    with shared(kind, sqlite_url):
        assert set(Base.metadata.tables) == {"things"}


@pytest.mark.parametrize("kind", SOURCES)
def test_what_a_host_makes_and_drops_is_its_own(kind: str, database_url: str) -> None:
    with shared(kind, database_url) as (app, _db, engine):
        sign_in_as(app.test_client())
        Base.metadata.drop_all(engine)
        left = inspect(engine).get_table_names()
    assert "things" not in left
    assert "gatehouse_users" in left


@pytest.mark.parametrize("wrong", ["sqlite://", 7, object(), Session, create_engine, Flask("x")])
def test_anything_else_is_refused_by_its_name(sqlite_url: str, wrong: Any) -> None:
    app = bare(sqlite_url)
    with pytest.raises(TypeError, match=r"Gatehouse\(db=…\) takes .* sessionmaker or an Engine, not \w+"):
        Gatehouse(app, db=wrong)
    assert "gatehouse" not in app.extensions


def test_a_sessionmaker_may_get_its_engine_later_but_not_never(sqlite_url: str) -> None:
    app = bare(sqlite_url)
    maker = sessionmaker()
    Gatehouse(app, db=maker)
    with pytest.raises(TypeError, match=r"sessionmaker\(bind=engine\)"):
        sign_in_as(app.test_client())
    engine = create_engine(sqlite_url)
    maker.configure(bind=engine)
    sign_in_as(app.test_client())
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "postgresql+psycopg2://localhost/x", None])
def test_with_a_database_of_its_own_the_hosts_address_is_not_ours_to_judge(sqlite_url: str, url: str | None) -> None:
    engine = create_engine(sqlite_url)
    app = bare(sqlite_url, DATABASE_URL=url)
    Gatehouse(app, db=engine)
    sign_in_as(app.test_client())
    engine.dispose()


def add_recording_views(app: Flask, db: Any) -> None:
    def write(outcome: str) -> ResponseReturnValue:
        thing = Thing(name=outcome)
        db.session.add(thing)
        db.session.flush()
        audit.record("thing.made", resource=("thing", thing.id))
        if outcome == "commit":
            db.session.commit()
        if outcome == "abort":
            abort(409)
        return outcome

    app.add_url_rule("/write/<outcome>", "write", login_required(write), methods=["POST"])
    app.add_url_rule("/open/<outcome>", "open", write, methods=["POST"])


def things(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(Thing)).scalar_one()


@pytest.mark.parametrize("kind", WITH_SESSION)
@pytest.mark.parametrize("outcome", ["commit", "abort", "forget"])
def test_an_event_shares_the_fate_of_the_hosts_transaction(kind: str, outcome: str, database_url: str) -> None:
    with shared(kind, database_url) as (app, db, engine):
        add_recording_views(app, db)
        client = app.test_client()
        who = sign_in_as(client, Role.EDITOR)
        client.post(f"/write/{outcome}", headers=who.headers)
        expected = [(who.user_id, "user", "thing", "1")] if outcome == "commit" else []
        assert events(app, "thing.made") == expected
        assert things(engine) == len(expected)


@pytest.mark.parametrize("kind", WITH_SESSION)
def test_an_event_of_nobody_says_so(kind: str, database_url: str) -> None:
    with shared(kind, database_url) as (app, db, _engine):
        add_recording_views(app, db)
        app.test_client().post("/open/commit")
        assert events(app, "thing.made") == [(None, "anonymous", "thing", "1")]


@pytest.mark.parametrize("kind", ["sessionmaker", "engine"])
def test_a_host_without_a_session_of_the_request_is_taught_to_give_one(kind: str, database_url: str) -> None:
    with shared(kind, database_url) as (app, _db, engine):

        def write(how: str) -> ResponseReturnValue:
            with Session(engine) as session, session.begin():
                audit.record("thing.made", resource=("thing", 7), session=session if how == "taught" else None)
            return how

        app.add_url_rule("/write/<how>", "write", login_required(write), methods=["POST"])
        client = app.test_client()
        who = sign_in_as(client)
        with pytest.raises(RuntimeError, match="needs session=: the SQLAlchemy session"):
            client.post("/write/untaught", headers=who.headers)
        client.post("/write/taught", headers=who.headers)
        assert events(app, "thing.made") == [(who.user_id, "user", "thing", "7")]


@pytest.mark.parametrize("url", ["sqlite://", None])
def test_a_view_that_asks_who_is_there_late_loses_neither_time_nor_rows(sqlite_url: str, url: str | None) -> None:
    with shared("flask_sqlalchemy", url or sqlite_url) as (app, db, engine):
        migrate.upgrade(engine)
        add_recording_views(app, db)
        client = app.test_client()
        who = sign_in_as(client)
        seen(app, who.session_id, minutes_ago=5)
        began = monotonic()
        client.post("/open/commit")
        # What a lock is waited for, at the most, is five seconds.
        assert monotonic() - began < 4
        assert events(app, "thing.made") == [(who.user_id, "user", "thing", "1")]
        assert things(engine) == 1


def test_a_page_that_needs_nobody_costs_no_look_up(sqlite_url: str) -> None:
    with shared("flask_sqlalchemy", sqlite_url) as (app, _db, engine):
        client, statements = app.test_client(), []
        sign_in_as(client)
        event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        client.get("/plain")
        assert statements == []
        client.get("/mine")
        client.post("/plain")
        assert len(statements) == 2


def test_outside_of_a_request_the_session_is_given_and_the_system_acts(sqlite_url: str) -> None:
    with shared("flask_sqlalchemy", sqlite_url) as (app, db, _engine), app.app_context():
        app.test_client().get("/")
        with pytest.raises(RuntimeError, match="needs session="):
            audit.record("thing.made")
        audit.record("thing.made", session=db.session)
        db.session.commit()
        assert events(app, "thing.made") == [(None, "system", None, None)]
