"""What the filters of the audit log mean: people are looked up, and a text is taken for what it looks like."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from ..accounts.errors import FieldProblem
from ..accounts.listing import list_users
from ..accounts.queries import UserQuery
from ..audit.events import IDENTIFIER_LENGTH, KIND_LENGTH
from ..audit.reading import holds
from ..audit.search import TrailQuery, find_event_id
from ..kernel.identifiers import LARGEST_ID
from ..sessions.rules import is_session_id
from .audit_query import Asked, find_network_address
from .connection import WELL_FORMED

# Each of them costs a search of her own.
MANY = 10
_USER = re.compile(r"user:([0-9]{1,10})")
# What we call a request, and what nginx and Caddy do as our files have them.
_MADE = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_THING = re.compile(rf"([A-Za-z][\w.-]{{0,{KIND_LENGTH - 1}}}):(\S.{{0,{IDENTIFIER_LENGTH - 1}}})")


@dataclass(frozen=True, slots=True)
class Meant:
    """What is searched for.

    :param query: None if nothing can be meant, as where nobody has the name that was asked for.
    :param problem: the first parameter that too many or nobody answers to, and which of both it is. Where too many do,
        nobody knows whether one of those who are left out answers to the next parameter too.
    """

    query: TrailQuery | None
    problem: Mapping[str, FieldProblem] = field(default_factory=dict)

    @property
    def too_many(self) -> str | None:
        """Return the parameter to which more people answer than are searched for, if there is one."""
        return next((name for name, one in self.problem.items() if one is FieldProblem.TOO_MANY_PEOPLE), None)


def understand(connection: Connection, asked: Asked, now: datetime) -> Meant:
    """Return what the filters of an address mean."""
    since, until = asked.times(now)
    query = TrailQuery(
        event=asked.event,
        outcome=asked.outcome,
        since=since,
        until=until,
        ip=asked.ip,
        before=asked.before,
        after=asked.after,
        rising=asked.after is not None,
    )
    meant = Meant(query)
    if asked.who:
        meant = _with_person(connection, meant, query, "who", asked.who)
    if asked.text and meant.query is not None:
        return _with_text(connection, meant, meant.query, asked.text)
    return meant


def _with_text(connection: Connection, meant: Meant, query: TrailQuery, text: str) -> Meant:
    """Return the same for what a text looks like, or else for whoever and whatever has it as a name."""
    found: TrailQuery | None
    if ip := find_network_address(text):
        found = replace(query, ip=ip) if query.ip in {None, ip} else None
    elif (event_id := find_event_id(text)) and holds(connection, TrailQuery(event_id=event_id)):
        found = replace(query, event_id=event_id)
    elif is_session_id(text) and holds(connection, TrailQuery(target=("session", text))):
        found = replace(query, session_id=text)
    elif _MADE.fullmatch(text) and (name := _find_request(connection, text)):
        # Nobody is called so, unless in order that a request of this name is never found.
        found = replace(query, request_id=name)
    elif (thing := _THING.fullmatch(text)) and not _USER.fullmatch(text):
        found = replace(query, target=(thing[1], thing[2]))
    else:
        return _with_name(connection, meant, query, text)
    return _narrowed(meant, found, "q")


def _with_name(connection: Connection, meant: Meant, query: TrailQuery, text: str) -> Meant:
    """Return the same for people of this name, or for a request that somebody has called so.

    Whatever else a text is comes first: a proxy that hands on what callers call their requests would let them hide a
    person, an address or a session behind one.
    """
    found = _with_person(connection, meant, query, "q", text)
    # No request has this name if it looks like one of ours: that was asked first.
    if found.query is not None or _MADE.fullmatch(text) or not WELL_FORMED.fullmatch(text):
        return found
    name = _find_request(connection, text)
    return found if name is None else _narrowed(meant, replace(query, request_id=name), "q")


def _find_request(connection: Connection, text: str) -> str | None:
    # As it was told, or retyped: those that we give are of small letters.
    spelled = dict.fromkeys((text, text.lower()))
    return next((one for one in spelled if holds(connection, TrailQuery(request_id=one))), None)


def _with_person(connection: Connection, meant: Meant, query: TrailQuery, parameter: str, text: str) -> Meant:
    """Return the same for those people alone who answer to a parameter's text."""
    people, has_more = _people(connection, text)
    if query.people:
        people = tuple(person for person in people if person in query.people)
    found = replace(query, people=people) if people else None
    return _narrowed(meant, found, parameter, has_more=has_more)


def _narrowed(meant: Meant, query: TrailQuery | None, parameter: str, *, has_more: bool = False) -> Meant:
    if meant.problem or (query is not None and not has_more):
        return replace(meant, query=query)
    return Meant(query, {parameter: FieldProblem.TOO_MANY_PEOPLE if has_more else FieldProblem.NOBODY})


def _people(connection: Connection, text: str) -> tuple[tuple[int, ...], bool]:
    if named := _USER.fullmatch(text):
        number = int(named[1])
        return ((number,) if number <= LARGEST_ID else ()), False
    page = list_users(connection, UserQuery(text, limit=MANY))
    return tuple(row.id for row in page.rows), page.next is not None
