"""A disk that is full or that fails, under SQLite and the log: reads go on, and nothing is half done."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.sessions.models import UserSession
from tests.nodes.people import Browser, csrf_token_of, hidden_fields, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node
from tests.services import need
from tools import provision

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


def asked(site: Site, open_browser: Open, trouble: AbstractContextManager[None]) -> int:
    """Ask for three changes while the disk is in trouble, hold what is there afterwards against the answers.

    :returns: how many of them were refused.
    """
    person, email = open_browser(site.node), new_address()
    assert person.sign_in(email).status_code == 302
    page = person.get("/dashboard")
    token = csrf_token_of(page)
    form = hidden_fields(person.get(f"/users/{site.user_id(email)}/edit").text) | {"name": "Somebody Else"}
    comes, new = open_browser(site.node), new_address()
    callback = comes.choose(comes.begin(), new)
    mark, cookies = site.last_event(), person.cookies
    empty_log(site)
    with trouble:
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
    return refused


@pytest.mark.parametrize("size", ROOM)
def test_a_file_can_grow_no_further(site: Site, open_browser: Open, shows: Shows, size: int) -> None:
    refused = asked(site, open_browser, room_for(site.node, size))
    assert refused == 3 or size
    shows(f"SQLite: {size} bytes may be written", f"{refused} of 3 changes refused as a whole, reads go on")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few megabytes."""
    mounted = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=8m", "none", tmp_path), check=False)
    if mounted.returncode:
        need(provision.Requirement("a file system that root has mounted", lambda: None, ("mount",)))
    yield tmp_path
    subprocess.run(("umount", "--lazy", tmp_path), check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    filling = disk / "filling"
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    filling.unlink()


def test_the_disk_is_full(small_disk: Path, open_browser: Open, shows: Shows) -> None:
    with running_site(f"sqlite:///{small_disk / 'gatehouse.db'}", servers=("gunicorn",)) as site:
        assert site.command("db", "upgrade").returncode == 0
        assert asked(site, open_browser, filled(small_disk)) == 3
    shows("SQLite: disk full (ENOSPC)", "3 of 3 changes refused as a whole, reads go on")


@contextmanager
def failing(node: Node, calls: str, error: str) -> Iterator[None]:
    """Let system calls of a node's workers fail, as those of a dying disk do."""
    master = node.process.pid
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    command = ["strace", "-f", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}", "-o", "/dev/null"]
    tracer = subprocess.Popen([*command, *(f"-p{pid}" for pid in workers)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        for _ in workers:
            assert "attached" in tracer.stderr.readline()
        yield
    finally:
        tracer.terminate()
        tracer.communicate()


@pytest.mark.parametrize("calls", ["fsync,fdatasync", "pwrite64"])
def test_the_disk_fails(site: Site, open_browser: Open, shows: Shows, calls: str) -> None:
    if provision.STRACE.find() is None:
        need(provision.STRACE)
    refused = asked(site, open_browser, failing(site.node, calls, "EIO"))
    assert refused == 3
    shows(f"SQLite: {calls} fails (EIO)", "3 of 3 changes refused as a whole, reads go on")
