"""The users whom a query means, as a condition."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement

from .fold import BEGINNING, folded

# Trigrams say nothing about less. A shorter text is sought where a name or an address begins.
SHORTEST_PART = 3


@dataclass(frozen=True, slots=True)
class Meant:
    """The users whom a query means.

    :param where: what holds of all of them.
    :param are_few: whether they are listed by their ids, so that counting them costs next to nothing.
    """

    where: tuple[ColumnElement[bool], ...]
    are_few: bool = False


def sought_part(text: str) -> str:
    """Return the part of ``search_text`` by which somebody is found, or nothing if all are meant."""
    part = folded(text)
    return part if not part or len(part) >= SHORTEST_PART else BEGINNING + part
