"""A change and its event commit together or not at all, for every service that changes something."""

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import flask_gatehouse.accounts
import flask_gatehouse.sessions.service as sessions
import flask_gatehouse.signin
from flask_gatehouse.accounts import bulk, linking as accounts_linking, reviewing, service as accounts
from flask_gatehouse.accounts.models import Invitation, JoinRequest
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.accounts.reviewing import Decision, Part, Periods
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.views import SignedInUser
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions import expiring
from flask_gatehouse.sessions.rules import EndReason, Limits
from flask_gatehouse.sessions.service import Begun
from flask_gatehouse.signin import linking as signin_linking
from tests.integration.conftest import DAY, ISSUER, SOMEBODY, House, profile


@dataclass(frozen=True, slots=True)
class Scene:
    """A house in which something happened already: Ada, alone but in few of them, with a session idle for a day."""

    house: House
    ada: SignedInUser
    begun: Begun


Change = Callable[[Session, Scene], Any]
AT_ONCE = Periods(timedelta(), timedelta())
LIMITS = Limits(idle=timedelta(minutes=30), absolute=DAY)


def _suspended(db: Session, scene: Scene) -> None:
    db.execute(text("UPDATE gatehouse_users SET is_active = false"))


def _held(db: Session, scene: Scene) -> None:
    accounts.hold_user(db, scene.ada.id, 0, about="x")


def _invited(db: Session, scene: Scene) -> None:
    db.add(Invitation(email="king@example.com", role=Role.EDITOR, created_at=utc_now()))


def _two_administrators(db: Session, scene: Scene) -> None:
    db.execute(text("UPDATE gatehouse_users SET role = 'admin'"))


def _outdated(db: Session, scene: Scene) -> None:
    past = utc_now() - timedelta(days=400)
    db.add(Invitation(email="old@example.com", role=Role.EDITOR, created_at=past, expires_at=past))


def _asked(db: Session, scene: Scene) -> None:
    past = utc_now() - timedelta(days=400)
    db.add(JoinRequest(provider="google", issuer=ISSUER, subject="eve-at-google", name="Eve", requested_at=past))


def _approved(db: Session, scene: Scene) -> None:
    _asked(db, scene)
    db.flush()
    db.execute(update(JoinRequest).values(approved_role=Role.EDITOR, decided_at=utc_now()))


def _linked(db: Session, scene: Scene) -> None:
    accounts_linking.link_identity(db, scene.ada.id, profile("eve"), actor=SOMEBODY)


def _elsewhere_too(db: Session, scene: Scene) -> None:
    sessions.begin_session(
        db,
        user_id=scene.ada.id,
        generation=scene.ada.session_generation,
        provider="google",
        issuer=ISSUER,
        subject="ada",
        previous_sign_in_at=None,
        lifetime=DAY,
        actor=SOMEBODY,
    )


def _with_others(db: Session, scene: Scene) -> None:
    accounts.register(db, profile("eve"), Role.EDITOR, actor=SOMEBODY)
    accounts.register(db, profile("root"), Role.ADMIN, actor=SOMEBODY)


def _all(text: str) -> Change:
    return lambda db, scene: accounts.change_many(db, UserQuery(), bulk.Change.parse(*text.split(":")), actor_id=None)


def _edited(**changes: Any) -> Change:
    form = {"name": "Ada King", "role": "editor", "version": 1, "as_administrator": True} | changes
    return lambda db, scene: accounts.edit_user(db, scene.ada.id, **form)


