"""Whether the process answers, whether it can work, and what it has counted."""

import hmac

from flask import abort, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from ..db.base import now_of
from ..db.schema import HEAD, current_version
from ..kernel.clock import utc_now
from ..kernel.errors import DependencyUnavailable
from ..limiting import LimiterUnavailable
from ..settings import is_loopback
from .denials import NotFound
from .metrics import CONTENT_TYPE
from .state import state

# Seconds between our clock and the database's. Tokens of providers are judged by ours, with a minute's allowance: a
# node whose clock is wrong turns people away, or believes what has run out.
CLOCK_SKEW_S = 30


def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


def readyz() -> ResponseReturnValue:
    """Say what answers and what does not, in words that name no address and no secret."""
    found = {"database": "ok", "migrations": "ok", "clock": "ok", "limiter": "ok"}
    try:
        with state().database.reading() as connection:
            if current_version(connection) != HEAD:
                found["migrations"] = "run: gatehouse db upgrade"
            skew = (utc_now() - now_of(connection)).total_seconds()
            if abs(skew) > CLOCK_SKEW_S:
                found["clock"] = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the database's"
    except DependencyUnavailable:
        found |= {"database": "does not answer", "migrations": "unknown", "clock": "unknown"}
    try:
        state().limiter.check()
    except LimiterUnavailable:
        found["limiter"] = "Redis does not answer"
    if set(found.values()) == {"ok"}:
        return jsonify(status="ok", **found)
    return jsonify(status="unavailable", **found), 503, {"Retry-After": "5"}


def metrics() -> ResponseReturnValue:
    """Answer in Prometheus' text format whoever holds the token; in development this machine too.

    :raises NotFound: where nobody could hold one.
    """
    here = state()
    token = here.settings.metrics_token
    told = request.headers.get("Authorization", "")
    # How many people are here, and when, is nobody's business. In constant time: by parts a token could be guessed.
    allowed = token is not None and hmac.compare_digest(told.encode(), f"Bearer {token.reveal()}".encode())
    if not allowed and not (here.settings.development and is_loopback(request.remote_addr or "")):
        if token is None:
            raise NotFound
        abort(403)
    return make_response(here.metrics.text(here.database), {"Content-Type": CONTENT_TYPE})
