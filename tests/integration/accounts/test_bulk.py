"""One change for many: whoever may not be changed is named, and nobody else suffers for it."""

import pytest
from sqlalchemy import func, insert, select

from flask_gatehouse.accounts.bulk import Action, BulkResult, Change, Skip
from flask_gatehouse.accounts.errors import FieldProblem, InvalidField
from flask_gatehouse.accounts.models import Identity, User
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_many
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from tests.integration.conftest import House
from tests.trail import said


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    return {
        who: house.join(who, role).id
        for who, role in (("root", Role.ADMIN), ("ada", Role.EDITOR), ("eve", Role.VIEWER), ("bob", Role.ADMIN))
    }


def people(house: House) -> dict[str, tuple[str, bool, int, int]]:
    with house.database.transaction() as db:
        return {
            user.name.lower(): (user.role.value, user.is_active, user.version, user.session_generation)
            for user in db.scalars(select(User))
        }


def change(house: House, ids: dict[str, int], selection: object, text: str) -> tuple[int, int, list[tuple[int, Skip]]]:
    """Change a selection as a page does, one transaction after the other."""
    root, total = ids["root"], BulkResult(next=0)
    while total.next is not None:
        with house.database.transaction() as db:
            result = change_many(
                db,
                selection,  # type: ignore[arg-type]
                Change.parse(*text.split(":")),
                actor_id=root,
                actor=Actor(user_id=root, kind="user"),
                after=total.next,
            )
        total.add(result)
    return total.changed, total.unchanged, total.skipped


def test_a_role_for_all(house: House, ids: dict[str, int]) -> None:
    assert change(house, ids, UserQuery(), "role:editor") == (2, 1, [(ids["root"], Skip.YOURSELF)])
    assert people(house) == {
        "root": ("admin", True, 1, 0),
        "ada": ("editor", True, 1, 0),
        "eve": ("editor", True, 2, 0),
        "bob": ("editor", True, 2, 0),
    }
    eve, bob = house.trail()[-2:]
    assert (eve.event, eve.target_id, eve.actor_id) == ("authz_change", str(ids["eve"]), ids["root"])
    assert said(bob.body) == {"changed": {"role": ["admin", "editor"]}}


def test_a_status_for_some(house: House, ids: dict[str, int]) -> None:
    chosen = [ids["eve"], ids["ada"], ids["root"], 4711, -1, 2**40, ids["eve"]]
    expected = [(-1, Skip.NOT_FOUND), (4711, Skip.NOT_FOUND), (2**40, Skip.NOT_FOUND), (ids["root"], Skip.YOURSELF)]
    assert change(house, ids, chosen, "deactivate") == (2, 0, expected)
    assert people(house)["eve"] == ("viewer", False, 2, 1)
    assert people(house)["bob"] == ("admin", True, 1, 0)
    assert change(house, ids, UserQuery.parse(status="inactive"), "activate") == (2, 0, [])
    # What was ended stays ended.
    assert people(house)["eve"] == ("viewer", True, 3, 1)
    assert house.events()[-4:] == ["user_archived", "user_archived", "user_enabled", "user_enabled"]


def test_removing_whom_a_search_finds(house: House, ids: dict[str, int]) -> None:
    assert change(house, ids, UserQuery.parse(q="@example", role="viewer"), "remove") == (1, 0, [])
    assert set(people(house)) == {"root", "ada", "bob"}
    with house.database.transaction() as db:
        assert db.scalars(select(Identity.user_id).where(Identity.user_id == ids["eve"])).all() == []
    assert (house.events()[-1], house.trail()[-1].target_id) == ("user_deleted", str(ids["eve"]))


def test_somebody_who_is_no_administrator_any_more_leaves_one(house: House, ids: dict[str, int]) -> None:
    """Whoever asks may have been demoted a moment ago; among those who remain the newest stays."""
    with house.database.transaction() as db:
        result = change_many(db, UserQuery(), Change.parse("deactivate"), actor_id=ids["eve"])
    assert result.skipped == [(ids["eve"], Skip.YOURSELF), (ids["bob"], Skip.LAST_ADMINISTRATOR)]
    assert result.changed == 2
    (refused,) = [row for row in house.trail() if row.event == "authz_fail"]
    assert (refused.target_id, said(refused.body)) == (str(ids["bob"]), {"reason": "last_administrator"})


def test_nobody_is_no_mistake(house: House, ids: dict[str, int]) -> None:
    state = house.contents()
    assert change(house, ids, [], "remove") == (0, 0, [])
    assert change(house, ids, UserQuery.parse(q="nobody at all"), "remove") == (0, 0, [])
    assert house.contents() == state


def test_many(house: House, ids: dict[str, int]) -> None:
    """More than one batch, each of them found by what the change itself alters."""
    now = utc_now()
    crowd = [{"name": f"Person {number}", "role": Role.VIEWER, "created_at": now} for number in range(2500)]
    with house.database.transaction() as db:
        db.execute(insert(User), crowd)
    events = len(house.events())
    with house.database.transaction() as db:
        first = change_many(db, UserQuery.parse(role="viewer"), Change.parse("role", "editor"), actor_id=ids["root"])
    # Whoever else wants to write waits for a thousand and not for all.
    assert (first.changed, first.next is not None) == (1000, True)
    assert change(house, ids, UserQuery.parse(role="viewer"), "role:editor")[0] == 1501
    assert change(house, ids, UserQuery.parse(q="person"), "deactivate")[0] == 2500
    with house.database.transaction() as db:
        assert db.scalars(select(func.count()).where(User.role == Role.EDITOR)).one() == 2502
        assert db.scalars(select(func.count(AuditEventRow.id))).one() == events + 5001


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (("role", "admin"), Change(Action.ROLE, Role.ADMIN)),
        (("activate",), Change(Action.ACTIVATE)),
        (("deactivate", "editor"), Change(Action.DEACTIVATE)),
        # The first choice of a host's own list may be none.
        (("deactivate", ""), Change(Action.DEACTIVATE)),
        (("remove", None), Change(Action.REMOVE)),
    ],
)
def test_a_change_in_words(said: tuple[str, ...], meant: Change) -> None:
    assert Change.parse(*said) == meant


@pytest.mark.parametrize("word", ["", "role:editor", "activate:", "remove:admin", "delete", "\x00", "a" * 5000])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(InvalidField) as caught:
        Change.parse(word)
    assert caught.value.fields == {"change": FieldProblem.UNKNOWN if word else FieldProblem.MISSING}


@pytest.mark.parametrize(("word", "role"), [("role", None), ("role", ""), ("role", "root"), ("remove", "root")])
def test_other_roles_are_refused(word: str, role: str | None) -> None:
    with pytest.raises(InvalidField) as caught:
        Change.parse(word, role)
    assert caught.value.fields == {"new_role": FieldProblem.UNKNOWN if role else FieldProblem.MISSING}
