"""Answers that are files, which somebody keeps. Whoever asks about one with HEAD has not taken it."""

from flask import Response, request


def is_taken() -> bool:
    """Return whether the file itself is asked for. HEAD is answered like GET otherwise, and is seen here alone.

    Without this, a link checker would put exports into the trail that nobody has.
    """
    method: str = request.environ["REQUEST_METHOD"]
    return method != "HEAD"


def named(response: Response, name: str) -> Response:
    """Have a browser keep an answer as a file of this name."""
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
