"""Rights that go while a request of hers is under way: either it comes first, or it comes to nothing.

The request waits at a door between what it has asked and what it writes, on one node; what takes her rights is done at
the other one. A loop of threads would pass against code that looks only once.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from requests import ConnectionError, Response
from sqlalchemy import select

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, hold_user
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.kernel.context import SYSTEM
from tests.nodes.people import Browser, csrf_token_of, hidden_fields, new_address, reason_of
from tests.nodes.sites import CONFIRMED_FOR_LONG, Site, running_site
from tests.processes import Node

from .door import Door, a_door
from .report import Shows

Open = Callable[[Node], Browser]
# For so long somebody may get past whoever is held within her transaction, if nothing keeps her from it.
HEAD_START_S = 0.5


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    with running_site(
        place, CONFIRMED_FOR_LONG, servers=("gunicorn", "gunicorn"), application="tests.faults.held:app"
    ) as site:
        yield site


@pytest.fixture(scope="module")
def boss(site: Site) -> Iterator[Browser]:
    """An administrator at the other node, who takes rights away."""
    browser = an_administrator(site, Browser(site.other), new_address("boss"))
    yield browser
    browser.close()


def an_administrator(site: Site, browser: Browser, email: str) -> Browser:
    there, browser.node = browser.node, site.node
    assert browser.sign_in(email).status_code == 302
    browser.node = there
    with site.database.transaction() as db:
        change_role(db, site.user_id(email) or 0, Role.ADMIN, actor=SYSTEM)
    return browser


def demote(site: Site, boss: Browser, user_id: int) -> Response:
    form = hidden_fields(boss.get(f"/users/{user_id}").text) | {"name": "N", "role": "viewer"}
    return boss.post(f"/users/{user_id}", form)


def deactivate(site: Site, boss: Browser, user_id: int) -> Response:
    return boss.change(f"/users/{user_id}/toggle-active")


def erase(site: Site, boss: Browser, user_id: int) -> Response:
    return boss.change(f"/users/{user_id}", method="DELETE")


def lock(site: Site, boss: Browser, user_id: int) -> None:
    """Let her say by the link of a letter that it was not she."""
    with site.database.transaction() as db:
        assert hold_user(db, user_id, 0, about="authn_login_success", actor=SYSTEM)


TAKES = {"demoted": demote, "deactivated": deactivate, "erased": erase, "locked": lock}
EVENTS = {"demoted": "authz_change", "deactivated": "user_archived", "erased": "user_deleted", "locked": "user_held"}
# Whatever an administrator does to somebody, and its fields.
WRITES: dict[str, tuple[str, str, dict[str, str]]] = {
    "deactivates somebody": ("POST", "/users/{id}/toggle-active", {}),
    "gives a role": ("PUT", "/users/{id}", {"name": "N", "role": "editor", "version": "1"}),
    "makes an administrator": ("PUT", "/users/{id}", {"name": "N", "role": "admin", "version": "1"}),
    "erases somebody": ("DELETE", "/users/{id}", {}),
    "changes many": ("POST", "/users/bulk", {"change": "deactivate", "user": "{id}"}),
    "erases many": ("POST", "/users/bulk", {"change": "remove", "user": "{id}"}),
    "invites somebody": ("POST", "/users/invitations", {"email": "friend{id}@example.com", "role": "admin"}),
    "ends a session": ("POST", "/account/sessions/{session}", {}),
}
FLIGHTS = [(write, "demoted") for write in WRITES] + [("makes an administrator", taken) for taken in TAKES]


def write(site: Site, chief: Browser, what: str, email: str, door: Door, before: str) -> Callable[[], Response]:
    """Return what an administrator asks for about somebody, from a page that she has open."""
    method, path, fields = WRITES[what]
    words = {"id": site.user_id(email), "session": site.sessions(email)[0]["id"]}
    told = {name: value.format(**words) for name, value in fields.items()}
    headers = {"X-CSRFToken": csrf_token_of(chief.get("/dashboard"))} | door.headers(before)
    return lambda: chief.post(path.format(**words), told, headers=headers, method=method)


def done_by(site: Site, user_id: int, mark: int) -> list[str]:
    return [event for event, _ in site.events(mark, actor_id=user_id)]


@pytest.mark.parametrize(("what", "taken"), sorted(set(FLIGHTS)))
def test_her_rights_go_before_she_writes(
    site: Site, boss: Browser, open_browser: Open, shows: Shows, what: str, taken: str
) -> None:
    chief = an_administrator(site, open_browser(site.node), her_email := new_address("chief"))
    open_browser(site.node).sign_in(email := new_address())
    chief_id = site.user_id(her_email) or 0
    with a_door() as door, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(write(site, chief, what, email, door, "transaction"))
        door.meet()
        mark = site.last_event()
        TAKES[taken](site, boss, chief_id)
        door.open()
        answer = asking.result()
    if taken == "demoted":
        assert (answer.status_code, done_by(site, chief_id, mark)) == (403, ["authz_fail"])
        assert chief.is_signed_in()
    else:
        assert (answer.status_code, done_by(site, chief_id, mark)) == (302, [])
        assert answer.headers["Location"].startswith("/auth/login")
    (session,) = site.sessions(email)
    assert session["ended_at"] is None
    shows(f"{kind_of(site)}: an administrator {what}, is {taken} first", "refused, and nothing is written")


@pytest.mark.parametrize("taken", TAKES)
def test_her_rights_go_while_she_writes(
    site: Site, boss: Browser, open_browser: Open, shows: Shows, taken: str
) -> None:
    chief = an_administrator(site, open_browser(site.node), her_email := new_address("chief"))
    open_browser(site.node).sign_in(email := new_address())
    chief_id, mark = site.user_id(her_email) or 0, site.last_event()
    with a_door() as door, ThreadPoolExecutor(2) as pool:
        asking = pool.submit(write(site, chief, "makes an administrator", email, door, "UPDATE gatehouse_users"))
        door.meet()
        taking = pool.submit(TAKES[taken], site, boss, chief_id)
        wait([taking], HEAD_START_S)
        door.open()
        answers = [asking.result(), taking.result()]
    assert all(answer is None or answer.status_code in {200, 303} for answer in answers), answers
    # Whoever takes her rights has waited for what she was allowed to begin.
    about = [(one, target) for one, target in facts(site, mark) if one in {"authz_change", EVENTS[taken]}]
    assert about == [("authz_change", site.user_id(email)), (EVENTS[taken], chief_id)]
    shows(f"{kind_of(site)}: an administrator writes, is {taken} meanwhile", "who takes her rights waits for her")


def kind_of(site: Site) -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[site.database.engine.dialect.name]


def facts(site: Site, mark: int) -> list[tuple[str, int]]:
    """Return the events and whom they are about, in their order."""
    wanted = select(AuditEventRow.event, AuditEventRow.target_id).where(AuditEventRow.id > mark)
    with site.database.reading() as connection:
        rows = connection.execute(wanted.where(AuditEventRow.target_type == "user").order_by(AuditEventRow.id))
        return [(row.event, int(row.target_id)) for row in rows]


REFUSED = {"deactivated": "deactivated", "locked": "held"}


@pytest.mark.parametrize("taken", ["deactivated", "locked", "erased"])
@pytest.mark.parametrize("before", ["transaction", "UPDATE gatehouse_"])
def test_somebody_is_on_her_way_in(
    site: Site, boss: Browser, open_browser: Open, shows: Shows, taken: str, before: str
) -> None:
    person, email = open_browser(site.node), new_address()
    assert person.sign_in(email).status_code == 302
    user_id = site.user_id(email) or 0
    comes = open_browser(site.node)
    callback = comes.choose(comes.begin(), email)
    with a_door() as door, ThreadPoolExecutor(2) as pool:
        coming = pool.submit(comes.arrive, callback, headers=door.headers(before))
        door.meet()
        taking = pool.submit(TAKES[taken], site, boss, user_id)
        # Before her transaction begins it is done; within it, it has to wait.
        wait([taking], None if before == "transaction" else HEAD_START_S)
        door.open()
        answer, took = coming.result(), taking.result()
    assert took is None or took.status_code in {200, 303}, took
    assert not person.is_signed_in()
    if before != "transaction":
        assert [comes.is_signed_in(at=node) for node in site.nodes] == [False, False]
    elif taken in REFUSED:
        assert (reason_of(answer), comes.is_signed_in()) == (REFUSED[taken], False)
    else:
        # Where everybody may come in, whoever was erased comes as somebody new, with nothing of what was hers.
        assert (answer.status_code, comes.is_signed_in()) == (302, True)
        assert site.user_id(email) not in {None, user_id}
    when = "before she is let in" if before == "transaction" else "while she is let in"
    shows(f"{kind_of(site)}: somebody signs in, is {taken} {when}", "no session of hers lives")


def test_the_process_that_writes_is_killed(site: Site, boss: Browser, open_browser: Open, shows: Shows) -> None:
    """As a machine without memory does it; of a node that has more processes, the others go on."""
    chief = an_administrator(site, open_browser(site.node), her_email := new_address("chief"))
    open_browser(site.node).sign_in(email := new_address())
    chief_id, mark = site.user_id(her_email) or 0, site.last_event()
    with a_door() as door, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(write(site, chief, "gives a role", email, door, "UPDATE gatehouse_users"))
        door.meet()
        master = site.node.process.pid
        (process,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        os.kill(int(process), signal.SIGKILL)
        with pytest.raises(ConnectionError):
            asking.result()
    # Neither the change nor its event, and nobody waits for what it held.
    assert done_by(site, chief_id, mark) == []
    assert deactivate(site, boss, site.user_id(email) or 0).status_code == 303
    again = open_browser(site.node)
    again.session_token = chief.session_token
    assert again.is_signed_in()
    shows(
        f"{kind_of(site)}: kill -9 of a process that writes", "nothing by halves, others go on, another takes its place"
    )
