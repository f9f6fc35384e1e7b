"""A SQLite file that somebody else keeps locked for long: a backup, a shell that was left open."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from flask_gatehouse.sessions.models import UserSession
from tests.nodes.meeting import at_once
from tests.nodes.people import Browser, csrf_token_of, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

from .answers import is_a_pause, within
from .report import Shows

Open = Callable[[Node], Browser]
THREADS = 8
# The node waits five seconds for the lock; the rest is this machine. What the bound shows is that those who need the
# lock wait beside each other: one after the other, the seven of them would take longer than this.
DEADLINE_S = 30.0
# A page that does not wait for the lock, although it would write down that she is there.
NOTE_S = 4.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path_factory.mktemp('locked') / 'gatehouse.db'}"
    with running_site(url, servers=("gunicorn",), threads=THREADS) as site:
        assert site.command("db", "upgrade").returncode == 0
        yield site


def test_it_is_locked_for_long(site: Site, open_browser: Open, shows: Shows) -> None:
    person, email = open_browser(site.node), new_address()
    assert person.sign_in(email).status_code == 302
    token = csrf_token_of(person.get("/dashboard"))
    comes, new = open_browser(site.node), new_address()
    callback = comes.choose(comes.begin(), new)
    with site.database.transaction() as db:
        # The next request has to write down that she is still there.
        seen = {UserSession.last_seen_at: site.sessions(email)[0]["last_seen_at"] - timedelta(minutes=5)}
        db.execute(update(UserSession).where(UserSession.id == site.sessions(email)[0]["id"]).values(seen))
    path = site.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        # One page finds out that nothing can be written down, and the next ones do not try.
        assert within(DEADLINE_S, partial(person.get, "/dashboard")).status_code == 200
        assert within(NOTE_S, partial(person.get, "/dashboard")).status_code == 200
        writes = [partial(person.post, "/auth/logout", {"csrf_token": token})] * (THREADS - 2)
        reads = [partial(person.get, "/dashboard")] * THREADS
        arrives = partial(comes.arrive, callback)
        answers = at_once([partial(within, DEADLINE_S, ask) for ask in (*writes, *reads, arrives)])
        somebody.execute("ROLLBACK")
    assert all(is_a_pause(answer) for answer in answers[: len(writes)])
    assert {answer.status_code for answer in answers[len(writes) : -1]} == {200}
    assert answers[-1].status_code == 503
    assert "gatehouse" not in comes.cookies
    assert person.is_signed_in()
    assert comes.sign_in(new).status_code == 302
    assert person.post("/auth/logout", {"csrf_token": token}).status_code == 303
    shows("SQLite: locked by somebody for long", "reads go on, changes are put off in time, back by itself")
