"""What ``gatehouse run`` runs: the development server with everything beside it."""

import click
from flask import Flask

from ..db.migrate import upgrade
from ..ops import worker
from ..web.letters import writer_of
from ..web.state import EXTENSION, State
from .attachment import EMBEDDED_PROVIDER, attach
from .guards import EmbeddedProviderRefused
from .server import serve


def run(app: Flask) -> None:
    """Bring the database to the newest schema, and serve until somebody stops it."""
    state: State = app.extensions[EXTENSION]
    if EMBEDDED_PROVIDER not in state.providers:
        try:
            attach(app)
        except EmbeddedProviderRefused as refusal:
            raise click.ClickException(str(refusal)) from refusal
    with app.app_context():
        upgrade(state.database.engine)
        working = worker.prepare(state.database, state.settings, writer_of(app))
    serve(app, working)
