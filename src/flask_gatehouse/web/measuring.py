"""How long each request took: into the metrics, and one line for each into the log of the standalone application."""

import logging
from time import perf_counter

from flask import Response, current_app, request

from .connection import request_id
from .routes import PROBE
from .state import State

log = logging.getLogger("flask_gatehouse.requests")
_BEGAN = "_gatehouse_began"
# Whoever invents a method does not invent a label with it.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


def begin() -> None:
    """Start the clock of the running request."""
    request.__dict__[_BEGAN] = perf_counter()


def observe(response: Response, here: State) -> None:
    """Count a request of the gate."""
    here.metrics.requests.labels(_route(), _method(), str(response.status_code)).observe(_seconds())


def write_down(response: Response) -> None:
    """Write a request into the log: the route instead of the address, which may name people and hold secrets."""
    probe = getattr(current_app.view_functions.get(request.endpoint or ""), PROBE, False)
    level = logging.DEBUG if probe else logging.INFO
    if not log.isEnabledFor(level):
        return
    facts = {
        "request_id": request_id(),
        "method": _method(),
        "route": _route(),
        "status": response.status_code,
        "duration_ms": round(_seconds() * 1000, 1),
    }
    log.log(level, "%s %s %s", facts["method"], facts["route"], facts["status"], extra=facts)


def _seconds() -> float:
    began: float = request.__dict__.get(_BEGAN, perf_counter())
    return perf_counter() - began


def _route() -> str:
    return request.url_rule.rule if request.url_rule else "none"


def _method() -> str:
    return request.method if request.method in _METHODS else "other"
