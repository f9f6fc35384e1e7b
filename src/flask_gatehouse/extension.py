"""``Gatehouse``: puts the gate into an application."""

from typing import Any

from flask import Flask

from .cli import gatehouse_commands
from .db.sources import database_of
from .settings import Settings
from .signin.attempt import AttemptSigner
from .signin.providers import make_providers
from .web.blueprint import make_blueprint
from .web.csrf import csrf_token
from .web.login_manager import offer_flask_login
from .web.requests import follow_requests
from .web.state import EXTENSION, State


class Gatehouse:
    """Sign-in, sessions and roles for one or more applications.

    :param app: the application; leave it out in a factory and call :meth:`init_app`.
    :param db: the host's own database: Flask-SQLAlchemy's or Flask-SQLAlchemy-Lite's object, or a plain
        ``sessionmaker``. Without it, Gatehouse connects to ``DATABASE_URL`` by itself.
    :param url_prefix: where the gate's pages stand.
    """

    def __init__(self, app: Flask | None = None, *, db: Any = None, url_prefix: str = "/gate") -> None:
        self.db = db
        self.url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an application up. All state is the application's own; this object only remembers its arguments.

        :raises ConfigurationError: with everything that is wrong with the configuration.
        :raises RuntimeError: if the application has a gate already.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError("This application has a Gatehouse already: call init_app() once for each application.")
        settings = Settings.load(app.config, url_prefix=self.url_prefix)
        keys = [secret.reveal() for secret in (*reversed(settings.secret_key_fallbacks), settings.secret_key)]
        if not app.secret_key:
            app.secret_key = keys[-1]
            app.config["SECRET_KEY_FALLBACKS"] = keys[:-1] or None
        state = State(
            settings=settings,
            database=database_of(self.db, settings),
            providers=make_providers(settings),
            signer=AttemptSigner(keys),
            keys=tuple(key.encode() for key in keys),
        )
        app.extensions[EXTENSION] = state
        app.jinja_env.globals.setdefault("csrf_token", csrf_token)
        app.register_blueprint(make_blueprint(state), url_prefix=settings.url_prefix or None)
        follow_requests(app, self.db)
        offer_flask_login(app)
        app.cli.add_command(gatehouse_commands)
