"""The standalone application, and the console script ``gatehouse``."""

import logging
from collections.abc import Mapping
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo
from jinja2 import StrictUndefined

from .cli import Explaining, ExplainingGroup, gatehouse_commands
from .cli.doctor import Doctor
from .cli.init import init
from .cli.judging import UNDECIDED, JudgingCommand
from .db.migrate import upgrade
from .dev import EMBEDDED_PROVIDER, EmbeddedProviderRefused, attach
from .dev.server import serve
from .extension import Gatehouse
from .ops import worker
from .settings import ConfigurationError
from .web.blueprint import close_everywhere
from .web.encryption import insist_on_https
from .web.errors import answer_everywhere
from .web.letters import writer_of
from .web.state import EXTENSION, State

log = logging.getLogger("flask_gatehouse")
_FOR_DEVELOPMENT = (
    "gatehouse run is for development. Set GATEHOUSE_ENV=development on your own machine; elsewhere use a "
    "real server: gunicorn flask_gatehouse.wsgi:app"
)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the standalone application: Flask, and the extension at ``/``.

    :param config: wins over the environment, by the same names.
    :raises ConfigurationError: with everything that is wrong with the configuration.
    """
    app = Flask("flask_gatehouse", static_folder=None)
    app.config.from_mapping(config or {})
    app.jinja_env.undefined = StrictUndefined
    Gatehouse(app, url_prefix="")
    state: State = app.extensions[EXTENSION]
    # Flask's own session carries greetings to the next page, and nothing else.
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
    answer_everywhere(app)
    close_everywhere(app, state)
    if not state.settings.development:
        insist_on_https(app, state)
    if state.settings.development:
        try:
            attach(app)
        except EmbeddedProviderRefused as refusal:
            log.warning("%s", refusal)
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
    if EMBEDDED_PROVIDER not in state.providers:
        try:
            attach(app)
        except EmbeddedProviderRefused as refusal:
            raise click.ClickException(str(refusal)) from refusal
    with app.app_context():
        upgrade(state.database.engine)
        working = worker.prepare(state.database, state.settings, writer_of(app))
    serve(app, "127.0.0.1", state.settings.port, worker=working)


class Program(Explaining, FlaskGroup):
    """The console script."""


@click.group(cls=Program, create_app=_load, add_default_commands=False, load_dotenv=False, set_debug_flag=False)
def main() -> None:
    """The front gate of a Flask application: sign-in, sessions, users and the audit trail."""


@click.group("gatehouse", cls=ExplainingGroup, help=gatehouse_commands.help)
def host_commands() -> None:
    """The same commands in a host: ``flask gatehouse …``."""


for name, command in {**gatehouse_commands.commands, "init": init, "run": run}.items():
    main.add_command(command, name)
    host_commands.add_command(command, name)
