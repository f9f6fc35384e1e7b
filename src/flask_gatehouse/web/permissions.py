"""Who may enter a route with a method: the words of the URL table, and what each means. Pure."""

from enum import StrEnum

from ..accounts.rules import Role, can_delete_user, can_edit_user


class Permission(StrEnum):
    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    # Whoever has the role of GATEHOUSE_USER_LIST_ROLE.
    USER_LIST = "user_list"
    # Whose address it is, and administrators.
    SELF_OR_ADMIN = "self_or_admin"
    ADMIN_NOT_SELF = "admin_not_self"


def permits(permission: Permission, role: Role, user_id: int, *, target_id: int | None, list_role: Role) -> bool:
    """Return whether a signed-in person may enter.

    :param target_id: the user whom the address names, if it names one.
    :param list_role: the role that may see the list of users.
    """
    if permission is Permission.PUBLIC or permission is Permission.SIGNED_IN:
        return True
    if permission is Permission.USER_LIST:
        return role.includes(list_role)
    if permission is Permission.SELF_OR_ADMIN:
        return target_id is not None and can_edit_user(role, user_id, target_id)
    if permission is Permission.ADMIN_NOT_SELF:
        return target_id is not None and can_delete_user(role, user_id, target_id)
    return role.includes(Role(permission.value))


def needed_role(permission: Permission, list_role: Role) -> Role | None:
    """Return the role that a refused person lacks, or None where no role would do."""
    if permission is Permission.USER_LIST:
        return list_role
    if permission in {Permission.SELF_OR_ADMIN, Permission.ADMIN_NOT_SELF}:
        return Role.ADMIN
    return Role(permission.value) if permission.value in set(Role) else None
