"""The log of the standalone application in production: one JSON object on each line."""

import json
import logging
import sys
from datetime import UTC, datetime

from flask import Flask, has_request_context, request

from ..accounts.rules import Role
from ..settings import SignUp
from .connection import request_id
from .log_queue import QueuedLog
from .state import EXTENSION, State

_FACTS = ("method", "route", "status", "duration_ms")
# Made once: ``json.dumps`` makes a new encoder for each line that is not written with its defaults.
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
log = logging.getLogger("flask_gatehouse")


class JsonFormatter(logging.Formatter):
    """Writes ``time`` (UTC), ``level``, ``logger`` and ``message``; ``request_id`` where one is running.

    Lines about requests have ``method``, ``route``, ``status`` and ``duration_ms`` too, and those about faults an
    ``exception``. Nothing here reads an address, a cookie or a query. JSON keeps each record on its line, so that
    nobody writes lines of her own by what she sends.
    """

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            entry["request_id"] = request_id()
        entry |= {name: record.__dict__[name] for name in _FACTS if name in record.__dict__}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return _encode(entry)


class RouteForPath(logging.Filter):
    """Names the route where Flask says at which address a view of ours has failed.

    The address of a letter's link opens what is behind it: whoever reads the log could lock accounts with it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context() and request.blueprint == "gatehouse" and request.path in record.getMessage():
            record.msg, record.args = record.getMessage().replace(request.path, str(request.url_rule)), ()
        return True


def keep_paths_out(app: Flask) -> None:
    """Keep addresses of ours out of what Flask writes about faults; the host's own stay as they are."""
    # By its name: whoever asks for ``app.logger`` before the host has configured logging adds a handler to it.
    logging.getLogger(app.name).addFilter(RouteForPath())


def write_log(here: State) -> None:
    """Write the log in production as JSON to standard error, without waiting for whoever reads it.

    An operator who has configured logging in another way keeps it.
    """
    root = logging.getLogger()
    if here.settings.development or root.handlers:
        return
    handler = QueuedLog(sys.stderr, here.metrics.lost_lines.inc)
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    log.setLevel(logging.INFO)


def begin_logging(app: Flask) -> None:
    """Write the log, and say how the application runs."""
    here: State = app.extensions[EXTENSION]
    write_log(here)
    if here.settings.default_role == Role.ADMIN and here.settings.signup is not SignUp.INVITED:
        log.warning("GATEHOUSE_DEFAULT_ROLE=admin: whoever signs in for the first time is an administrator")
    if not here.limiter.is_shared:
        log.warning("REDIS_URL is not set: each process counts requests by itself, so that limits are for each process")
