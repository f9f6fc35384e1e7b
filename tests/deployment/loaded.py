"""The application, which tells besides whether garbage is looked for, and whether it was while it was loaded."""

import gc
import json
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

LOOKED_FOR_WHILE_LOADING = gc.isenabled()

from flask_gatehouse.wsgi import app as gatehouse  # noqa: E402 - what is above is of the time before it


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/garbage":
        return gatehouse(environ, start_response)
    start_response("200 OK", [("Content-Type", "application/json")])
    told = {
        "while_loading": LOOKED_FOR_WHILE_LOADING,
        "now": gc.isenabled(),
        "left_alone": gc.get_freeze_count(),
        "looked_at": len(gc.get_objects()),
    }
    return [json.dumps(told).encode()]
