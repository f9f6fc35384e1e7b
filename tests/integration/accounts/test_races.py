"""Two people, or two tabs of one, at the same moment: a barrier holds both between what they read and write."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import pytest
from sqlalchemy import event, func, select

from flask_gatehouse.accounts.errors import AlreadySo, ConcurrentRegistration
from flask_gatehouse.accounts.models import Identity, User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import Profile, change_role, find_user_id, register, sign_in_known, toggle_active
from flask_gatehouse.db.database import Database
from tests.integration.conftest import SOMEBODY, House, profile

# With which a change of one person begins: whoever takes an administrator away takes her turn first.
FIRST_STATEMENTS = ("SELECT pg_advisory_xact_lock", "SELECT gatehouse_users")


@contextmanager
def both_before(database: Database, *statements: str) -> Iterator[None]:
    """Let nobody execute a statement that begins like one of these until a second one is about to.

    SQLite lets one writer in at a time, so that the second never comes there: then the first goes on alone.
    """
    is_sqlite = database.engine.dialect.name == "sqlite"
    met = Event()
    barrier = Barrier(2, action=met.set)

    def wait(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if text.startswith(statements) and not met.is_set():
            try:
                barrier.wait(0.2 if is_sqlite else 60)
            except BrokenBarrierError:
                met.set()

    event.listen(database.engine, "before_cursor_execute", wait)
    yield
    event.remove(database.engine, "before_cursor_execute", wait)
    assert barrier.broken is is_sqlite


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run each in a thread of its own, and return what it returned or the error that it raised."""
    with ThreadPoolExecutor(len(actions)) as threads:
        futures = [threads.submit(action) for action in actions]
        return [future.exception() or future.result() for future in futures]


def sign_in(database: Database, who: Profile) -> int:
    with database.transaction() as db:
        user = sign_in_known(db, who, actor=SOMEBODY) or register(db, who, Role.VIEWER, actor=SOMEBODY)
        return user.id


@pytest.mark.parametrize("changes", [{}, {"email": None}, {"email_is_authoritative": False}])
def test_two_tabs_of_a_new_person_make_one_user(house: House, changes: dict[str, Any]) -> None:
    ada = profile("ada", **changes)
    with both_before(house.database, "INSERT INTO gatehouse_users"):
        results = at_once(*[lambda: sign_in(house.database, ada)] * 2)
    with house.database.transaction() as db:
        (user_id,) = db.scalars(select(User.id))
        assert db.scalars(select(func.count(Identity.id))).one() == 1
    on_sqlite = house.database.engine.dialect.name == "sqlite"
    refused = [result for result in results if isinstance(result, ConcurrentRegistration)]
    assert len(refused) == (0 if on_sqlite else 1)
    assert [result for result in results if result not in refused] == [user_id] * (2 if on_sqlite else 1)
    # Whoever was too late is found when she asks again.
    assert sign_in(house.database, ada) == user_id
    assert house.events().count("user_created") == 1


def test_a_tab_that_comes_after_the_others_commit_is_not_refused_for_its_own_address(house: House) -> None:
    house.join("ada")
    with pytest.raises(ConcurrentRegistration):
        house.join("ada")


def test_two_new_people_with_one_address_do_not_share_it(house: House) -> None:
    ada = profile("ada")
    eve = profile("eve", email="ada@example.com", issuer="https://login.corp.example")
    with both_before(house.database, "INSERT INTO gatehouse_users"):
        at_once(lambda: sign_in(house.database, ada), lambda: sign_in(house.database, eve))
    with house.database.transaction() as db:
        assert db.scalars(select(func.count(User.id))).one() == 1
        assert db.scalars(select(func.count(Identity.id))).one() == 1


def test_two_known_people_who_get_one_address_at_once(house: House) -> None:
    ids = {who: house.join(who).id for who in ("ada", "eve")}
    moved = {who: profile(who, email="shared@example.com") for who in ids}
    actions = [lambda who=who: sign_in(house.database, moved[who]) for who in ids]  # type: ignore[misc]
    with both_before(house.database, "UPDATE gatehouse_users"):
        results = at_once(*actions)
    assert all(result in ids.values() or isinstance(result, ConcurrentRegistration) for result in results), results
    with house.database.transaction() as db:
        assert find_user_id(db, "shared@example.com") in ids.values()
        assert db.scalars(select(func.count(User.id))).one() == 2
    for who, user_id in ids.items():
        assert sign_in(house.database, moved[who]) == user_id


def test_two_administrators_who_suspend_one_person_leave_one_event(house: House) -> None:
    ada = house.join("ada")

    def suspend() -> None:
        with house.database.transaction() as db:
            toggle_active(db, ada.id, wanted=False)

    with both_before(house.database, *FIRST_STATEMENTS):
        (done, seen) = sorted(at_once(suspend, suspend), key=lambda result: result is not None)
    assert done is None
    assert isinstance(seen, AlreadySo)
    assert house.events().count("user_archived") == 1


def test_two_changes_of_one_person_are_both_kept(house: House) -> None:
    ada = house.join("ada")

    def suspend() -> None:
        with house.database.transaction() as db:
            toggle_active(db, ada.id, wanted=False)

    def promote() -> None:
        with house.database.transaction() as db:
            change_role(db, ada.id, Role.ADMIN)

    with both_before(house.database, *FIRST_STATEMENTS):
        assert at_once(suspend, promote) == [None, None]
    with house.database.transaction() as db:
        user = db.get_one(User, ada.id)
        assert (user.is_active, user.role, user.version) == (False, Role.ADMIN, 3)
