"""Whether the process answers, and whether it can work."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from ..db.schema import HEAD, current_version
from ..kernel.errors import DependencyUnavailable
from .state import state


def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


def readyz() -> ResponseReturnValue:
    try:
        with state().database.reading() as connection:
            version = current_version(connection)
    except DependencyUnavailable:
        return jsonify(status="unavailable", database="does not answer"), 503, {"Retry-After": "5"}
    if version != HEAD:
        return jsonify(status="unavailable", migrations="run: gatehouse db upgrade"), 503, {"Retry-After": "30"}
    return jsonify(status="ok", database="ok", migrations="ok")