# Each function, how it is called, what must be so before, and the events that it leaves.
CHANGES: dict[str, tuple[Change, Change | None, list[str]]] = {
    "register": (
        lambda db, scene: accounts.register(db, profile("eve"), Role.VIEWER, actor=SOMEBODY),
        None,
        ["user_created"],
    ),
    "register, invited": (
        lambda db, scene: accounts.register(db, profile("king"), Role.VIEWER, actor=SOMEBODY),
        _invited,
        ["user_created", "invite_used", "authz_change"],
    ),
    "sign_in_known": (
        lambda db, scene: accounts.sign_in_known(db, profile("ada", name="Ada King"), actor=SOMEBODY),
        None,
        ["user_updated"],
    ),
    "sign_in_known, invited": (
        lambda db, scene: accounts.sign_in_known(db, profile("ada", email="king@example.com"), actor=SOMEBODY),
        _invited,
        ["user_updated", "invite_used", "authz_change"],
    ),
    "change_role": (lambda db, scene: accounts.change_role(db, scene.ada.id, Role.EDITOR), None, ["authz_change"]),
    "hold_user": (lambda db, scene: accounts.hold_user(db, scene.ada.id, 0, about="x"), None, ["user_held"]),
    "release_user": (lambda db, scene: accounts.release_user(db, scene.ada.id), _held, ["user_released"]),
    "delete_user": (lambda db, scene: accounts.delete_user(db, scene.ada.id), None, ["user_deleted"]),
    "toggle_active": (lambda db, scene: accounts.toggle_active(db, scene.ada.id), None, ["user_archived"]),
    "toggle_active, back": (lambda db, scene: accounts.toggle_active(db, scene.ada.id), _suspended, ["user_enabled"]),
    "edit_user": (_edited(), None, ["user_updated", "authz_change"]),
    "edit_user, herself": (_edited(role=None, as_administrator=False), None, ["user_updated"]),
    "change_many, role": (_all("role:editor"), _with_others, ["authz_change", "authz_fail"]),
    "change_many, deactivate": (_all("deactivate"), _with_others, ["user_archived"] * 2 + ["authz_fail"]),
    "change_many, activate": (_all("activate"), _suspended, ["user_enabled"]),
    "change_many, remove": (_all("remove"), _with_others, ["user_deleted"] * 2 + ["authz_fail"]),
    "decide, confirm": (
        lambda db, scene: reviewing.decide(db, Part.ROLES, [scene.ada.id], Decision.CONFIRM, AT_ONCE, actor_id=0),
        _two_administrators,
        ["access_reviewed"],
    ),
    "decide, withdraw": (
        lambda db, scene: reviewing.decide(db, Part.DORMANT, None, Decision.WITHDRAW, AT_ONCE, actor_id=0),
        _with_others,
        ["user_archived", "user_archived", "authz_fail", "access_reviewed", "access_reviewed"],
    ),
    "invite": (lambda db, scene: accounts.invite(db, "new@example.com", "editor"), None, ["invite_created"]),
    "invite, again": (lambda db, scene: accounts.invite(db, "king@example.com", "admin"), _invited, ["invite_created"]),
    "withdraw_invitation": (lambda db, scene: accounts.withdraw_invitation(db, 1), _invited, ["invite_revoked"]),
    "expire_invitations": (lambda db, scene: accounts.expire_invitations(db), _outdated, ["invite_expired"]),
    "request_to_join": (lambda db, scene: accounts.request_to_join(db, profile("eve")), None, ["join_requested"]),
    "approve_join_request": (
        lambda db, scene: accounts.approve_join_request(db, 1, "editor"),
        _asked,
        ["join_approved"],
    ),
    "decline_join_request": (lambda db, scene: accounts.decline_join_request(db, 1), _asked, ["join_declined"]),
    "withdraw_approval": (lambda db, scene: accounts.withdraw_approval(db, 1), _approved, ["join_approval_revoked"]),
    "expire_join_requests": (lambda db, scene: accounts.expire_join_requests(db), _asked, ["join_expired"]),
    "register, approved": (
        lambda db, scene: accounts.register(db, profile("eve"), Role.EDITOR, actor=SOMEBODY),
        _asked,
        ["user_created", "join_used"],
    ),
    "invite_administrator": (
        lambda db, scene: accounts.invite_administrator(db, "new@example.com"),
        None,
        ["invite_created"],
    ),
    "invite_administrator, known": (
        lambda db, scene: accounts.invite_administrator(db, "ada@example.com"),
        None,
        ["authz_change"],
    ),
    "appoint_administrator": (
        lambda db, scene: accounts.appoint_administrator(db, scene.ada.id),
        None,
        ["authz_change"],
    ),
    "claim_administration": (
        lambda db, scene: accounts.claim_administration(db, scene.ada.id),
        None,
        ["bootstrap_admin_used", "authz_change"],
    ),
    "begin_session": (
        lambda db, scene: sessions.begin_session(
            db,
            user_id=scene.ada.id,
            generation=0,
            provider="google",
            issuer=ISSUER,
            subject="x",
            previous_sign_in_at=None,
            lifetime=DAY,
            actor=SOMEBODY,
        ),
        None,
        ["session_created"],
    ),
    "renew_token": (
        lambda db, scene: sessions.renew_token(db, scene.begun.session_id, proved_at=None, actor=SOMEBODY),
        None,
        ["session_renewed"],
    ),
    "end_session": (
        lambda db, scene: sessions.end_session(db, scene.begun.session_id, EndReason.LOGOUT),
        None,
        ["session_logout"],
    ),
    "end_other_sessions": (
        lambda db, scene: sessions.end_other_sessions(db, scene.ada.id, keep=scene.begun.session_id),
        _elsewhere_too,
        ["session_revoked"],
    ),
    "end_sessions": (lambda db, scene: sessions.end_sessions(db, None, actor=SOMEBODY), None, ["session_revoked"]),
    "link_identity": (
        lambda db, scene: accounts_linking.link_identity(db, scene.ada.id, profile("eve"), actor=SOMEBODY),
        None,
        ["identity_linked"],
    ),
    "unlink_identity": (
        lambda db, scene: accounts_linking.unlink_identity(db, scene.ada.id, 1, actor=SOMEBODY),
        _linked,
        ["identity_unlinked"],
    ),
    "unlink": (
        lambda db, scene: signin_linking.unlink(db, 1, actor=Actor(scene.ada.id, scene.begun.session_id)),
        _linked,
        ["identity_unlinked"],
    ),
    "end_sessions_of_account": (
        lambda db, scene: sessions.end_sessions_of_account(db, scene.ada.id, ISSUER, "x", actor=SOMEBODY),
        None,
        ["session_revoked"],
    ),
    "note_use_after_end": (
        lambda db, scene: sessions.note_use_after_end(db, scene.begun.session_id, EndReason.IDLE, actor=SOMEBODY),
        None,
        ["session_expired", "session_use_after_expire"],
    ),
    "expire_sessions": (
        lambda db, scene: expiring.expire_sessions(db, LIMITS, LIMITS, [scene.begun.session_id]),
        None,
        ["session_expired"],
    ),
}

