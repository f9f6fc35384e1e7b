"""What people are called, for pages that know them by their ids."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from ..kernel.identifiers import LARGEST_ID
from .columns import users


def find_names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Return the names of those among these users who are still there."""
    possible = [one for one in ids if 0 < one <= LARGEST_ID]
    if not possible:
        return {}
    return {
        row.id: row.name for row in connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(possible)))
    }
