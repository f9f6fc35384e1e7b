"""The table of users as Core columns, for statements that need no entity."""

from typing import Any, cast

from sqlalchemy import ColumnElement, Label, Table

from .models import User

users = cast("Table", User.__table__)

# What every request reads, in the one SELECT that joins a user to a session.
actor_columns: tuple[Label[Any], ...] = tuple(
    users.c[name].label(f"user_{name}")
    for name in ("id", "email", "name", "role", "is_active", "created_at", "last_sign_in_at")
)
# What a list shows, in the order of ``UserRow``.
_SHOWN = ("id", "email", "name", "role", "is_active", "created_at", "last_sign_in_at", "version")
row_columns: tuple[ColumnElement[Any], ...] = (
    *(users.c[name] for name in _SHOWN),
    users.c.held_at.is_not(None).label("is_held"),
)
