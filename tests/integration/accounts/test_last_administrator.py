"""The last administrator stays, whoever tries what in which order: two changes meet between check and write."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.bulk import BulkResult, Change as BulkChange, Skip
from flask_gatehouse.accounts.errors import AlreadySo, EditConflict, LastAdministrator, UserNotFound
from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    change_many,
    change_role,
    count_administrators,
    delete_user,
    edit_user,
    hold_user,
    list_users,
    toggle_active,
)
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor
from tests.integration.accounts.test_races import at_once
from tests.integration.conftest import House

Change = Callable[[Session, int], Any]

# The statements with which each change begins to write.
WRITES = ("UPDATE gatehouse_users", "DELETE FROM gatehouse_", "INSERT INTO gatehouse_audit_events")


def demote(db: Session, user_id: int) -> object:
    return change_role(db, user_id, Role.VIEWER)


def edit(db: Session, user_id: int) -> object:
    version = db.scalars(select(User.version).where(User.id == user_id)).first() or 0
    return edit_user(db, user_id, name="Somebody", role="editor", version=version, as_administrator=True)


def in_bulk(change: str) -> Change:
    return lambda db, user_id: change_many(db, [user_id], BulkChange.parse(*change.split(":")), actor_id=None)


def all_in_bulk(change: str) -> Change:
    return lambda db, user_id: change_many(db, UserQuery(), BulkChange.parse(*change.split(":")), actor_id=None)


CHANGES: dict[str, Change] = {
    "demote": demote,
    "edit": edit,
    "suspend": lambda db, user_id: toggle_active(db, user_id, wanted=False),
    "toggle": toggle_active,
    "delete": delete_user,
    "demote in bulk": in_bulk("role:editor"),
    "suspend in bulk": in_bulk("deactivate"),
    "delete in bulk": in_bulk("remove"),
    "demote all": all_in_bulk("role:viewer"),
    "delete all": all_in_bulk("remove"),
}
PAIRS = [
    ("demote", "demote"),
    ("demote", "suspend"),
    ("suspend", "delete"),
    ("edit", "toggle"),
    ("delete", "delete"),
    ("demote", "suspend in bulk"),
    ("demote in bulk", "delete in bulk"),
    ("demote all", "delete"),
    ("demote all", "delete all"),
    ("suspend", "demote all"),
]


@contextmanager
def met_before_writing(database: Database) -> Iterator[None]:
    """Hold whoever is about to write until a second one is, or has had the time to be.

    Where the rule holds, the second one waits for a lock instead, and the first goes on alone after a while. Where
    it does not, both have checked by then, and both write.
    """
    barrier = Barrier(2)

    def wait(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if text.startswith(WRITES):
            try:
                barrier.wait(0.4)
            except BrokenBarrierError:
                return

    event.listen(database.engine, "before_cursor_execute", wait)
    yield
    event.remove(database.engine, "before_cursor_execute", wait)


@contextmanager
def met_before_checking(database: Database) -> Iterator[None]:
    """Let two changes begin at the very same moment, on PostgreSQL also within the database."""
    barrier = Barrier(2)

    def wait(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if text.startswith("SELECT gatehouse_users.id") and not barrier.broken:
            try:
                barrier.wait(0.4)
            except BrokenBarrierError:
                return

    event.listen(database.engine, "before_cursor_execute", wait)
    yield
    event.remove(database.engine, "before_cursor_execute", wait)


def administrators(house: House) -> int:
    with house.database.transaction() as db:
        return db.scalars(select(func.count()).where(User.role == Role.ADMIN, User.is_active)).one()


def attempt(house: House, change: str, user_id: int) -> Callable[[], object]:
    def run() -> object:
        with house.database.transaction() as db:
            return CHANGES[change](db, user_id)

    return run


@pytest.mark.parametrize("meeting", [met_before_writing, met_before_checking])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_administrators_never_lose_both(
    house: House, first: str, second: str, meeting: Callable[[Database], Any]
) -> None:
    ada, eve = house.join("ada", Role.ADMIN), house.join("eve", Role.ADMIN)
    house.join("bob")
    with meeting(house.database):
        results = at_once(attempt(house, first, ada.id), attempt(house, second, eve.id))
    assert administrators(house) == 1
    errors = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, LastAdministrator | UserNotFound) for error in errors), errors


@pytest.mark.parametrize("change", CHANGES)
def test_alone_she_stays(house: House, change: str) -> None:
    ada = house.join("ada", Role.ADMIN)
    house.join("eve", Role.EDITOR)
    state = house.contents()
    result = at_once(attempt(house, change, ada.id))[0]
    if isinstance(result, BulkResult):
        assert (ada.id, Skip.LAST_ADMINISTRATOR) in result.skipped
    else:
        assert isinstance(result, LastAdministrator)
        assert result.user_id == ada.id
        assert house.contents() == state
    assert administrators(house) == 1


@pytest.mark.parametrize("change", ["demote", "suspend", "delete", "demote in bulk"])
def test_another_who_is_suspended_does_not_count(house: House, change: str) -> None:
    ada, eve = house.join("ada", Role.ADMIN), house.join("eve", Role.ADMIN)
    with house.database.transaction() as db:
        toggle_active(db, eve.id, wanted=False)
    at_once(attempt(house, change, ada.id))
    assert administrators(house) == 1


@pytest.mark.parametrize("change", ["demote", "suspend", "delete", "edit"])
def test_one_of_two_may_go(house: House, change: str) -> None:
    ada, eve = house.join("ada", Role.ADMIN), house.join("eve", Role.ADMIN)
    with house.database.transaction() as db:
        CHANGES[change](db, ada.id)
    assert administrators(house) == 1
    # Whoever is no administrator any more, or not active, may be changed as anybody may.
    if change != "delete":
        with house.database.transaction() as db:
            delete_user(db, ada.id, actor=Actor(user_id=eve.id, kind="user"))


def test_many_changes_at_once_wait_for_each_other_and_do_not_fail(house: House) -> None:
    """Each locks several users; in different orders they would wait for each other for ever."""
    ids = [house.join(f"admin{number}", Role.ADMIN).id for number in range(4)]
    ids += [house.join(f"user{number}").id for number in range(4)]
    changes = ["demote all", "suspend in bulk", "demote", "delete", "suspend", "toggle", "edit", "demote in bulk"]
    for _ in range(3):
        results = at_once(*[attempt(house, change, one) for change, one in zip(changes, ids, strict=True)])
        failed = [result for result in results if isinstance(result, BaseException)]
        expected = (LastAdministrator, UserNotFound, EditConflict, AlreadySo)
        assert all(isinstance(error, expected) for error in failed), [(error, error.__cause__) for error in failed]
        assert administrators(house) >= 1


def test_whoever_is_locked_is_no_administrator_who_could_let_somebody_in(house: House) -> None:
    boss, other = (house.join(name, role=Role.ADMIN) for name in ("boss", "other"))
    with house.database.transaction() as db:
        hold_user(db, other.id, other.session_generation, about="test", actor=Actor())
    with house.database.reading() as connection:
        assert count_administrators(connection) == 1
        rows = list_users(connection, UserQuery(role=Role.ADMIN)).rows
    assert {row.id: row.is_held for row in rows} == {boss.id: False, other.id: True}
