"""What happens around every request of an application: the room below learns who acts, without a look-up."""

from typing import Any

from flask import Flask, g

from ..db.sources import session_of
from ..kernel.context import current_actor, current_session
from .actor import actor


def follow_requests(app: Flask, db: Any) -> None:
    """Let ``audit.record()`` know the actor of each request, and the host's own session."""
    find_session = session_of(db)

    @app.before_request
    def enter() -> None:
        g._gatehouse_tokens = (current_actor.set(actor), current_session.set(find_session))

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        tokens = g.pop("_gatehouse_tokens", None)
        if tokens is not None:
            current_actor.reset(tokens[0])
            current_session.reset(tokens[1])
