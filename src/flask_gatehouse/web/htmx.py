"""What an HTMX request says, and the headers that answer it; the same for htmx 1.9, 2 and 4."""

import json
from functools import lru_cache
from urllib.parse import quote, urlsplit

from flask import Response, flash, make_response, redirect, render_template, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from ..kernel.urls import local_path

_JSON = ("application/json", "application/problem+json")


# What decides in which form an answer comes: whoever keeps one keeps it apart from those of other askers.
_ASKED_BY = "HX-Request, HX-Boosted, HX-History-Restore-Request, Accept"


def is_htmx() -> bool:
    """Return whether htmx asks, whose headers say where to go and what happened. To restore history it is a browser.

    htmx 1.9 and 2 say with ``HX-Request`` that they restore, htmx 4 says that alone.
    """
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def wants_part() -> bool:
    """Return whether htmx asks for a part of a page. A boosted link or form puts a whole page into the body."""
    return is_htmx() and request.headers.get("HX-Boosted") != "true"


def varying(response: Response) -> Response:
    """Say of an answer that its form depends on who asks."""
    said = response.headers.get("Vary", "")
    if _ASKED_BY not in said:
        response.headers["Vary"] = f"{said}, {_ASKED_BY}" if said else _ASKED_BY
    return response


def wants_json() -> bool:
    """Return whether the caller reads JSON rather than HTML."""
    return _prefers_json(request.headers.get("Accept", "")) and not is_htmx()


# Browsers send few of these, and reading one takes longer than all the rest of a header. Bounded: callers choose them.
@lru_cache(256)
def _prefers_json(accepted: str) -> bool:
    known = parse_accept_header(accepted, MIMEAccept)
    return known.best_match(["text/html", *_JSON]) in _JSON


def current_page() -> str | None:
    """Return the path of the page that asks, as htmx or the Referer tells it, to be used on this site alone."""
    told = request.headers.get("HX-Current-URL") or request.headers.get("Referer")
    if not told:
        return None
    try:
        parts = urlsplit(told)
    except ValueError:
        return None
    return local_path(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")


def this_page() -> str:
    """Return the path and query of the running request as the browser knows them: with the server's own part."""
    path = quote(request.script_root + request.path, safe="/:@!$&'()*+,;=~")
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path


def redirect_by_htmx(response: Response, url: str) -> Response:
    """Make htmx leave the page for another. A 302 would be followed and swapped into the page."""
    response.headers["HX-Redirect"] = url
    return response


def lead_to(url: str) -> Response:
    """Lead on after a change: a browser by 303, htmx by its header."""
    return redirect_by_htmx(make_response(""), url) if is_htmx() else make_response(redirect(url, 303))


def done(message: str, page: str) -> Response:
    """Answer that something is done of which nothing is left to show.

    :param page: where a browser goes, and is told of it.
    """
    if wants_json():
        return make_response("", 204)
    if wants_part():
        # Not 204, on which htmx removes nothing.
        return make_response(render_template("gatehouse/errors/_message.html", message=message, category="success"))
    flash(message, "success")
    return make_response(redirect(page, 303))


def trigger(response: Response, **events: object) -> Response:
    """Have htmx dispatch events in the page once the answer has been dealt with."""
    response.headers["HX-Trigger"] = json.dumps(events)
    return response
