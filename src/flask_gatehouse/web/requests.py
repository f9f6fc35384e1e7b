"""What happens around every request of an application: the rooms below learn who acts."""

from contextlib import suppress

from flask import Flask

from ..audit.announcing import Audience, current_audience
from ..db.sources import HostDatabase, session_of
from ..kernel.context import current_actor, current_session
from ..kernel.errors import DependencyUnavailable
from .actor import actor, visit
from .csrf import SAFE_METHODS
from .measuring import begin
from .state import current_request

# On the request, not on ``g``, which a request that is made within another one shares with it.
TOKENS = "_gatehouse_tokens"


def follow_requests(app: Flask, db: HostDatabase | None, audience: Audience) -> None:
    """Let ``audit.record()`` know the actor of each request, the host's own session, and who is told of events."""
    find_session = session_of(db)

    @app.before_request
    def enter() -> None:
        asked = current_request()
        begin(asked)
        asked.__dict__[TOKENS] = (
            current_actor.set(actor),
            current_session.set(find_session),
            current_audience.set(audience),
        )
        # Before a change begins: a look-up in the middle of it would wait, on SQLite, for the lock that the host
        # holds itself, and in memory would undo what the host has done so far on the one connection there is.
        # Whoever needs the answer is told if there is none.
        if asked.method not in SAFE_METHODS:
            with suppress(DependencyUnavailable):
                visit()

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        tokens = current_request().__dict__.pop(TOKENS, None)
        if tokens is not None:
            current_actor.reset(tokens[0])
            current_session.reset(tokens[1])
            current_audience.reset(tokens[2])
