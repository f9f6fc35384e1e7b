"""What a list of users may be asked for, read from what somebody put into an address. Pure.

An order is the name of a column, with ``-`` for the greatest first. A cursor is where a page begins or ends.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ..kernel.identifiers import LARGEST_ID
from ..kernel.text import holds_marks, holds_unseen, plain
from .errors import FieldProblem, InvalidQuery
from .fields import find_role
from .fold import SEARCH_LENGTH
from .rules import Role

PAGE = 50
LONGEST_SEARCH = 200
LONGEST_CURSOR = 4000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sort(StrEnum):
    """By what people are ordered; equals follow in the order of their ids."""

    CREATED = "created"
    NAME = "name"
    EMAIL = "email"
    ROLE = "role"
    STATUS = "status"
    LAST_SIGN_IN = "last_sign_in"


# Not everybody has an address that a provider vouches for, or has ever signed in.
MAY_BE_MISSING = {Sort.EMAIL, Sort.LAST_SIGN_IN}


class Status(StrEnum):
    """How somebody stands, in one word of three: who is deactivated and locked is inactive."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    LOCKED = "locked"


class Direction(StrEnum):
    AFTER = "after"
    BEFORE = "before"
    # The last page, whatever stands on it.
    END = "end"


CursorValue = str | datetime | Role | bool | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The person at the edge of a page, as the value that she is sorted by and her id.

    :param value: None stands before all others.
    """

    direction: Direction
    value: CursorValue = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class UserQuery:
    """One page of the list of users, or with ``cursor=None`` its first one.

    :param text: part of a name or an address; less than three characters are the beginning of one.
    """

    text: str = ""
    role: Role | None = None
    status: Status | None = None
    sort: Sort = Sort.CREATED
    descending: bool = True
    cursor: Cursor | None = None
    limit: int = PAGE

    @classmethod
    def parse(
        cls, *, q: str = "", role: str = "", status: str = "", sort: str = "", after: str = "", limit: int = PAGE
    ) -> "UserQuery":
        """Return what the parameters of an address ask for; an empty one is one that is not there.

        :param sort: such as ``name`` or ``-last_sign_in``.
        :param after: a cursor that a page has given out.
        :raises InvalidQuery: with every parameter that cannot be understood.
        """
        problems: dict[str, FieldProblem] = {}
        if len(q) > LONGEST_SEARCH:
            problems["q"] = FieldProblem.TOO_LONG
        elif holds_unseen(q):
            problems["q"] = FieldProblem.UNSEEN
        wanted, standing = find_role(role), next((one for one in Status if one.value == status), None)
        order = next((one for one in Sort if one.value == sort.removeprefix("-")), None)
        unknown = {
            "role": role and wanted is None,
            "status": status and standing is None,
            "sort": sort and order is None,
        }
        problems |= {name: FieldProblem.UNKNOWN for name, is_unknown in unknown.items() if is_unknown}
        if problems:
            raise InvalidQuery(problems)
        sort_by, descending = (Sort.CREATED, True) if order is None else (order, sort.startswith("-"))
        cursor = _decoded(after, sort_by, descending) if after else None
        return cls(plain(q, LONGEST_SEARCH), wanted, standing, sort_by, descending, cursor, limit)

    @property
    def order(self) -> str:
        """Return the order as it stands in an address."""
        return f"-{self.sort}" if self.descending else str(self.sort)

    def parameters(self) -> dict[str, str]:
        """Return what an address must say to ask for this again, without the page and without what goes unsaid."""
        said = {
            "q": self.text,
            "role": self.role,
            "status": self.status,
            "sort": self.order if (self.sort, self.descending) != (Sort.CREATED, True) else None,
        }
        return {name: str(value) for name, value in said.items() if value}

    def at(self, cursor: str) -> "UserQuery":
        """Return the same list at another page.

        :raises InvalidQuery: if this is no cursor of this order.
        """
        return replace(self, cursor=_decoded(cursor, self.sort, self.descending) if cursor else None)

    def encoded(self, cursor: Cursor) -> str:
        """Return a cursor of this order as text for an address."""
        value = cursor.value
        if isinstance(value, datetime):
            value = str((value - _EPOCH) // timedelta(microseconds=1))
        parts = [self.order, cursor.direction, value, cursor.id]
        text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
        return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decoded(text: str, sort: Sort, descending: bool) -> Cursor:
    """Return a cursor that ``encoded`` made, or refuse it: it comes back through an address bar."""
    try:
        return _read(text, sort, f"-{sort}" if descending else str(sort))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidQuery({"after": FieldProblem.NOT_A_PLACE}) from error


def _read(text: str, sort: Sort, order: str) -> Cursor:
    if len(text) > LONGEST_CURSOR:
        raise ValueError("a cursor is short")
    told, direction, value, identifier = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=="))
    if told != order or type(identifier) is not int or not 0 <= identifier <= LARGEST_ID:
        raise ValueError("this is a cursor of another order, or of nobody")
    cursor = Cursor(Direction(direction), _value(value, sort), identifier)
    if value is None and cursor.direction is not Direction.END and sort not in MAY_BE_MISSING:
        raise ValueError("nobody is without this value")
    return cursor


def _value(value: object, sort: Sort) -> CursorValue:
    if value is None:
        return None
    if sort is Sort.STATUS:
        if isinstance(value, bool):
            return value
        raise ValueError("a status is true or false")
    if not isinstance(value, str):
        raise TypeError("a value is text")
    if sort is Sort.ROLE:
        return Role(value)
    if sort in {Sort.CREATED, Sort.LAST_SIGN_IN}:
        return _EPOCH + timedelta(microseconds=int(value))
    # The line feed between name and address is the one thing of the kind that stands in these columns. Letters that are
    # not seen were taken once, and whoever bears one must not end the list.
    if len(value) > SEARCH_LENGTH or holds_marks(value):
        raise ValueError("nobody has such a name or address")
    return value
