"""Everything that the tables of people say of one user, for her own eyes."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from ..kernel.identifiers import LARGEST_ID
from .errors import UserNotFound
from .leaving import Holding, held_for, holdings_of
from .models import Identity, Invitation, JoinRequest, User

# What is not told, and why. A test holds these, and all that is told, against the tables.
UNTOLD: Mapping[str, str] = {
    "gatehouse_users.search_text": "made of the name and the address, for searching",
    "gatehouse_users.session_generation": "a counter that ends sessions",
    "gatehouse_users.version": "a counter of edits",
    "gatehouse_users.idle_since": "when she last came in or was told to stay, for finding who does not come any more",
    "gatehouse_users.role_confirmed_at": "when her role was last decided, for finding it: the events say it",
    "gatehouse_identities.id": "a number of the database alone",
    "gatehouse_identities.user_id": "the id of the user, who is told",
    "gatehouse_invitations.invited_by": "who somebody else is",
}


def tell_user(db: Session, user_id: int) -> tuple[dict[str, Any], list[Holding]]:
    """Return a user and her identities, as table and rows, and all that is held: :func:`tell_waiting` tells the rest.

    :raises UserNotFound: if there is no such user.
    """
    users = User.__table__
    row = db.execute(select(users).where(users.c.id == user_id)).first() if 0 < user_id <= LARGEST_ID else None
    if row is None:
        raise UserNotFound(user_id)
    held = holdings_of(db, [row])
    held += held_for(db, held[0].accounts, held[0].addresses)
    told = {
        "user": _told(User.__tablename__, row),
        "identities": _rows(db, Identity, Identity.user_id, [user_id]),
    }
    return told, held


def tell_waiting(db: Session, held: Sequence[Holding]) -> dict[str, Any]:
    """Return the invitations and the requests to join among what is held, as table and rows."""
    ids = {kind: [one.id for one in held if one.kind == kind] for kind in ("invitation", "join_request")}
    return {
        "invitations": _rows(db, Invitation, Invitation.id, ids["invitation"]),
        "join_requests": _rows(db, JoinRequest, JoinRequest.id, ids["join_request"]),
    }


def _rows(db: Session | Connection, model: Any, column: Any, values: list[int]) -> list[dict[str, Any]]:
    table = model.__table__
    rows = db.execute(select(table).where(column.in_(values)).order_by(table.c.id))
    return [_told(model.__tablename__, row) for row in rows]


def _told(table: str, row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if f"{table}.{name}" not in UNTOLD}
