"""``gatehouse worker``: what has to be done and no request waits for."""

import signal
from threading import Event

import click
from flask.cli import with_appcontext

from ..ops import worker
from ..web.letters import writer_of
from ..web.logs import write_log
from ..web.state import current_application, state


@click.command("worker")
@with_appcontext
def run_worker() -> None:
    """Seal the trail, deliver letters and alerts, end sessions that are over and tidy up, until stopped."""
    # A server that does not answer is waited for; a path that is mistyped, or that it may not enter, would be in vain.
    state().database.existing_engine()
    write_log(state())
    run, stop = worker.prepare(state().database, state().settings, writer_of(current_application())), Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    click.echo("The worker is running. Press Ctrl+C to stop.")
    run(stop)
