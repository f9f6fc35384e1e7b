"""A server that goes away while a prepared database takes the place of the live one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, event, text

from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.backups import postgresql
from flask_gatehouse.ops.backups.errors import ONCE_MORE, BackupRefused
from tests.databases import WorkerDatabase

SAYING = "the database cannot be replaced: .*; "


@pytest.fixture
def live(postgresql_database: WorkerDatabase) -> Iterator[Engine]:
    yield from marked(postgresql_database, "live")


@pytest.fixture
def prepared(postgresql_database: WorkerDatabase) -> Iterator[Engine]:
    yield from marked(postgresql_database, "prepared")


def marked(worker: WorkerDatabase, name: str) -> Iterator[Engine]:
    """Yield a database in which its name stands."""
    worker.fresh()
    engine = make_engine(worker.copied(name))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE marked AS SELECT '{name}' AS name"))
    yield engine
    engine.dispose()


def name_in(engine: Engine, database: str | None = None) -> str:
    with psycopg.connect(address(engine, database)) as connection:
        (name,) = connection.execute("SELECT name FROM marked").fetchone() or ("",)
    return str(name)


@contextmanager
def cut_off(moment: str, then: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let the connection be lost before the names are changed, or after that and before anybody has heard of it."""

    def cut(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith("BEGIN; ALTER"):
            connection.connection.driver_connection.close()
            then()
            if moment == "after_cursor_execute":
                raise psycopg.OperationalError("the connection is lost")

    event.listen(Engine, moment, cut)
    try:
        yield
    finally:
        event.remove(Engine, moment, cut)


def quiet(done: int, of: int) -> None:
    """Say nothing."""


def test_one_that_was_not_replaced_is_as_it_was(live: Engine, prepared: Engine) -> None:
    with cut_off("before_cursor_execute"), pytest.raises(BackupRefused, match=f"{SAYING}it is as it was$"):
        postgresql.replace(live, prepared, quiet)
    assert name_in(live) == "live"


def test_one_that_was_replaced_is_no_failure(live: Engine, prepared: Engine) -> None:
    """Whoever was erased while it was prepared would stay in it: the restore has to go on."""
    with cut_off("after_cursor_execute"):
        kept = postgresql.replace(live, prepared, quiet)
    assert kept is not None
    assert (name_in(live), name_in(live, kept)) == ("prepared", "live")
    drop(live, kept)


def test_one_that_was_made_is_no_failure_either(live: Engine, prepared: Engine) -> None:
    drop(live)
    with cut_off("after_cursor_execute"):
        assert postgresql.replace(live, prepared, quiet) is None
    assert name_in(live) == "prepared"


def test_while_the_server_is_away_nobody_knows_which_it_is(live: Engine, tmp_path: Path) -> None:
    """And that the scratch database cannot be removed is not said in its place."""
    postgresql.dump(live, tmp_path / "dumped", quiet)

    def refuse(*arguments: object) -> None:
        raise psycopg.OperationalError("the server is away")

    try:
        with (
            pytest.raises(BackupRefused, match=f"{SAYING}it may have been all the same, .* kept as .*; {ONCE_MORE}$"),
            postgresql.scratch(live, tmp_path / "dumped") as prepared,
            cut_off("after_cursor_execute", lambda: event.listen(Engine, "do_connect", refuse)),
        ):
            postgresql.replace(live, prepared, quiet)
    finally:
        event.remove(Engine, "do_connect", refuse)


@pytest.mark.parametrize("moment", ["do_connect", "before_cursor_execute"])
def test_a_scratch_database_that_stays_is_told_of(
    live: Engine, tmp_path: Path, moment: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Everybody's data is in it; and that it stays takes the place of nothing that has failed before."""
    postgresql.dump(live, tmp_path / "dumped", quiet)

    def go_away(*arguments: Any, **more: Any) -> None:
        if moment == "do_connect" or "DROP DATABASE" in str(arguments[2]):
            raise psycopg.OperationalError("the server is away")

    names: list[str] = []

    def fail() -> None:
        with postgresql.scratch(live, tmp_path / "dumped") as prepared:
            names.append(str(prepared.url.database))
            event.listen(Engine, moment, go_away)
            raise InterruptedError

    try:
        with pytest.raises(InterruptedError):
            fail()
    finally:
        event.remove(Engine, moment, go_away)
    (name,) = names
    (said,) = (one.getMessage() for one in caplog.records if one.name == "flask_gatehouse.backups")
    assert said.startswith(f"the scratch database {name} could not be removed: ")
    assert said.endswith("the server is away; drop it")
    assert address(live, name) not in said
    drop(live, name)


def drop(engine: Engine, name: str | None = None) -> None:
    with psycopg.connect(address(engine, "postgres"), autocommit=True) as connection:
        wanted = Identifier(name or str(engine.url.database))
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(wanted))


def address(engine: Engine, database: str | None = None) -> str:
    url = engine.url.set(drivername="postgresql", database=database or engine.url.database)
    return url.render_as_string(hide_password=False)
