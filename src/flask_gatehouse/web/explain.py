"""Why somebody may or may not, in words, and since when."""

from datetime import datetime

from ..accounts.history import Origin, RoleHistory
from ..accounts.views import UserRow

_NAMES = {"admin": "administrator", "editor": "editor", "viewer": "viewer"}


def reasons(user: UserRow, history: RoleHistory) -> list[tuple[str, str, datetime | None]]:
    """Return what decides about a person: a word, a sentence, and since when it has been so."""
    lines = []
    if user.is_active:
        lines.append(("Status", f"May sign in.{_by(history.status)}", _since(history.status)))
    else:
        lines.append(("Status", f"May not sign in.{_by(history.status)}", _since(history.status)))
    role = _NAMES[user.role.value]
    lines.append(("Role", f"Is {'an' if role[0] in 'ae' else 'a'} {role}.{_by(history.role)}", _since(history.role)))
    if user.email is None:
        lines.append(("Address", "No provider vouches for an address, so that no invitation finds this person.", None))
    return lines


def _since(origin: Origin | None) -> datetime | None:
    return origin.occurred_at if origin else None


def _by(origin: Origin | None) -> str:
    if origin is None:
        return " The trail does not say since when."
    if origin.event == "user_created":
        return " So since the first sign-in."
    if origin.actor_kind == "user" and origin.actor_id is not None:
        return f" Changed by user {origin.actor_id}."
    return " Changed from the command line." if origin.actor_kind == "cli" else ""
