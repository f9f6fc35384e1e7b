"""What administrators do to one user, and what everybody may change about herself."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.errors import (
    EditConflict,
    FieldProblem,
    InvalidField,
    NotOnYourself,
    RoleNotYours,
    UserNotFound,
)
from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    change_role,
    delete_user,
    edit_user,
    get_user,
    history_of_role,
    sign_in_known,
    toggle_active,
)
from flask_gatehouse.accounts.views import SignedInUser, UserRow
from flask_gatehouse.kernel.context import COMMAND_LINE, Actor
from tests.integration.accounts.test_races import at_once, both_before
from tests.integration.conftest import SOMEBODY, House, profile
from tests.trail import said, told


@pytest.fixture
def root(house: House) -> SignedInUser:
    return house.join("root", Role.ADMIN)


@pytest.fixture
def ada(house: House, root: SignedInUser) -> SignedInUser:
    return house.join("ada")


def edit(house: House, user_id: int, **changes: Any) -> UserRow:
    form = {"name": "Ada King", "role": None, "version": 1, "as_administrator": True} | changes
    with house.database.transaction() as db:
        return edit_user(db, user_id, **form)


class TestEditing:
    def test_a_name_and_a_role(self, house: House, ada: SignedInUser) -> None:
        row = edit(house, ada.id, name="  Ada \t King ", role="editor")
        assert (row.name, row.role, row.version) == ("Ada King", Role.EDITOR, 2)
        with house.database.reading() as connection:
            assert get_user(connection, ada.id) == row
        assert house.events()[-2:] == ["user_updated", "authz_change"]
        renamed = house.trail()[-2]
        assert said(renamed.body) == {"by": "administrator"}
        assert told(renamed.personal) == {"name.before": "Ada", "name.after": "Ada King"}
        assert house.last_details() == {"changed": {"role": ["viewer", "editor"]}}

    @pytest.mark.parametrize("as_administrator", [True, False])
    def test_a_name_that_somebody_chose_stays(self, house: House, ada: SignedInUser, as_administrator: bool) -> None:
        edit(house, ada.id, as_administrator=as_administrator)
        assert house.last_details() == {"by": "administrator" if as_administrator else "user"}
        with house.database.transaction() as db:
            sign_in_known(db, profile("ada", name="Another Name"), actor=SOMEBODY)
            assert db.get_one(User, ada.id).name == "Ada King"

    @pytest.mark.parametrize(
        "form",
        [
            {"name": "Ada"},
            {"name": "Ada", "role": "viewer"},
            {"name": " Ada "},
            {"name": "Ada", "version": 99},
            {"name": "Ada", "role": "viewer", "as_administrator": False},
        ],
    )
    def test_what_changes_nothing_writes_nothing(self, house: House, ada: SignedInUser, form: dict[str, Any]) -> None:
        state = house.contents()
        assert edit(house, ada.id, **form).version == 1
        assert house.contents() == state

    @pytest.mark.parametrize(
        ("form", "fields"),
        [
            ({"name": ""}, {"name": FieldProblem.MISSING}),
            ({"name": "A" * 201}, {"name": FieldProblem.TOO_LONG}),
            ({"name": "Ada" + "A" * 5000}, {"name": FieldProblem.TOO_LONG}),
            ({"name": "Ada\x00"}, {"name": FieldProblem.UNSEEN}),
            ({"name": "<b>Ada</b>"}, {"name": FieldProblem.MARKUP}),
            ({"role": "root"}, {"role": FieldProblem.UNKNOWN}),
            ({"role": ""}, {"role": FieldProblem.MISSING}),
        ],
    )
    def test_what_cannot_be_taken_is_refused_and_writes_nothing(
        self, house: House, ada: SignedInUser, form: dict[str, Any], fields: dict[str, FieldProblem]
    ) -> None:
        state = house.contents()
        with pytest.raises(InvalidField) as caught:
            edit(house, ada.id, **form)
        assert caught.value.fields == fields
        assert house.contents() == state

    def test_a_name_that_a_provider_gave_may_be_kept(self, house: House, root: SignedInUser) -> None:
        ada = house.join("ada", name="<Ada>")
        assert edit(house, ada.id, name="<Ada>", role="editor").role is Role.EDITOR

    @pytest.mark.parametrize("role", ["admin", "editor"])
    def test_a_role_is_for_administrators(self, house: House, ada: SignedInUser, role: str) -> None:
        state = house.contents()
        with pytest.raises(RoleNotYours):
            edit(house, ada.id, role=role, as_administrator=False)
        assert house.contents() == state

    def test_the_change_of_somebody_else_is_noticed(self, house: House, ada: SignedInUser) -> None:
        edit(house, ada.id, name="Ada Byron")
        state = house.contents()
        with pytest.raises(EditConflict) as caught:
            edit(house, ada.id, name="Ada King", role="editor")
        assert (caught.value.current.name, caught.value.current.version) == ("Ada Byron", 2)
        assert (caught.value.name, caught.value.role) == ("Ada King", Role.EDITOR)
        assert house.contents() == state
        assert edit(house, ada.id, name="Ada King", role="editor", version=2).version == 3

    def test_of_two_at_once_one_is_told(self, house: House, ada: SignedInUser) -> None:
        with both_before(house.database, "SELECT gatehouse_users"):
            results = at_once(
                lambda: edit(house, ada.id, name="Ada King"), lambda: edit(house, ada.id, name="Ada Byron")
            )
        (conflict,) = [result for result in results if isinstance(result, EditConflict)]
        (row,) = [result for result in results if isinstance(result, UserRow)]
        assert conflict.current == row
        assert {conflict.name, row.name} == {"Ada King", "Ada Byron"}


ON_ONESELF: list[Callable[..., Any]] = [toggle_active, delete_user]


@pytest.mark.parametrize("change", ON_ONESELF)
def test_nobody_does_it_to_herself(house: House, ada: SignedInUser, root: SignedInUser, change: Any) -> None:
    house.join("another", Role.ADMIN)
    state = house.contents()
    with pytest.raises(NotOnYourself), house.database.transaction() as db:
        change(db, root.id, actor=Actor(user_id=root.id, kind="user"))
    assert house.contents() == state
    with house.database.transaction() as db:
        change(db, root.id, actor=Actor(user_id=ada.id, kind="user"))


def test_a_toggle_goes_back_and_forth_and_ends_sessions(house: House, ada: SignedInUser) -> None:
    begun = house.enter(ada)
    with house.database.transaction() as db:
        assert not toggle_active(db, ada.id).is_active
        assert toggle_active(db, ada.id).is_active
    assert house.events()[-2:] == ["user_archived", "user_enabled"]
    assert house.session_row(begun)["generation"] == 0
    with house.database.transaction() as db:
        assert db.get_one(User, ada.id).session_generation == 1


@pytest.mark.parametrize("user_id", [0, -1, 4711, 2**31, 2**63, 10**30])
@pytest.mark.parametrize(
    "change",
    [
        get_user,
        lambda db, user_id: change_role(db, user_id, Role.VIEWER),
        lambda db, user_id: edit_user(db, user_id, name="Ada", version=1, as_administrator=True),
        toggle_active,
        delete_user,
    ],
)
def test_ids_of_nobody(house: House, user_id: int, change: Callable[[Session, int], object]) -> None:
    """Also those that no column holds, at which a driver fails."""
    with pytest.raises(UserNotFound), house.database.transaction() as db:
        change(db, user_id)


def test_a_row_as_json(house: House, ada: SignedInUser) -> None:
    with house.database.reading() as connection:
        row = get_user(connection, ada.id)
    assert row.to_dict() == {
        "id": ada.id,
        "email": "ada@example.com",
        "name": "Ada",
        "role": "viewer",
        "is_active": True,
        "created_at": row.created_at.isoformat(),
        "last_login": row.created_at.isoformat(),
        "locked": False,
    }


class TestWhereARoleComesFrom:
    def test_from_the_beginning(self, house: House, ada: SignedInUser) -> None:
        with house.database.reading() as connection:
            history = history_of_role(connection, ada.id)
        assert history.role == history.status
        assert history.role is not None
        assert (history.role.event, history.role.actor_kind, history.role.before) == ("user_created", "anonymous", None)

    def test_from_the_last_who_changed_it(self, house: House, ada: SignedInUser, root: SignedInUser) -> None:
        by_root = Actor(user_id=root.id, kind="user")
        with house.database.transaction() as db:
            change_role(db, ada.id, Role.ADMIN, actor=COMMAND_LINE)
            change_role(db, ada.id, Role.EDITOR, actor=by_root)
            toggle_active(db, ada.id, wanted=False, actor=by_root)
            change_role(db, root.id, Role.ADMIN)
        with house.database.reading() as connection:
            history = history_of_role(connection, ada.id)
        assert history.role is not None
        assert (history.role.event, history.role.actor_id, history.role.before) == ("authz_change", root.id, "admin")
        assert history.status is not None
        assert (history.status.event, history.status.actor_id, history.status.before) == (
            "user_archived",
            root.id,
            True,
        )

    def test_of_nobody(self, house: House) -> None:
        with house.database.reading() as connection:
            history = history_of_role(connection, 4711)
        assert (history.role, history.status) == (None, None)
