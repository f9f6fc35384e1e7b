"""What requests and the worker ask is answered by indexes: nothing that grows is read as a whole, on either database.

The databases are made once for all questions and hold twenty thousand of everything. Nothing is timed: PostgreSQL says
how many rows it looked at, SQLite how many steps it made. ``bench/plans.py`` prints the same for a million.
"""

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text

from flask_gatehouse.accounts.columns import users
from flask_gatehouse.audit.erasure import erase_unknown
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.audit.traces import ended_subjects, subjects_named
from flask_gatehouse.audit.walking import find_numbers
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from flask_gatehouse.kernel.clock import utc_now
from tests.grown import GROWING, grow
from tests.hot_questions import QUESTIONS, Question
from tests.services import Services
from tests.watched import Watch, watching

COUNT = 20_000
_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "sqlite, analyzed", "postgresql"])
def grown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database that has grown."""
    if request.param != "postgresql":
        template: Path = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('grown') / 'gatehouse.db')}"
        grow(url, COUNT)
        if "analyzed" in request.param:
            # Nothing of ours asks for statistics, and an operator may: without them SQLite takes each value for rare.
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
                connection.execute("ANALYZE")
        yield url
        return
    services: Services = request.getfixturevalue("postgresql_services")
    name = f"grown_{request.getfixturevalue('worker_name')}_{next(_numbers)}"
    with psycopg.connect(services.database_url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        url = services.database_url(name)
        engine = make_engine(url)
        upgrade(engine)
        engine.dispose()
        grow(url, COUNT)
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def watched(url: str, *, prepared: bool = False) -> Iterator[tuple[Database, Watch]]:
    """Yield a database, and who watches what it does."""
    engine = make_engine(url)
    database = Database(lambda: engine)
    try:
        with watching(engine, prepared=prepared) as watch:
            # What a first connection asks is no part of any question.
            with database.reading():
                watch.take()
            yield database, watch
    finally:
        engine.dispose()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title.replace(" ", "-"))
def test_nothing_that_grows_is_read_as_a_whole(grown: str, question: Question) -> None:
    with watched(grown) as (database, watch):
        question.ask(database, COUNT)
        work = watch.take()
    said = "\n".join(work.plans)
    assert work.plans, "nothing was asked"
    assert not (GROWING & set(work.whole)) - question.walks, said
    is_sqlite = grown.startswith("sqlite")
    assert work.amount <= question.most_steps if is_sqlite else question.most_rows, said
    for part in question.by_sqlite if is_sqlite and question.by_sqlite is not None else question.by:
        assert any(part in index for index in work.indexes), f"{part} is not among {work.indexes}\n{said}"


# SQLite plans each statement for no value in particular.
@pytest.mark.parametrize("grown", ["postgresql"], indirect=True)
def test_what_comes_often_is_found_by_indexes_too(grown: str) -> None:
    """PostgreSQL may plan once for all values after it has planned five times for some."""
    with watched(grown, prepared=True) as (database, watch):
        for question in QUESTIONS:
            for _ in range(7):
                watch.take()
                question.ask(database, COUNT)
            work = watch.take()
            assert not (GROWING & set(work.whole)) - question.walks, question.title + "\n" + "\n".join(work.plans)
            assert work.rows <= question.most_rows, question.title + "\n" + "\n".join(work.plans)


def test_whoever_watches_sees_that_all_is_read(grown: str) -> None:
    with watched(grown) as (database, watch), database.reading() as connection:
        connection.execute(select(users.c.id).where(users.c.name == "Nobody")).all()
        work = watch.take()
    assert work.whole == ["gatehouse_users"]
    assert work.amount >= COUNT


@pytest.mark.parametrize("rising", [False, True], ids=["newest first", "oldest first"])
def test_events_about_others_are_not_walked_for_those_about_one(postgresql_url: str, rising: bool) -> None:
    """An index on what an event is about has three columns, of which the first is the same for all users."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO gatehouse_audit_events"
            " (occurred_at, event, outcome, actor_kind, target_type, target_id, body)"
            " SELECT now(), 'user_updated', 'success', 'system', 'user', number % 5000, '{}'"
            " FROM generate_series(1, 40000) AS number"
        )
        connection.execute("VACUUM ANALYZE gatehouse_audit_events")
    with watched(postgresql_url) as (database, watch), database.reading() as connection:
        watch.take()
        # Half of all stand before and behind her.
        find_numbers(connection, TrailQuery(target=("user", "3000"), rising=rising), 50)
        work = watch.take()
    assert work.rows == 8, work.plans
    assert 0 < work.pages < 20, work.plans


@pytest.mark.parametrize("kind", ["sqlite_url", "postgresql_url"])
def test_what_never_happens_is_not_sought_in_all_that_does(request: pytest.FixtureRequest, kind: str) -> None:
    """Where all events are alike, statistics expect of each value that it is all of them, also of one that is none."""
    url: str = request.getfixturevalue(kind)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
    engine = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO gatehouse_audit_events (occurred_at, event, outcome, actor_kind, body)"
                f" {numbers} SELECT '2026-01-01 00:00:00', 'article.read', 'success', 'system', '{{}}' FROM n"
            )
        )
        connection.execute(text("ANALYZE"))
    engine.dispose()
    with watched(url) as (database, watch), database.transaction() as db:
        watch.take()
        assert ended_subjects(db, 0, utc_now(), limit=200) == (0, set())
        assert erase_unknown(db, utc_now(), 0) == (0, 0)
        assert subjects_named(db, ["ada@example.com"], datetime(2025, 12, 1, tzinfo=UTC)) == set()
        work = watch.take()
    assert work.amount <= 1000, work.plans
