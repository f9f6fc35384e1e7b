"""The blueprint of one application: routes, templates, static files, error answers and headers."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException

from ..kernel.errors import GatehouseError
from . import ROUTES
from .actor import BACKGROUND, Anonymous, Person, current_user, person, visit
from .addresses import FILES, keep_file, static_url
from .auth import seconds_left
from .components import Components
from .connection import request_id
from .csrf import csrf_token
from .decorators import guard
from .errors import DOWNLOAD, answer, answer_http
from .exact import ExactBlueprint
from .headers import mark_private, secure
from .htmx import varying, wants_json
from .labels import device_in_words, role_in_words
from .language import language, name_language, number, plural, text
from .limits import limited
from .measuring import observe, write_down
from .moments import ago, day, minute, moment
from .navigation import navigation
from .round_trip import discard_spent_attempt
from .routes import PROBE, Route
from .state import State, state
from .undo import flashed

PACKAGE = Path(__file__).parent.parent


class PageContext(Components):
    """What every template of ours can ask, as ``gatehouse``."""

    def __init__(self, here: State) -> None:
        self.settings = here.settings
        self.csrf_token = csrf_token
        self.home_url = here.start_page
        self.number = number
        self.flashed = flashed

    @property
    def current_user(self) -> Person | Anonymous:
        """Return who asks: the person herself, because the proxy looks for her anew with each of her attributes."""
        return person()

    @property
    def language(self) -> str:
        """Return the language of the page, for ``<html lang>``."""
        return language()

    @property
    def seconds_left(self) -> int | None:
        """Return for how many seconds the session lasts, or None for whoever is not signed in."""
        found = visit().session
        return None if found is None else seconds_left(found)

    @property
    def navigation(self) -> list[tuple[str, str, str, bool]]:
        """Return the places of the bar at the top, for whoever is signed in."""
        return navigation()

    @property
    def sign_in_again_url(self) -> str:
        """Return where a new session begins that replaces this one, which a confirmation would not prolong."""
        here, found = state(), visit().session
        name = found.provider if found and found.provider in here.providers else next(iter(here.providers), None)
        return url_for("gatehouse.begin_sign_in", provider=name) if name else url_for("gatehouse.sign_in")


def _add(blueprint: Blueprint, route: Route) -> None:
    view = guard(route.view, route.may, route.confirmed, route.pages)
    if not route.probe:
        view = limited(view, route.limit, route.insists)
    setattr(view, BACKGROUND, route.background)
    setattr(view, PROBE, route.probe)
    setattr(view, DOWNLOAD, route.download)
    # Without a slash it would be led to the one with it by Flask, to whatever somebody says is the host, for good.
    loosely = {"strict_slashes": False} if route.rule == "/" else {}
    blueprint.add_url_rule(route.rule, route.endpoint, view, methods=list(route.may), **loosely)


def make_blueprint(here: State) -> Blueprint:
    """Return the blueprint, with the routes that belong into this application."""
    blueprint = ExactBlueprint(
        "gatehouse",
        "flask_gatehouse",
        template_folder=str(PACKAGE / "templates"),
        static_folder=str(FILES),
        static_url_path="/static/gatehouse",
    )
    for route in ROUTES:
        if here.settings.development or not route.development:
            _add(blueprint, route)
    context = PageContext(here)

    @blueprint.app_context_processor
    def offer() -> dict[str, Any]:
        return {"gatehouse": context}

    # A host's pages keep the ``current_user`` and ``csrf_token`` that they had; on ours they are always our own.
    @blueprint.context_processor
    def offer_on_our_pages() -> dict[str, Any]:
        return {"current_user": current_user, "csrf_token": csrf_token}

    @blueprint.before_request
    def answer_head_as_get() -> None:
        # Flask gives HEAD to whatever takes GET. A view that asks "is it GET?" would take it for a change that neither
        # token nor confirmation has protected: without this, a link checker signs people out, and erases them.
        if request.method == "HEAD":
            request.method = "GET"

    @blueprint.after_request
    def close(response: Response) -> Response:
        discard_spent_attempt(response)
        name_language(response)
        if response.content_length == 0 and wants_json():
            # What is no body is of no kind: a program that has asked for JSON would read that it is HTML.
            response.headers.pop("Content-Type", None)
        if not keep_file(response):
            mark_private(varying(response))
        return finish(response, here)

    _offer_words(blueprint)
    blueprint.register_error_handler(GatehouseError, answer)
    blueprint.register_error_handler(HTTPException, answer_http)
    return blueprint


def _offer_words(blueprint: Blueprint) -> None:
    """Give all templates what ours are written with."""
    # Globals, because a macro that is made once for all pages knows nothing else; and with our name, so that they are
    # nobody else's.
    blueprint.add_app_template_global(csrf_token, "gatehouse_csrf_token")
    blueprint.add_app_template_global(static_url, "gatehouse_static")
    blueprint.add_app_template_global(text, "gatehouse_text")
    blueprint.add_app_template_global(plural, "gatehouse_plural")
    blueprint.add_app_template_filter(moment, "moment")
    blueprint.add_app_template_filter(ago, "ago")
    blueprint.add_app_template_filter(day, "gatehouse_day")
    blueprint.add_app_template_filter(minute, "gatehouse_minute")
    blueprint.add_app_template_filter(device_in_words, "gatehouse_device")
    blueprint.add_app_template_filter(role_in_words, "gatehouse_role")


def close_everywhere(app: Flask, here: State) -> None:
    """Answer also for addresses that belong to nobody, with our headers; for the standalone application alone."""
    app.register_error_handler(HTTPException, answer_http)

    @app.after_request
    def close(response: Response) -> Response:
        if request.blueprint == "gatehouse":
            return response
        return finish(mark_private(name_language(response)), here)


def finish(response: Response, here: State) -> Response:
    """Put on an answer what all of ours carry, and count it."""
    observe(response, here)
    if not here.settings.url_prefix:
        write_down(response)
    response.headers["X-Request-ID"] = request_id()
    return secure(response, https=here.secure_cookies)
