"""The part of a user that every request reads, as Core columns for the one SELECT that joins it to a session."""

from typing import Any

from sqlalchemy import FromClause, Label

from .models import User

users: FromClause = User.__table__

actor_columns: tuple[Label[Any], ...] = tuple(
    users.c[name].label(f"user_{name}")
    for name in ("id", "email", "name", "role", "is_active", "session_generation", "created_at", "last_sign_in_at")
)
