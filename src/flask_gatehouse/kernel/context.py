"""Who is acting, for code that runs on behalf of a request without knowing HTTP."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever causes a change: a person in a session, an anonymous caller, or a command.

    :param user_id: the person's id, or None for somebody who is not signed in and for commands.
    :param session_id: the public id of her session; never the token.
    :param ip: the peer's address as the trusted proxies report it.
    :param user_agent: what the browser calls itself, at most 255 characters.
    :param kind: ``user``, ``anonymous``, ``cli`` or ``system``.
    :param request_id: the request on whose behalf it happens, as logs name it.
    """

    user_id: int | None = None
    session_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    kind: str = "anonymous"
    request_id: str | None = None


COMMAND_LINE = Actor(kind="cli")
SYSTEM = Actor(kind="system")

# A callable, not a value: a request's actor costs a look-up, and most requests record nothing.
current_actor: ContextVar[Callable[[], Actor] | None] = ContextVar("gatehouse_actor", default=None)
# The host's own database session, so that audit.record() joins its transaction by default.
current_session: ContextVar[Callable[[], Any] | None] = ContextVar("gatehouse_session", default=None)


def acting() -> Actor:
    """Return the actor of the running request, or the system itself outside of one."""
    find = current_actor.get()
    return SYSTEM if find is None else find()
