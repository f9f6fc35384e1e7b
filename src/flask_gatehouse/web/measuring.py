"""How long each request took: into the metrics, and one line for each into the log of the standalone application."""

import logging
from time import perf_counter

from flask import Request, Response, current_app

from .connection import request_id
from .routes import PROBE
from .state import State, current_request

log = logging.getLogger("flask_gatehouse.requests")
_BEGAN = "_gatehouse_began"
# Whoever invents a method does not invent a label with it.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


def begin(asked: Request) -> None:
    """Start the clock of a request."""
    asked.__dict__[_BEGAN] = perf_counter()


def observe(response: Response, here: State) -> None:
    """Count a request of the gate."""
    asked = current_request()
    here.metrics.requests.labels(_route(asked), _method(asked), str(response.status_code)).observe(_seconds(asked))


def write_down(response: Response) -> None:
    """Write a request into the log: the route instead of the address, which may name people and hold secrets."""
    asked = current_request()
    probe = getattr(current_app.view_functions.get(asked.endpoint or ""), PROBE, False)
    level = logging.DEBUG if probe else logging.INFO
    if not log.isEnabledFor(level):
        return
    facts = {
        "request_id": request_id(),
        "method": _method(asked),
        "route": _route(asked),
        "status": response.status_code,
        "duration_ms": round(_seconds(asked) * 1000, 1),
    }
    words = (facts["method"], facts["route"], facts["status"])
    # As ``log.log()`` does, except that it looks for its caller among the frames, who is always this one.
    log.handle(log.makeRecord(log.name, level, __file__, _LINE, "%s %s %s", words, None, write_down.__name__, facts))


# Where a formatter that asks for the line finds what has written it.
_LINE = write_down.__code__.co_firstlineno


def _seconds(asked: Request) -> float:
    began: float = asked.__dict__.get(_BEGAN, perf_counter())
    return perf_counter() - began


def _route(asked: Request) -> str:
    return asked.url_rule.rule if asked.url_rule else "none"


def _method(asked: Request) -> str:
    return asked.method if asked.method in _METHODS else "other"
