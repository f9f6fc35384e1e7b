"""The standalone application, and the console script ``gatehouse``."""

from collections.abc import Mapping
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from jinja2 import StrictUndefined

from .cli import gatehouse_commands
from .cli.groups import DeferredGroup, Deferring, Explaining
from .cli.init import init
from .cli.judging import UNDECIDED, Doctor, JudgingCommand
from .extension import install
from .kernel.deferred import Deferred
from .settings import ConfigurationError
from .web.blueprint import close_everywhere
from .web.encryption import insist_on_https
from .web.state import EXTENSION, State

# Nothing that is for development alone is loaded anywhere else.
_OFFER_EMBEDDED_PROVIDER = Deferred("dev.attachment:offer")
_RUN = Deferred("dev.running:run")
_FOR_DEVELOPMENT = (
    "gatehouse run is for development. Set GATEHOUSE_ENV=development on your own machine; elsewhere use a "
    "real server: gunicorn flask_gatehouse.wsgi:app"
)


class _Notices(SecureCookieSessionInterface):
    """Flask's own session, whose signer is made once.

    Flask makes one each time that it reads or writes a session: three times in a sign-in, and once in every request.
    """

    _signer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the standalone application: Flask, and the extension at ``/``.

    :param config: wins over the environment, by the same names.
    :raises ConfigurationError: with everything that is wrong with the configuration.
    """
    app = Flask("flask_gatehouse", static_folder=None)
    app.config.from_mapping(config or {})
    app.jinja_env.undefined = StrictUndefined
    install(app, None, "")
    state: State = app.extensions[EXTENSION]
    # It carries greetings to the next page, and nothing else.
    app.session_interface = _Notices()
    app.config.update(
        SESSION_COOKIE_NAME=f"{state.session_cookie}-notices",
        # What __Host- demands, also where a server has mounted us below a path.
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SECURE=state.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
    )
    close_everywhere(app, state)
    if state.settings.development:
        _OFFER_EMBEDDED_PROVIDER.load()(app)
    else:
        insist_on_https(app, state)
    return app


def _load() -> Flask:
    try:
        return create_app()
    except ConfigurationError as error:
        command = click.get_current_context().command
        if isinstance(command, Doctor):
            raise
        click.echo(str(error), err=True)
        if error.production and command is run:
            # Whoever types it first of all has configured nothing, and means her own machine.
            click.echo(_FOR_DEVELOPMENT, err=True)
        raise SystemExit(UNDECIDED if isinstance(command, JudgingCommand) else 1) from None


@click.command("run")
@click.pass_obj
def run(info: ScriptInfo) -> None:
    """Run the development server, with the embedded provider and the worker."""
    app = info.load_app()
    state: State = app.extensions[EXTENSION]
    if not state.settings.development:
        click.echo(_FOR_DEVELOPMENT, err=True)
        raise SystemExit(1)
    _RUN.load()(app)


class Program(Deferring, Explaining, FlaskGroup):
    """The console script: Flask's, for this one application."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Which application, and whether a browser may run code in it, is no question here.
        self.params = [option for option in self.params if option.name not in {"app", "debug"}]

    def list_commands(self, ctx: click.Context) -> list[str]:
        # Flask adds what is offered to hosts, which is all of this once more, and makes the application to ask it for
        # more: there would be no help before everything is configured.
        return sorted({*self.commands, *self.deferred})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) if cmd_name in self.list_commands(ctx) else None


@click.group(
    cls=Program,
    create_app=_load,
    add_default_commands=False,
    add_version_option=False,
    load_dotenv=False,
    set_debug_flag=False,
    deferred=gatehouse_commands.deferred,
)
@click.version_option(package_name="Flask-Gatehouse", prog_name="gatehouse")
def main() -> None:
    """The front gate of a Flask application: sign-in, sessions, users and the audit trail."""


host_commands = DeferredGroup("gatehouse", help=gatehouse_commands.help, deferred=gatehouse_commands.deferred)
for command in (init, run):
    main.add_command(command)
    host_commands.add_command(command)
