"""Who may do what to whom, as whole tables."""

from itertools import product

import pytest

from flask_gatehouse.accounts.rules import Role, can_delete_user, can_edit_user
from flask_gatehouse.settings.model import ROLES

HERSELF, ANOTHER = 7, 8


@pytest.mark.parametrize(
    ("role", "included"),
    [
        (Role.ADMIN, {Role.ADMIN, Role.EDITOR, Role.VIEWER}),
        (Role.EDITOR, {Role.EDITOR, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_a_role_includes_those_below_it(role: Role, included: set[Role]) -> None:
    assert {other for other in Role if role.includes(other)} == included


@pytest.mark.parametrize(("role", "target"), [*product(Role, (HERSELF, ANOTHER))])
def test_who_may_edit_whom(role: Role, target: int) -> None:
    assert can_edit_user(role, HERSELF, target) is (role is Role.ADMIN or target == HERSELF)


@pytest.mark.parametrize(("role", "target"), [*product(Role, (HERSELF, ANOTHER))])
def test_who_may_delete_whom(role: Role, target: int) -> None:
    """An administrator who deletes herself could leave nobody behind who lets people in."""
    assert can_delete_user(role, HERSELF, target) is (role is Role.ADMIN and target == ANOTHER)


def test_settings_name_the_same_roles() -> None:
    assert set(ROLES) == {role.value for role in Role}


def test_a_role_survives_its_journey_as_text() -> None:
    assert [Role(role.value) for role in Role] == list(Role)
