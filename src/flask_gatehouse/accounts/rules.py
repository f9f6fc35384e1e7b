"""Who may do what to whom. Pure: no database, no request."""

from collections.abc import Collection
from enum import StrEnum

# Why it is refused to take an administrator away, as the trail says it.
LAST_ADMINISTRATOR = "last_administrator"


class Role(StrEnum):
    """What a person may do; each role includes the ones below it."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"

    def includes(self, other: "Role") -> bool:
        """Return whether a person with this role may do what ``other`` may."""
        return _RANK[self] >= _RANK[other]


_RANK = {Role.VIEWER: 1, Role.EDITOR: 2, Role.ADMIN: 3}


def can_edit_user(role: Role, user_id: int, target_id: int) -> bool:
    """An administrator may edit everybody, anybody may edit herself."""
    return role is Role.ADMIN or user_id == target_id


def can_delete_user(role: Role, user_id: int, target_id: int) -> bool:
    """An administrator may delete everybody but herself."""
    return role is Role.ADMIN and user_id != target_id


def is_last_administrator(administrators: Collection[int], user_id: int) -> bool:
    """Return whether nobody would be left who lets people in if this person were no active administrator any more.

    :param administrators: the ids of all active administrators, at a moment after which none of them can be lost.
    """
    return set(administrators) == {user_id}
