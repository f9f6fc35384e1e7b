"""Failures as programs read them: RFC 9457 problem details."""

from typing import Any

from flask import Response, jsonify


def problem(status: int, title: str, *, type: str = "about:blank", **more: Any) -> Response:
    """Return problem details (RFC 9457 section 3).

    :param type: the kind of problem where its status does not say enough.
    :param more: ``detail``, and members of our own.
    """
    response = jsonify(type=type, title=title, status=status, **more)
    response.mimetype, response.status_code = "application/problem+json", status
    return response
