"""``Gatehouse``: puts the gate into an application."""

import re

from flask import Flask

from .audit.announcing import AUDIENCE
from .cli import gatehouse_commands
from .db.sources import HostDatabase, database_of
from .limiting import make_limiter
from .settings import Settings
from .signin.attempt import AttemptSigner
from .signin.providers import make_providers
from .web.blueprint import make_blueprint
from .web.csrf import csrf_token
from .web.login_manager import offer_flask_login
from .web.logs import keep_paths_out
from .web.receivers import Receivers
from .web.requests import follow_requests
from .web.state import EXTENSION, State

# Names alone: a browser takes ``/.`` and ``/..`` out of an address before it asks for it.
_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+/?")


class Gatehouse:
    """Sign-in, sessions and roles for one or more applications.

    :param app: the application; leave it out in a factory and call :meth:`init_app`.
    :param db: the host's own database: Flask-SQLAlchemy's or Flask-SQLAlchemy-Lite's object, a plain
        ``sessionmaker``, or an ``Engine``. Without it, Gatehouse connects to ``DATABASE_URL`` by itself.
    :param url_prefix: where the gate's pages stand.
    :raises ValueError: if ``url_prefix`` is no path of its own; and what :meth:`init_app` raises, if ``app`` is given.
    """

    def __init__(self, app: Flask | None = None, *, db: HostDatabase | None = None, url_prefix: str = "/gate") -> None:
        if not _PREFIX.fullmatch(url_prefix):
            raise ValueError(
                f"Gatehouse(url_prefix=…) takes a path of its own, such as /gate, not {url_prefix!r}: the start page "
                "is the host's. An application of the gate alone is made by flask_gatehouse.app.create_app()."
            )
        self.db = db
        self.url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an application up. All state is the application's own; this object only remembers its arguments.

        :param app: with its configuration, and with the extension of ``db`` set up.
        :raises ConfigurationError: with everything that is wrong with the configuration.
        :raises RuntimeError: if the application has a gate already.
        :raises TypeError: if ``db`` is nothing that has an engine.
        """
        install(app, self.db, self.url_prefix)


def install(app: Flask, db: HostDatabase | None, url_prefix: str) -> None:
    """Set an application up, as :meth:`Gatehouse.init_app` does; also at its root, where no host's start page is.

    :param url_prefix: empty for the root.
    """
    if EXTENSION in app.extensions:
        raise RuntimeError("This application has a Gatehouse already: call init_app() once for each application.")
    # Where a host brings its database, DATABASE_URL may be an address for a driver that we do not know.
    config = app.config if db is None else {**app.config, "DATABASE_URL": ""}
    settings = Settings.load(config, root=app.config["APPLICATION_ROOT"], url_prefix=url_prefix)
    keys = [secret.reveal() for secret in (*reversed(settings.secret_key_fallbacks), settings.secret_key)]
    _let_flask_sign(app, keys)
    audience = Receivers(app)
    state = State(
        settings=settings,
        database=database_of(db, settings, {AUDIENCE: audience}),
        providers=make_providers(settings),
        signer=AttemptSigner(keys),
        keys=tuple(key.encode() for key in keys),
        limiter=make_limiter(settings),
    )
    app.extensions[EXTENSION] = state
    app.jinja_env.globals.setdefault("csrf_token", csrf_token)
    app.register_blueprint(make_blueprint(state), url_prefix=settings.url_prefix or None)
    follow_requests(app, db, audience)
    keep_paths_out(app)
    offer_flask_login(app)
    app.cli.add_command(gatehouse_commands)


def _let_flask_sign(app: Flask, keys: list[str]) -> None:
    """Give our keys to an application without one, and see to it that Flask reads the former ones as we do.

    :param keys: the oldest first; the last one signs.
    """
    has_none = not app.secret_key
    if has_none:
        app.secret_key = keys[-1]
    # Flask goes through what it finds here: of a text with commas between the keys, which we take, each character would
    # be a key of its own, with which anybody signs the host's session as whom she likes.
    if has_none or isinstance(app.config.get("SECRET_KEY_FALLBACKS"), str | bytes):
        app.config["SECRET_KEY_FALLBACKS"] = keys[:-1] or None
