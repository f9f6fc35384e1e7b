"""Flask-Login's words for code that knows them, without its cookies."""

from typing import Any

from flask import Flask
from flask_login import LoginManager

from .actor import Anonymous, current_user, person, visit
from .denials import NotSignedIn
from .errors import answer


def offer_flask_login(app: Flask) -> None:
    """Make ``flask_login.current_user`` and ``flask_login.login_required`` mean our session.

    Where the host has a ``LoginManager`` of its own, that one is left alone. Ours is not initialised with
    ``init_app``, which would have every answer open Flask's session for the remember cookie that we do not use.
    """
    if hasattr(app, "login_manager"):
        return
    manager = LoginManager()
    manager.session_protection = None
    manager.anonymous_user = Anonymous
    manager.request_loader(lambda request: None if isinstance(found := person(), Anonymous) else found)
    manager.unauthorized_handler(lambda: answer(NotSignedIn(visit().ended)))
    app.login_manager = manager  # type: ignore[attr-defined] # the attribute by which Flask-Login finds its manager

    @app.context_processor
    def offer() -> dict[str, Any]:
        return {"current_user": current_user}
