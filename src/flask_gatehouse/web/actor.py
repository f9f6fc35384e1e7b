"""Who is asking: from the cookie to a person, with one SELECT and, for an ordinary request, no write."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Response, current_app, request
from werkzeug.local import LocalProxy

from ..accounts import rules
from ..accounts.object_rules import object_rules
from ..accounts.rules import Role
from ..kernel.context import Actor
from ..kernel.errors import DependencyUnavailable
from ..kernel.text import plain
from ..sessions.lookup import Found, find_session
from ..sessions.rules import EndReason, ended, touch_is_due
from ..sessions.service import note_use_after_end, touch
from .connection import client_address, request_id
from .denials import NotSignedIn
from .state import State, current_request, state

log = logging.getLogger("flask_gatehouse")
VISIT, PERSON, CALLER, ARRIVED = "visit", "person", "caller", "arrived"
# A view with this attribute answers requests that a page makes by itself.
BACKGROUND = "_gatehouse_background"


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody in particular."""

    is_authenticated = False
    is_active = False
    is_anonymous = True
    id: None = None
    email: None = None
    role: None = None

    def get_id(self) -> None:
        return None

    def has_role(self, role: Role) -> bool:
        return False

    def can_edit_user(self, user_id: int) -> bool:
        return False

    def can_delete_user(self, user_id: int) -> bool:
        return False

    def can(self, action: str, thing: object) -> bool:
        """Return False, for a question that a program may ask.

        :raises NoObjectRule: if nobody has declared who may do that: an anonymous visitor finds the mistake too.
        """
        return object_rules.allows(self, action, thing)


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in person of this request, as the database had her when it began."""

    id: int
    email: str | None
    name: str
    role: Role
    created_at: datetime
    last_sign_in_at: datetime | None
    previous_sign_in_at: datetime | None

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)

    def has_role(self, role: Role) -> bool:
        """Return whether she may do what this role may."""
        return self.role.includes(role)

    def can_edit_user(self, user_id: int) -> bool:
        return rules.can_edit_user(self.role, self.id, user_id)

    def can_delete_user(self, user_id: int) -> bool:
        return rules.can_delete_user(self.role, self.id, user_id)

    def can(self, action: str, thing: object) -> bool:
        """Return whether she may do something to a thing of the host's own, as ``object_rule`` has declared.

        :param thing: an object, or its class where there is no object yet: ``can("create", Article)``.
        :raises NoObjectRule: if nobody has declared that.
        """
        return object_rules.allows(self, action, thing)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON answers say of a user; moments are ISO 8601 in UTC."""
        return {
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "role": self.role.value,
            "is_active": True,
            "created_at": self.created_at.isoformat(),
            "last_login": self.last_sign_in_at.isoformat() if self.last_sign_in_at else None,
            # Whoever is locked has no session, and therefore is nobody here.
            "locked": False,
        }


@dataclass(frozen=True, slots=True)
class Visit:
    """What the cookie of a request came to.

    :param found: the session and its user, if there is such a session; it may have ended.
    :param ended: why it has ended, None while it lives or where there is none.
    """

    found: Found | None = None
    ended: EndReason | None = None

    @property
    def session(self) -> Found | None:
        """Return the session if it lives."""
        return None if self.ended else self.found


def visit() -> Visit:
    """Return the visit of the running request, looking it up at the first call.

    :raises DependencyUnavailable: if the database does not answer. Nobody is signed out by that.
    """
    return _visit(memory())


def signed_in() -> Found:
    """Return the session of a person who is signed in.

    :raises NotSignedIn: if nobody is.
    """
    seen = visit()
    if seen.session is None:
        raise NotSignedIn(seen.ended)
    return seen.session


def forget_visit() -> None:
    """Look the session up again at the next question; this request has changed it."""
    kept = memory()
    kept.clear()
    # Whoever ends her own session has not come after its end.
    kept[ARRIVED] = True


