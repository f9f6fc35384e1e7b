"""A few users from everywhere among all of them, by their ids: what holds of these holds of about as many others."""

import json
from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, ColumnElement, Connection, Integer, any_, func, literal, select

from .columns import users

# Users enough to tell what is common from what is rare.
SAMPLE = 50


def sampled_ids(connection: Connection, *, windows: int, width: int) -> tuple[Sequence[int], int]:
    """Return ids that users may have, and among how many such ids they are spread; both may be none.

    Ids that stand together are cheaper to read, and those that stand apart say more.

    :param windows: how many groups of them.
    :param width: how many ids are one group.
    """
    # Two questions: as one it would be answered by reading everybody.
    first, last = connection.execute(
        select(select(func.min(users.c.id)).scalar_subquery(), select(func.max(users.c.id)).scalar_subquery())
    ).one()
    if first is None:
        return [], 0
    span = last - first + 1
    step = max(span // windows, width)
    starts = range(first, last + 1, step)[:windows]
    return [number for start in starts for number in range(start, min(start + width, last + 1))], span


def among(connection: Connection, ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a user is one of these, however many, in one parameter."""
    if connection.dialect.name == "postgresql":
        return users.c.id == any_(literal(list(ids), ARRAY(Integer)))
    listed = func.json_each(json.dumps(list(ids))).table_valued("value")
    return users.c.id.in_(select(listed.c.value))
