"""The log of the standalone application in production: one JSON object on each line."""

import json
import logging
import sys
from datetime import UTC, datetime

from flask import Flask, has_request_context

from ..accounts.rules import Role
from ..settings import SignUp
from .connection import request_id
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


def begin_logging(app: Flask) -> None:
    """Say how the application runs and, in production, write the log as JSON to standard error.

    An operator who has configured logging in another way keeps it.
    """
    here: State = app.extensions[EXTENSION]
    root = logging.getLogger()
    if not here.settings.development and not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)
        logging.getLogger("flask_gatehouse").setLevel(logging.INFO)
    if here.settings.default_role == Role.ADMIN and here.settings.signup is not SignUp.INVITED:
        log.warning("GATEHOUSE_DEFAULT_ROLE=admin: whoever signs in for the first time is an administrator")
    if not here.limiter.is_shared:
        log.warning("REDIS_URL is not set: each process counts requests by itself, so that limits are for each process")