def memory() -> dict[str, Any]:
    """Return what this application knows about the running request until a sign-in or a sign-out changes it.

    Not on ``g``: an application context that is pushed by hand, as tests and commands do, is shared by all requests
    within it. Nor in the environ, which a view may hand on to another application, nor without the application's own
    mark, because another one's context can be pushed within a request. Each would hand one person's session on.
    """
    kept: dict[str, Any] = current_request().__dict__.setdefault(state().known_as, {})
    return kept


def person() -> Person | Anonymous:
    """Return who is asking."""
    kept = memory()
    known: Person | Anonymous | None = kept.get(PERSON)
    if known is None:
        found = _visit(kept).session
        known = kept[PERSON] = ANONYMOUS if found is None else _person(found)
    return known


def actor() -> Actor:
    """Return the running request's actor, for services and for the trail."""
    found = visit().session
    unknown = caller()
    if found is None:
        return unknown
    return replace(unknown, user_id=found.user_id, session_id=found.session_id, kind="user")


def caller() -> Actor:
    """Return the running request's actor as somebody unknown, without a look-up."""
    kept = memory()
    known: Actor | None = kept.get(CALLER)
    if known is None:
        address = client_address(request.environ, state().settings.trusted_proxies)
        known = kept[CALLER] = Actor(ip=address, user_agent=_user_agent(), request_id=request_id())
    return known


def set_session_cookie(response: Response, token: str) -> None:
    """Hand a session's token to the browser, for as long as the browser runs."""
    here = state()
    response.set_cookie(here.session_cookie, token, **here.cookie)


def clear_session_cookie(response: Response) -> Response:
    here = state()
    response.delete_cookie(here.session_cookie, **here.cookie)
    return response


def _visit(kept: dict[str, Any]) -> Visit:
    known: Visit | None = kept.get(VISIT)
    if known is None:
        known = kept[VISIT] = _look_up(state())
    return known


def _look_up(here: State) -> Visit:
    token = current_request().cookies.get(here.session_cookie)
    if not token:
        return Visit()
    found = find_session(here.database, token)
    if found is None:
        return Visit()
    limits = here.limits[found.role]
    reason = ended(found.times, limits)
    if reason is not None:
        if found.used_after_end_at is None and ARRIVED not in memory():
            _write_down(here, found, reason)
    elif touch_is_due(found.times, limits) and not is_background():
        _write_down(here, found, None)
        # What the page says about the time left counts from this very request.
        found = replace(found, times=replace(found.times, last_seen_at=found.times.now))
    return Visit(found, reason)


def _write_down(here: State, found: Found, reason: EndReason | None) -> None:
    """Note a use, or one after the end. No answer depends on it: a database that only reads still serves readers."""
    try:
        with here.notes.turn() as now:
            if now:
                _write(here, found, reason)
    except DependencyUnavailable:
        log.warning("a session's last use, or one after its end, could not be written down", exc_info=True)


def _write(here: State, found: Found, reason: EndReason | None) -> None:
    with here.database.transaction() as db:
        if reason is None:
            touch(db, found.session_id)
        else:
            who = replace(caller(), user_id=found.user_id, session_id=found.session_id, kind="user")
            note_use_after_end(db, found.session_id, reason, actor=who)


def is_background() -> bool:
    """Return whether a page makes this request by itself, so that it does not count as somebody being there."""
    view = current_app.view_functions.get(request.endpoint or "")
    return (
        getattr(view, BACKGROUND, False)
        or "prefetch" in request.headers.get("Sec-Purpose", "")
        or request.headers.get("Gatehouse-Background") == "true"
    )


def _person(found: Found) -> Person:
    return Person(
        found.user_id,
        found.email,
        found.name,
        found.role,
        found.created_at,
        found.last_sign_in_at,
        found.previous_sign_in_at,
    )


def _user_agent() -> str | None:
    return plain(request.headers.get("User-Agent", ""), 255) or None


ANONYMOUS = Anonymous()
current_user: Any = LocalProxy(person)
