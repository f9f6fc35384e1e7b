"""A PostgreSQL that is killed under load, takes no writes, is locked, deadlocked or full."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGQUIT
from threading import Event, Thread

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, register
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.sessions.models import UserSession
from tests.integration.conftest import SOMEBODY, House, profile
from tests.nodes.listeners import WITHIN_S, wait_until
from tests.nodes.meeting import at_once
from tests.nodes.people import Browser, csrf_token_of, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node
from tests.services import make_cluster, need, serving_cluster
from tools import provision

from .answers import is_a_pause, within
from .report import Shows

Open = Callable[[Node], Browser]
# The node waits two seconds for an answer, and for a lock not even so long as its server would. The rest is this
# machine: what the bound shows is that nobody waits for as long as the lock is held. That nobody waits twice is counted
# in tests/integration/db/test_patience.py.
DEADLINE_S = 30.0
ROUNDS, PEOPLE = 3, 4
# Each is waited for: a connection that has not heard of it yet would still be used.
END_ALL = """
    SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL
"""


class Cluster:
    """A server of this module alone, which keeps what it has acknowledged."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self.url = f"postgresql://gatehouse@/postgres?host={folder / 'pg'}"
        make_cluster(programs, folder / "pg")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run until the block ends, and then die without order."""
        with serving_cluster(
            self._programs,
            self._folder / "pg",
            self._folder / "postgresql.log",
            stop=SIGQUIT,
            synchronous_commit="on",
            full_page_writes="on",
        ):
            yield

    def operator(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    programs = provision.find_postgresql() or need(provision.POSTGRESQL)
    # A socket's path holds at most 107 bytes, and its owner is somebody else.
    with tempfile.TemporaryDirectory(prefix="crash-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Cluster(programs, Path(folder))


@pytest.fixture(scope="module")
def site(cluster: Cluster) -> Iterator[Site]:
    with cluster.serving():
        engine = make_engine(cluster.url)
        upgrade(engine)
        engine.dispose()
    # The node starts while there is no database at all.
    with running_site(cluster.url, servers=("gunicorn",), application="tests.faults.hasty:app", threads=8) as site:
        yield site


class Guest:
    """Somebody who signs in again and again as somebody new, and keeps what she was told."""

    def __init__(self, site: Site) -> None:
        self.site, self.inside, self.turned_away = site, list[tuple[Browser, str]](), 0

    def come(self, stop: Event) -> None:
        while not stop.is_set():
            browser, email = Browser(self.site.node), new_address()
            # Without its database the node still leads to the provider.
            arrived = browser.arrive(browser.choose(browser.begin(), email))
            if arrived.status_code == 302:
                self.inside.append((browser, email))
                continue
            assert arrived.status_code == 503
            assert "gatehouse" not in browser.cookies
            self.turned_away += 1
            browser.close()


def test_it_is_killed_under_load(site: Site, cluster: Cluster, open_browser: Open, shows: Shows) -> None:
    waiting = open_browser(site.node)
    assert waiting.get("/readyz").status_code == 503
    assert waiting.get("/healthz").status_code == 200
    guests, stop = [Guest(site) for _ in range(PEOPLE)], Event()
    threads = [Thread(target=guest.come, args=(stop,)) for guest in guests]
    for number in range(ROUNDS):
        with cluster.serving():
            wait_until(lambda: waiting.get("/readyz").status_code == 200)
            if not number:
                for thread in threads:
                    thread.start()
            before = sum(len(guest.inside) for guest in guests)
            wait_until(lambda before=before: sum(len(guest.inside) for guest in guests) >= before + 5)
    stop.set()
    for thread in threads:
        thread.join()
    with cluster.serving():
        wait_until(lambda: waiting.get("/readyz").status_code == 200)
        inside = [person for guest in guests for person in guest.inside]
        assert len(inside) >= 5 * ROUNDS
        for browser, _ in inside:
            assert browser.is_signed_in()
            browser.close()
        told = len(site.events(event="authn_login_success"))
        with site.database.reading() as connection:
            sessions = len(connection.scalars(select(UserSession.id)).all())
            people = len(connection.scalars(select(User.id)).all())
        # Whoever was turned away may have come in nevertheless: nobody knows that after a COMMIT without an answer.
        assert len(inside) <= told == sessions == people <= len(inside) + sum(guest.turned_away for guest in guests)
        assert site.command("audit", "verify").returncode == 0
    shows(
        f"PostgreSQL: killed {ROUNDS} times under load",
        f"all of {len(inside)} sign-ins that were acknowledged are there, back by itself",
    )


@pytest.fixture
def operator(site: Site, cluster: Cluster, open_browser: Open) -> Iterator[psycopg.Connection]:
    with cluster.serving(), cluster.operator() as connection:
        waiting = open_browser(site.node)
        wait_until(lambda: waiting.get("/readyz").status_code == 200)
        yield connection


def test_it_takes_no_writes(site: Site, operator: psycopg.Connection, open_browser: Open, shows: Shows) -> None:
    """As a replica that was promoted to nothing."""
    person = open_browser(site.node)
    assert person.sign_in(new_address()).status_code == 302
    token = csrf_token_of(person.get("/dashboard"))
    comes, email = open_browser(site.node), new_address()
    callback = comes.choose(comes.begin(), email)
    operator.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    operator.execute(END_ALL)
    try:
        assert person.is_signed_in()
        assert is_a_pause(person.post("/auth/logout", {"csrf_token": token}))
        assert comes.arrive(callback).status_code == 503
        assert "gatehouse" not in comes.cookies
    finally:
        operator.execute("SET default_transaction_read_only = off")
        operator.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
        operator.execute(END_ALL)
    assert person.is_signed_in()
    assert comes.sign_in(email).status_code == 302
    assert person.post("/auth/logout", {"csrf_token": token}).status_code == 303
    shows("PostgreSQL: takes no writes", "reads go on, nobody new comes in, back by itself")


def test_somebody_holds_its_locks(site: Site, operator: psycopg.Connection, open_browser: Open, shows: Shows) -> None:
    person = open_browser(site.node)
    assert person.sign_in(new_address()).status_code == 302
    token = csrf_token_of(person.get("/dashboard"))
    with operator.transaction():
        operator.execute("LOCK TABLE gatehouse_audit_events IN EXCLUSIVE MODE")
        # What needs the lock is many times as much as there are threads; what only reads goes on between them.
        writes = [lambda: within(DEADLINE_S, lambda: person.post("/auth/logout", {"csrf_token": token}))] * 8
        reads = [lambda: within(DEADLINE_S, lambda: person.get("/dashboard"))] * 8
        answers = at_once([*writes, *reads])
    assert all(is_a_pause(answer) for answer in answers[:8])
    assert {answer.status_code for answer in answers[8:]} == {200}
    assert person.is_signed_in()
    assert person.post("/auth/logout", {"csrf_token": token}).status_code == 303
    shows("PostgreSQL: locked by somebody", "writes are put off in time, reads go on")


def test_a_deadlock(postgresql_url: str, shows: Shows) -> None:
    """Two who hold what the other one needs: PostgreSQL ends one of them, which here is always ours."""
    engine = make_engine(postgresql_url)
    database = Database(lambda: engine)
    house = House(database)
    first, second = house.join("first", Role.ADMIN), house.join("second", Role.ADMIN)
    before = house.contents()
    with psycopg.connect(postgresql_url) as other:
        other.execute("SET deadlock_timeout = '1min'")
        other.execute("SELECT 1 FROM gatehouse_users WHERE id = %s FOR UPDATE", (second.id,))
        meant: list[Exception] = []
        taken, waited_for = Event(), Event()

        def change_both() -> None:
            try:
                with database.transaction() as db:
                    db.execute(select(User.id).where(User.id == first.id).with_for_update())
                    taken.set()
                    # PostgreSQL looks for a deadlock once, a second after ours has begun to wait.
                    assert waited_for.wait(WITHIN_S)
                    change_role(db, first.id, Role.VIEWER)
            except DependencyUnavailable as error:
                meant.append(error)

        # Answered as soon as ours is ended, which has taken the first row and waits for the second one.
        asks = "SELECT 1 FROM gatehouse_users WHERE id = %s FOR UPDATE"
        ours, theirs = Thread(target=change_both), Thread(target=other.execute, args=(asks, (first.id,)))
        ours.start()
        assert taken.wait(WITHIN_S)
        theirs.start()
        wait_until(lambda: waits(postgresql_url))
        waited_for.set()
        ours.join()
        theirs.join()
        (error,) = meant
        assert isinstance(error.__cause__, DBAPIError)
        assert isinstance(error.__cause__.orig, psycopg.errors.DeadlockDetected)
        other.rollback()
    assert house.contents() == before
    with database.transaction() as db:
        change_role(db, first.id, Role.VIEWER)
    engine.dispose()
    shows("PostgreSQL: deadlock", "ours ends with 503 and nothing by halves, the next try succeeds")


def waits(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(found.fetchone()[0])  # type: ignore[index] - a count is always one row


def test_it_takes_no_more_connections(postgresql_url: str, shows: Shows) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as operator:
        operator.execute("DROP ROLE IF EXISTS crowded")
        operator.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 1")
        operator.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO crowded")
        url = postgresql_url.replace("gatehouse@", "crowded@")
        engine = make_engine(url)
        database = Database(lambda: engine)
        with psycopg.connect(url), pytest.raises(DependencyUnavailable):
            users(database)
        # The server gives a place free a moment after the client has left it.
        wait_until(lambda: counted(database) == 0)
        engine.dispose()
        operator.execute("DROP OWNED BY crowded")
        operator.execute("DROP ROLE crowded")
    shows("PostgreSQL: no connection left", "503, back by itself")


def counted(database: Database) -> int | None:
    try:
        return users(database)
    except DependencyUnavailable:
        return None


def users(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.scalars(select(User.id)).all())


def test_every_connection_of_the_pool_is_in_use(
    database_url: str, monkeypatch: pytest.MonkeyPatch, shows: Shows
) -> None:
    monkeypatch.setattr("flask_gatehouse.db.engine.POOL_TIMEOUT_S", 0.5)
    engine = make_engine(database_url)
    database = Database(lambda: engine)
    held = [engine.connect() for _ in range(15)]
    asked: list[object] = []
    take = engine.pool.connect

    def counted() -> PoolProxiedConnection:
        asked.append(None)
        return take()

    monkeypatch.setattr(engine.pool, "connect", counted)
    with pytest.raises(DependencyUnavailable):
        users(database)
    with pytest.raises(DependencyUnavailable), database.transaction() as db:
        register(db, profile("ada"), Role.VIEWER, actor=SOMEBODY)
    # Each has waited once, and not for as long as the other's connection is held.
    assert len(asked) == 2
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.timeout() == 0.5
    for connection in held:
        connection.close()
    assert users(database) == 0
    engine.dispose()
    shows(f"{database_url.partition(':')[0]}: pool in use", "503 in time, back by itself")
