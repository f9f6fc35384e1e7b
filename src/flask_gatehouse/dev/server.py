"""The development server behind ``gatehouse run``."""

import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable

import click
from flask import Flask
from werkzeug.serving import make_server

from ..web.state import EXTENSION, State

# With the embedded provider whoever could connect from another machine would come in as anyone.
HOST = "127.0.0.1"
# How long the worker may take to finish what it is doing, in seconds.
PATIENCE = 5.0


def serve(app: Flask, worker: Callable[[threading.Event], None]) -> None:
    """Answer requests on this machine until Ctrl+C or SIGTERM; neither a debugger nor a reloader.

    :param worker: runs beside it in a thread of its own, and returns once its event is set.
    :raises SystemExit: with 1 if the port is taken.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    state: State = app.extensions[EXTENSION]
    port, stop = state.settings.port, threading.Event()
    with contextlib.suppress(KeyboardInterrupt), _listen(port) as listening:
        server = make_server(HOST, port, app, threaded=True, fd=listening.fileno())
        background = threading.Thread(target=worker, args=(stop,), name="gatehouse-worker", daemon=True)
        background.start()
        click.echo(f"Gatehouse is running on {state.settings.base_url} — press Ctrl+C to stop.")
        try:
            server.serve_forever()
        finally:
            stop.set()
            background.join(PATIENCE)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        why = "is in use by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        click.echo(f"Port {port} {why}. Stop what uses it, or choose another one: PORT={port + 1}", err=True)
        raise SystemExit(1) from None
