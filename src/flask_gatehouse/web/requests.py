"""What happens around every request of an application: the room below learns who acts, without a look-up."""

from flask import Flask, request

from ..db.sources import HostDatabase, session_of
from ..kernel.context import current_actor, current_session
from .actor import actor

# On the request, not on ``g``, which a request that is made within another one shares with it.
TOKENS = "_gatehouse_tokens"


def follow_requests(app: Flask, db: HostDatabase | None) -> None:
    """Let ``audit.record()`` know the actor of each request, and the host's own session."""
    find_session = session_of(db)

    @app.before_request
    def enter() -> None:
        request.__dict__[TOKENS] = (current_actor.set(actor), current_session.set(find_session))

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        tokens = request.__dict__.pop(TOKENS, None)
        if tokens is not None:
            current_actor.reset(tokens[0])
            current_session.reset(tokens[1])
