"""The standalone application is reached by https alone."""

import logging

from flask import Flask, Response, redirect, request
from werkzeug import Response as AnyResponse

from .connection import came_by_https
from .denials import HttpsRequired
from .errors import answer
from .htmx import is_htmx, this_page, wants_json
from .routes import PROBE
from .state import State

log = logging.getLogger("flask_gatehouse")


def insist_on_https(app: Flask, here: State) -> None:
    """Send people who come by http to the same page by https, and refuse everything else.

    Only pages lead on by themselves (ASVS 5.0 V4.1.2): a program, or a form, that was sent in the open would go on
    being sent so for ever, unnoticed. Probes ask beside the proxy that encrypts.
    """
    proxies = here.settings.trusted_proxies
    told: list[bool] = []

    @app.before_request
    def insist() -> Response | AnyResponse | None:
        if came_by_https(request.environ, proxies):
            return None
        if getattr(app.view_functions.get(request.endpoint or ""), PROBE, False):
            return None
        if not told and not proxies and request.headers.get("X-Forwarded-Proto", "").lower() == "https":
            told.append(True)
            log.error(
                "X-Forwarded-Proto says https, and is not believed: set GATEHOUSE_TRUSTED_PROXIES to the number of "
                "proxies before this application. Until then its pages lead to themselves without end."
            )
        if request.method in {"GET", "HEAD"} and not is_htmx() and not wants_json():
            # Built from the base URL: by a forged Host header an attacker would choose where people are sent.
            return redirect(here.settings.base_url + this_page(), 308)
        return answer(HttpsRequired())
