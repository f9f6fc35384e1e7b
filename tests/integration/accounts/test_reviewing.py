"""The review of access, on both databases: who is due, what is decided and recorded, and what it costs among many."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text, update

from flask_gatehouse.accounts.bulk import Skip
from flask_gatehouse.accounts.errors import ReviewUnfinished
from flask_gatehouse.accounts.history import origin_of_role
from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.reviewing import (
    Decision,
    Part,
    Periods,
    complete_review,
    decide,
    list_due,
    review_standing,
)
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, sign_in_known
from flask_gatehouse.alerts.overdue import review_overdue
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.settings import Settings
from tests.integration.conftest import SOMEBODY, House, profile
from tests.trail import said

PERIODS = Periods(timedelta(days=30), timedelta(days=90))
PEOPLE = (("root", Role.ADMIN), ("ada", Role.EDITOR), ("eve", Role.VIEWER), ("bob", Role.ADMIN))


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    """Two administrators, an editor and a viewer, about whom nobody has thought for a hundred days."""
    found = {who: house.join(who, role).id for who, role in PEOPLE}
    age(house)
    return found


def age(house: House, span: timedelta = timedelta(days=100)) -> None:
    with house.database.transaction() as db:
        for user in db.scalars(select(User)):
            user.last_sign_in_at = user.idle_since = (user.last_sign_in_at or user.created_at) - span
            user.created_at, user.role_confirmed_at = user.created_at - span, user.role_confirmed_at - span


def due(house: House, part: Part) -> list[str]:
    with house.database.reading() as connection:
        return [one.user.name.lower() for one in list_due(connection, part, PERIODS)]


def say(
    house: House, ids: dict[str, int], part: Part, decision: Decision, *whom: str, by: str = "root"
) -> tuple[int, list[tuple[int, Skip]]]:
    actor = Actor(user_id=ids[by], kind="user")
    with house.database.transaction() as db:
        chosen = [ids[who] for who in whom] or None
        result = decide(db, part, chosen, decision, PERIODS, actor_id=ids[by], actor=actor)
    return result.changed, result.skipped


def user(house: House, user_id: int) -> User:
    with house.database.transaction() as db:
        return db.get_one(User, user_id)


def test_nobody_is_due_who_has_just_come(house: House) -> None:
    for who, role in PEOPLE:
        house.join(who, role)
    assert [due(house, part) for part in Part] == [[], []]


def test_who_is_due(house: House, ids: dict[str, int]) -> None:
    assert due(house, Part.ROLES) == ["root", "ada", "bob"]
    assert due(house, Part.DORMANT) == ["root", "ada", "eve", "bob"]
    with house.database.transaction() as db:
        sign_in_known(db, profile("eve"), actor=SOMEBODY)
        change_role(db, ids["ada"], Role.ADMIN)
        db.execute(update(User).where(User.id == ids["bob"]).values(is_active=False))
    # Whoever has given her the role has decided. Who cannot come in has nothing to lose.
    assert due(house, Part.ROLES) == ["root"]
    assert due(house, Part.DORMANT) == ["root", "ada"]


def test_a_role_that_is_kept(house: House, ids: dict[str, int]) -> None:
    before = user(house, ids["ada"])
    assert say(house, ids, Part.ROLES, Decision.CONFIRM, "ada") == (1, [])
    after = user(house, ids["ada"])
    assert (after.role, after.is_active, after.version) == (before.role, True, before.version)
    assert due(house, Part.ROLES) == ["root", "bob"]
    # Of that nobody has said anything.
    assert due(house, Part.DORMANT) == ["root", "ada", "eve", "bob"]
    row = house.trail()[-1]
    assert (row.event, row.actor_id, row.target_id) == ("access_reviewed", ids["root"], str(ids["ada"]))
    assert said(row.body) == {"part": "roles", "decision": "confirm", "role": "editor"}
    age(house)
    assert "ada" in due(house, Part.ROLES)


def test_a_role_that_is_taken(house: House, ids: dict[str, int]) -> None:
    assert say(house, ids, Part.ROLES, Decision.WITHDRAW, "ada", "bob") == (2, [])
    assert {user(house, ids[who]).role for who in ("ada", "bob")} == {Role.VIEWER}
    assert due(house, Part.ROLES) == ["root"]
    assert house.events()[-4:] == ["authz_change"] * 2 + ["access_reviewed"] * 2


def test_who_keeps_an_account_has_kept_no_role_by_that(house: House, ids: dict[str, int]) -> None:
    assert say(house, ids, Part.DORMANT, Decision.CONFIRM, "ada") == (1, [])
    assert due(house, Part.DORMANT) == ["root", "eve", "bob"]
    assert due(house, Part.ROLES) == ["root", "ada", "bob"]


def test_a_dormant_account_is_deactivated(house: House, ids: dict[str, int]) -> None:
    assert say(house, ids, Part.DORMANT, Decision.WITHDRAW, "eve") == (1, [])
    assert not user(house, ids["eve"]).is_active
    assert house.events()[-2:] == ["user_archived", "access_reviewed"]
    assert due(house, Part.DORMANT) == ["root", "ada", "bob"]


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("decision", Decision)
def test_nobody_decides_about_herself(house: House, ids: dict[str, int], part: Part, decision: Decision) -> None:
    events = house.events()
    assert say(house, ids, part, decision, "root") == (0, [(ids["root"], Skip.YOURSELF)])
    assert "root" in due(house, part)
    assert house.events() == events


@pytest.mark.parametrize("part", Part)
def test_the_last_administrator_stays(house: House, ids: dict[str, int], part: Part) -> None:
    """Whoever decides may have been demoted a moment ago."""
    changed, skipped = say(house, ids, part, Decision.WITHDRAW, by="eve")
    assert skipped[-1] == (ids["bob"], Skip.LAST_ADMINISTRATOR)
    assert changed == 2
    assert (user(house, ids["bob"]).role, user(house, ids["bob"]).is_active) == (Role.ADMIN, True)


def test_whoever_has_come_in_meanwhile_keeps_her_account(house: House, ids: dict[str, int]) -> None:
    with house.database.transaction() as db:
        sign_in_known(db, profile("eve"), actor=SOMEBODY)
    events = house.events()
    assert say(house, ids, Part.DORMANT, Decision.WITHDRAW, "eve") == (0, [(ids["eve"], Skip.NOT_DUE)])
    assert user(house, ids["eve"]).is_active
    with house.database.transaction() as db:
        gone = decide(db, Part.ROLES, [-1, 4711, 2**40], Decision.CONFIRM, PERIODS, actor_id=ids["root"])
    assert [reason for _, reason in gone.skipped] == [Skip.NOT_DUE] * 3
    assert house.events() == events


def test_a_review_is_complete_once_nobody_waits(house: House, ids: dict[str, int]) -> None:
    def complete() -> None:
        with house.database.transaction() as db:
            complete_review(db, PERIODS, actor_id=ids["root"], actor=Actor(user_id=ids["root"], kind="user"))

    with house.database.reading() as connection:
        standing = review_standing(connection, PERIODS.interval)
    assert (standing.completed_at, standing.completed_by) == (None, None)
    assert standing.due_at < utc_now()
    with pytest.raises(ReviewUnfinished) as caught:
        complete()
    assert caught.value.part is Part.ROLES
    say(house, ids, Part.ROLES, Decision.CONFIRM)
    with pytest.raises(ReviewUnfinished):
        complete()
    say(house, ids, Part.DORMANT, Decision.WITHDRAW)
    # She herself may still be on the lists: that is for somebody else.
    assert due(house, Part.ROLES) == ["root"]
    complete()
    with house.database.reading() as connection:
        standing = review_standing(connection, PERIODS.interval)
    assert standing.completed_by == ids["root"]
    assert standing.due_at - (standing.completed_at or utc_now()) == PERIODS.interval


def test_who_gave_the_role(house: House, ids: dict[str, int]) -> None:
    with house.database.transaction() as db:
        change_role(db, ids["eve"], Role.EDITOR, actor=Actor(user_id=ids["bob"], kind="user"))
    with house.database.reading() as connection:
        given, first = origin_of_role(connection, ids["eve"]), origin_of_role(connection, ids["ada"])
    assert given is not None
    assert (given.actor_id, given.before) == (ids["bob"], "viewer")
    assert first is not None
    assert first.event == "user_created"


def crowd(count: int, now: datetime) -> list[dict[str, Any]]:
    """Return people of whom one in ten is an editor; all are dormant, and most have been deactivated for it."""
    return [
        {
            "name": f"Person {number}",
            "role": Role.EDITOR if number % 10 == 0 else Role.VIEWER,
            "is_active": number % 4 == 0,
            "created_at": now - timedelta(days=400, seconds=number % 97),
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("part", Part)
def test_pages_show_everybody_once(house: House, part: Part) -> None:
    with house.database.transaction() as db:
        db.execute(insert(User), crowd(300, utc_now()))
    found: list[int] = []
    after = None
    with house.database.reading() as connection:
        while page := list_due(connection, part, PERIODS, after=after, limit=7):
            found += [one.user.id for one in page]
            after = (page[-1].since, page[-1].user.id)
    assert len(found) == len(set(found)) == (75 if part is Part.DORMANT else 15)


@pytest.mark.parametrize("part", Part)
def test_a_page_is_read_from_an_index(house: House, part: Part) -> None:
    """Of a page in the middle, among many who cannot come in: the index alone, and nothing is sorted."""
    now, plans = utc_now(), []
    is_sqlite = house.database.engine.dialect.name == "sqlite"
    with house.database.transaction() as db:
        db.execute(insert(User), crowd(20_000, now))
    with house.database.transaction() as db:
        db.execute(text("ANALYZE"))

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if "LIMIT" in statement and "EXPLAIN" not in statement:
            explained = connection.exec_driver_sql(
                f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{statement}", parameters
            )
            plans.append("\n".join(str(row) for row in explained))

    event.listen(house.database.engine, "before_cursor_execute", explain)
    with house.database.reading() as connection:
        page = list_due(connection, part, PERIODS, after=(now - timedelta(days=400, seconds=50), 500))
    event.remove(house.database.engine, "before_cursor_execute", explain)
    assert len(page) == 25
    (plan,) = plans
    index = f"ix_gatehouse_users_is_active_{'idle_since' if part is Part.DORMANT else 'role_confirmed_at'}_id"
    assert index in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
    assert "Seq Scan" not in plan


def test_an_overdue_review_is_an_alert(house: House, ids: dict[str, int]) -> None:
    settings = Settings.load({"GATEHOUSE_ENV": "development", "SECRET_KEY": "k", "DATABASE_URL": "sqlite:////x.db"}, {})
    with house.database.reading() as connection:
        told = review_overdue(connection, settings, utc_now())
        assert told is not None
        assert "/admin/access-review" in told
        assert review_overdue(connection, settings, utc_now() - timedelta(days=20)) is None