ROOMS = (flask_gatehouse.accounts, flask_gatehouse.sessions, flask_gatehouse.signin)
READS = {
    "find_approved_role",
    "find_correspondent",
    "find_invited_role",
    "find_owner",
    "find_session",
    "find_session_within",
    "find_user_id",
    "get_user",
    "held_for",
    "held_declined",
    "holdings_of",
    "still_open",
    "tell_sessions",
    "tell_user",
    "tell_waiting",
    "all_holdings",
    "find_claimant",
    "check_network",
    "owner_of",
    "account_of",
    "find_identity",
}
# Their events are those of the change that they belong to.
PARTS = {
    "delete_holdings",
    "delete_rows_of",
    "get_locked",
    "get_removable",
    "give_role",
    "lock_administrators",
    "lock_rights",
    "take_turn",
    "record_change",
    "record_invitation",
    "take_invitation",
    "spend",
    "clear_account",
    "count_and_record",
    "take_join_request",
}
# In tests/integration/signin/test_one_transaction.py: they begin transactions of their own.
JOURNEYS = {"complete", "confirm", "link", "record_refusal"}
# That a person used her session once more is state, not an event: it would be one row for each minute. What is
# forgotten after its time had its event when it ended.
UNRECORDED = {
    "touch",
    "remember_language",
    "forget_ended_sessions",
    "forget_sessions_of",
    "forget_spent_attempts",
    "forget_refusals",
}
# What they change is the trail alone.
EVENTS_ALONE = {"complete_review", "record_outage"}


@pytest.fixture
def scene(house: House) -> Scene:
    ada = house.join("ada")
    begun = house.enter(ada)
    house.age(begun, DAY, "last_seen_at")
    return Scene(house, ada, begun)


def prepare(scene: Scene, before: Change | None) -> None:
    if before is not None:
        with scene.house.database.transaction() as db:
            before(db, scene)


def asking_the_database(room: ModuleType) -> set[str]:
    """Return the public functions of a room, in whichever of its modules, that are handed what one can write with."""
    modules = [import_module(f"{room.__name__}.{module.name}") for module in pkgutil.iter_modules(room.__path__)]
    return {
        name
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and name[0] != "_" and _takes(function, Session, Database)
    }


def _takes(function: Callable[..., Any], *kinds: type) -> bool:
    hints = [hint for name, hint in get_type_hints(function).items() if name != "return"]
    return any(kind is hint or kind in get_args(hint) for hint in hints for kind in kinds)


def test_the_table_knows_every_service() -> None:
    listed = {name.partition(",")[0] for name in CHANGES}
    assert listed | READS | PARTS | UNRECORDED | EVENTS_ALONE | JOURNEYS == set().union(
        *map(asking_the_database, ROOMS)
    )


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_leaves_its_events(scene: Scene, name: str) -> None:
    change, before, expected = CHANGES[name]
    prepare(scene, before)
    state, recorded = _without_trail(scene.house), len(scene.house.events())
    with scene.house.database.transaction() as db:
        change(db, scene)
    assert scene.house.events()[recorded:] == expected
    assert _without_trail(scene.house) != state


@pytest.mark.parametrize(
    ("name", "nth"), [(name, nth) for name, (*_, events) in CHANGES.items() for nth in range(len(events))]
)
def test_a_change_whose_event_cannot_be_written_does_not_happen(scene: Scene, name: str, nth: int) -> None:
    """The database itself refuses the event, as it does when its disk is full: the first of a change or a later one."""
    change, before, _ = CHANGES[name]
    prepare(scene, before)
    contents = scene.house.contents()
    refuse_events_after(scene.house.database, len(contents["gatehouse_audit_events"]) + nth)
    with pytest.raises(DBAPIError, match="the trail is full"), scene.house.database.transaction() as db:
        change(db, scene)
    assert scene.house.contents() == contents


def _without_trail(house: House) -> dict[str, Any]:
    return {name: rows for name, rows in house.contents().items() if name != "gatehouse_audit_events"}


def refuse_events_after(database: Database, count: int) -> None:
    """Make the database refuse an INSERT into the trail once it holds so many rows."""
    with database.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON gatehouse_audit_events"
                f" WHEN (SELECT count(*) FROM gatehouse_audit_events) >= {count}"
                " BEGIN SELECT RAISE(ABORT, 'the trail is full'); END"
            )
            return
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF (SELECT count(*) FROM gatehouse_audit_events) >= {count} THEN RAISE 'the trail is full'; END IF;"
            " RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON gatehouse_audit_events FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
