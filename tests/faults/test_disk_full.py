"""A disk on which nothing more can be written, under SQLite and the log: reads go on, and nothing is half done."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.sessions.models import UserSession
from tests.nodes.people import Browser, csrf_token_of, hidden_fields, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

from .answers import is_a_pause
from .report import Shows

Open = Callable[[Node], Browser]
# Bytes that a file may have: some pages of the write-ahead log fit, so that it is full within a transaction too.
ROOM = [0, 4096, 20_000, 60_000]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path_factory.mktemp('full') / 'gatehouse.db'}"
    with running_site(url, servers=("gunicorn",)) as site:
        assert site.command("db", "upgrade").returncode == 0
        yield site


@contextmanager
def room_for(node: Node, size: int) -> Iterator[None]:
    """Let no file of a node grow beyond a size. Python ignores the signal: the write fails, as on a full disk."""
    master = node.process.pid
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    assert workers
    before = {int(pid): resource.prlimit(int(pid), resource.RLIMIT_FSIZE) for pid in workers}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def empty_log(site: Site) -> None:
    """Write what is in the write-ahead log into the file, so that the next transaction begins it anew."""
    with site.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("size", ROOM)
def test_it_is_full(site: Site, open_browser: Open, shows: Shows, size: int) -> None:
    person, email = open_browser(site.node), new_address()
    assert person.sign_in(email).status_code == 302
    page = person.get("/dashboard")
    token = csrf_token_of(page)
    form = hidden_fields(person.get(f"/users/{site.user_id(email)}/edit").text) | {"name": "Somebody Else"}
    comes, new = open_browser(site.node), new_address()
    callback = comes.choose(comes.begin(), new)
    mark, cookies = site.last_event(), person.cookies
    empty_log(site)
    refused = 0
    with room_for(site.node, size):
        assert person.is_signed_in()
        changed = person.post(f"/users/{site.user_id(email)}", form)
        arrived = comes.arrive(callback)
        left = person.post("/auth/logout", {"csrf_token": token})
        assert arrived.status_code in {302, 503}
        for answer in (changed, left):
            assert answer.status_code == 303 or is_a_pause(answer)
        if left.status_code == 503:
            assert (person.is_signed_in(), person.session_token) == (True, cookies["gatehouse"])
        refused = [changed.status_code, arrived.status_code, left.status_code].count(503)
    assert refused == 3 or size
    # What was acknowledged is there with its event, and what was refused is not: without a hand.
    happened = [name for name, _ in site.events(mark)]
    assert ("user_updated" in happened) == (changed.status_code == 303)
    assert ("authn_login_success" in happened) == comes.is_signed_in() == (arrived.status_code == 302)
    assert ("session_logout" in happened) == (left.status_code == 303) == (not person.is_signed_in())
    assert comes.sign_in(new).status_code == 302
    with site.database.reading() as connection:
        sessions = connection.scalar(select(func.count(UserSession.id)))
    assert sessions == len(site.events(event="authn_login_success"))
    assert verify(site.database.engine, Held([])).exit_code == 0
    shows(f"SQLite: disk full, {size} bytes left", f"{refused} of 3 changes refused as a whole, reads go on")
