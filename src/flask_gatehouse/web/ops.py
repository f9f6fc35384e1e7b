"""Whether the process answers, and whether it can work."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from ..db.schema import HEAD, current_version
from ..kernel.errors import DependencyUnavailable
from ..limiting import LimiterUnavailable
from .state import state


def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


def readyz() -> ResponseReturnValue:
    """Say what answers and what does not, in words that name no address and no secret."""
    found = {"database": "ok", "migrations": "ok", "limiter": "ok"}
    try:
        with state().database.reading() as connection:
            if current_version(connection) != HEAD:
                found["migrations"] = "run: gatehouse db upgrade"
    except DependencyUnavailable:
        found |= {"database": "does not answer", "migrations": "unknown"}
    try:
        state().limiter.check()
    except LimiterUnavailable:
        found["limiter"] = "Redis does not answer"
    if set(found.values()) == {"ok"}:
        return jsonify(status="ok", **found)
    return jsonify(status="unavailable", **found), 503, {"Retry-After": "5"}
