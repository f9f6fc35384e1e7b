"""One person's security activity: what concerns her, nothing else, and at the same cost however much she does."""

from dataclasses import replace

import pytest
from sqlalchemy import event

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role
from flask_gatehouse.audit import AuditEvent, activity, record
from flask_gatehouse.audit.activity import Activity, read_activity
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.rules import EndReason
from flask_gatehouse.sessions.service import end_session
from flask_gatehouse.sessions.telling import newest_sessions
from tests.integration.conftest import SOMEBODY, House


def pages(house: House, user_id: int, limit: int = 10) -> list[Activity]:
    found: list[Activity] = []
    with house.database.reading() as connection:
        sessions = newest_sessions(connection, user_id)
        while not found or found[-1].next is not None:
            before = found[-1].next if found else None
            found.append(read_activity(connection, user_id, sessions, before=before, limit=limit))
    return found


def names(house: House, user_id: int, limit: int = 10) -> list[str]:
    return [one.content["event"] for page in pages(house, user_id, limit) for one in page.events]


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_it_tells_what_concerns_her_and_nothing_else(house: House, limit: int) -> None:
    ada, eve = house.join("ada"), house.join("eve", Role.ADMIN)
    hers, theirs, root = house.enter(ada), house.enter(eve), Actor(eve.id, None, "192.0.2.9", "Browser/2", "user")
    with house.database.transaction() as db:
        change_role(db, ada.id, Role.EDITOR, actor=root)
        record("article.edited", resource=("article", 1), session=db, actor=replace(SOMEBODY, user_id=ada.id))
        record(AuditEvent.AUTHZ_FAIL, session=db, actor=replace(SOMEBODY, user_id=ada.id, kind="user"))
        record(AuditEvent.LOGIN_FAIL, resource=("user", ada.id), session=db, actor=SOMEBODY)
        # What she does to others, and what others do to others, is not hers.
        record(AuditEvent.AUTHZ_CHANGE, resource=("user", eve.id), session=db, actor=replace(SOMEBODY, user_id=ada.id))
        end_session(db, theirs.session_id, EndReason.REVOKED, actor=root)
        end_session(db, hers.session_id, EndReason.REVOKED, actor=root)
    assert names(house, ada.id, limit) == [
        "session_revoked",
        "authn_login_fail",
        "authz_fail",
        "authz_change",
        "user_created",
    ]


def test_a_page_looks_at_so_much_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's own events may be many: the page says where it stopped looking, and the next goes on there."""
    monkeypatch.setattr(activity, "REACH", 20)
    ada = house.join("ada")
    her = replace(SOMEBODY, user_id=ada.id, kind="user")
    with house.database.transaction() as db:
        record(AuditEvent.AUTHZ_FAIL, session=db, actor=her)
        for number in range(70):
            record("article.edited", resource=("article", number), session=db, actor=her)
        record(AuditEvent.REAUTH_FAIL, session=db, actor=her)
    found = pages(house, ada.id)
    assert [one.content["event"] for page in found for one in page.events] == [
        "authn_reauth_fail",
        "authz_fail",
        "user_created",
    ]
    assert len(found) > 3
    statements: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    with house.database.reading() as connection:
        read_activity(connection, ada.id, [])
    assert len([one for one in statements if "gatehouse_audit_events" in one]) == 3
    assert all("LIMIT" in one for one in statements if "ORDER BY" in one and "IN (" not in one)
