"""Flask-Login's words for code that knows them, without its cookies."""

from typing import Any, NoReturn

from flask import Flask, g
from flask_login import LoginManager

from .actor import current_user, visit
from .denials import NotSignedIn
from .errors import answer
from .headers import mark_private


class SessionManager(LoginManager):  # type: ignore[misc] # Flask-Login has no types
    """What Flask-Login asks who is there. Its own cookie, and what it keeps in Flask's session, are not looked at."""

    def _load_user(self) -> None:
        # A proxy, because Flask-Login remembers it on ``g``, which requests within one pushed context share.
        g._login_user = current_user

    def _update_request_context_with_user(self, user: object = None) -> NoReturn:
        # Without this, logout_user() would look as if somebody were signed out whose session goes on.
        raise RuntimeError(
            "login_user() and logout_user() have no meaning under Gatehouse. People sign in at "
            "url_for('gatehouse.sign_in') and sign out with a POST to url_for('gatehouse.sign_out')."
        )


def offer_flask_login(app: Flask) -> None:
    """Make ``flask_login.current_user`` and ``flask_login.login_required`` mean our session.

    Where the host has a ``LoginManager`` of its own, that one is left alone. Ours is not initialised with
    ``init_app``, which would have every answer open Flask's session for the remember cookie that we do not use.
    """
    if hasattr(app, "login_manager"):
        return
    manager = SessionManager()
    manager.unauthorized_handler(lambda: mark_private(answer(NotSignedIn(visit().ended))))
    app.login_manager = manager  # type: ignore[attr-defined] # the attribute by which Flask-Login finds its manager

    @app.context_processor
    def offer() -> dict[str, Any]:
        return {"current_user": current_user}
