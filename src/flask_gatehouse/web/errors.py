"""The one function that answers a failure: with a page, a message for htmx, or JSON."""

import logging
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from ..accounts.errors import LastAdministrator, RoleNotYours
from ..kernel.errors import DependencyUnavailable, GatehouseError
from ..kernel.urls import local_path
from ..limiting import LimiterUnavailable, TooManyRequests
from ..sessions.rules import EndReason
from ..signin.errors import ProviderUnavailable, SignInRefused, TooManyRefusals
from .answers import ANSWERS
from .connection import request_id
from .denials import ConfirmationRequired, CrossSiteRequest, NotAllowed, NotSignedIn
from .denied import note_outage, record_denial
from .htmx import current_page, is_htmx, redirect_by_htmx, this_page, trigger, varying, wants_json
from .language import marked as _, name_language, text
from .measures import Refused
from .once_more import keep_form
from .problems import problem
from .state import state
from .statuses import HTTP_ANSWERS, Answer, said
from .way_back import AGAIN, sign_in_path, way_back

log = logging.getLogger("flask_gatehouse")
# A view with this attribute answers with a file: the endpoint of the page that offers it, which takes the same values.
DOWNLOAD = "_gatehouse_download"


_COUNTED: dict[type, Refused] = {
    NotAllowed: Refused.NOT_ALLOWED,
    RoleNotYours: Refused.NOT_ALLOWED,
    CrossSiteRequest: Refused.CROSS_SITE,
    ConfirmationRequired: Refused.CONFIRMATION_REQUIRED,
    TooManyRequests: Refused.TOO_MANY,
    TooManyRefusals: Refused.TOO_MANY_REFUSALS,
    SignInRefused: Refused.SIGN_IN,
    LimiterUnavailable: Refused.LIMITER_AWAY,
}


def answer(error: GatehouseError) -> Response:
    """Return the response for an expected failure."""
    if isinstance(error, NotSignedIn):
        return _ask_to_sign_in(error)
    make = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    made = make(error)
    if reason := next((_COUNTED[kind] for kind in type(error).__mro__ if kind in _COUNTED), None):
        state().metrics.refusals.labels(reason).inc()
    if isinstance(error, NotAllowed | RoleNotYours | CrossSiteRequest | LastAdministrator):
        record_denial(error)
    if isinstance(error, ProviderUnavailable):
        note_outage(error)
    if isinstance(error, DependencyUnavailable):
        log.error("%s", error, exc_info=error)
    if isinstance(error, ConfirmationRequired) and not (is_htmx() or wants_json()):
        return _redirect(_way_to_confirm())
    response = _render(made)
    if isinstance(error, ConfirmationRequired):
        there = url_for("gatehouse.confirm", next=url_for("gatehouse.confirmed"))
        trigger(response, **{"gatehouse:confirm": {"url": there}})
    return response


def answer_http(error: HTTPException) -> Response:
    """Return the response for what Werkzeug, or an ``abort()`` in a view, raised."""
    if error.response is not None or error.code is None:
        made: Response = make_response(error.get_response())
        return made
    if request_ctx.url_adapter is None:
        # A Host header that no host can have: there is no address from which a page could be made.
        return make_response(f"{HTTPStatus(error.code).phrase}\n", error.code, {"Content-Type": "text/plain"})
    others = Answer(error.code, HTTPStatus(error.code).phrase, "", _("Go back and try again."))
    response = _render(said(HTTP_ANSWERS.get(error.code, others)))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _render(made: Answer) -> Response:
    # What leads from an answer to its lines in the log and the trail, where something is broken: the name of the
    # request, which the answer says as ``X-Request-ID`` and each line of the log has.
    reference = request_id() if made.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    if made.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("a bug was answered as %s, at %s %s", reference, request.method, request.url_rule)
    if wants_json():
        fields = {"fields": made.fields} if made.fields else {}
        response = problem(made.status, made.title, type=made.problem_type, detail=made.explanation, **fields)
    elif is_htmx():
        named = reference and text("Reference: %(reference)s", reference=reference)
        message = " ".join(part for part in (made.explanation, made.reasons, made.advice, named) if part)
        response = make_response(render_template("gatehouse/errors/_message.html", message=message, category="danger"))
    else:
        page = render_template(
            made.template,
            status=made.status,
            title=made.title,
            explanation=f"{made.explanation} {made.reasons}".rstrip(),
            advice=made.advice,
            reference=reference,
            retry_url=_retry_url(made),
            support_email=state().settings.support_email,
            **made.facts,
        )
        response = make_response(page)
    response.status_code = made.status
    # It may be a host's view that was refused, whose answers nobody of ours looks after.
    varying(name_language(response))
    if made.retry_after is not None:
        response.headers["Retry-After"] = str(made.retry_after)
    return response


def _retry_url(made: Answer) -> str | None:
    # A provider's answer can be brought once: whoever brings it again is refused.
    brought = request.endpoint == "gatehouse.finish_sign_in"
    if brought or made.template.endswith("refused.html") or this_page().startswith(sign_in_path()):
        again: str = request.environ.get(AGAIN) or url_for("gatehouse.sign_in")
        return again
    if made.status == HTTPStatus.BAD_REQUEST:
        # Sending a form once more brings the same token once more; its page brings a new one.
        return local_path(current_page())
    return this_page() if made.status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET" else None


_NOTICES = {
    EndReason.IDLE: "expired",
    EndReason.ABSOLUTE: "expired",
    EndReason.DEACTIVATED: "deactivated",
    EndReason.LOGOUT: "signed_out",
}


def sign_in_url(next_path: str | None, ended: EndReason | None) -> str:
    """Return the address of the sign-in page, with the way back and what to say there."""
    notice = None if ended is None else _NOTICES.get(ended, "ended")
    query = {name: value for name, value in (("next", way_back(next_path)), ("notice", notice)) if value}
    page = url_for("gatehouse.sign_in")
    # A host may have added to it.
    return f"{page}{'&' if '?' in page else '?'}{urlencode(query)}" if query else page


def _ask_to_sign_in(error: NotSignedIn) -> Response:
    if is_htmx():
        response = redirect_by_htmx(make_response("", 401), sign_in_url(current_page(), error.ended))
    elif wants_json():
        response = _render(ANSWERS[NotSignedIn](error))
        if request.endpoint == "gatehouse.session_status":
            # An open page asks this one by itself, and is led away whichever way it asks.
            redirect_by_htmx(response, sign_in_url(current_page(), error.ended))
    else:
        # A form that was sent too late comes back to the page on which it stood.
        here = this_page() if request.method in {"GET", "HEAD"} else current_page()
        response = _redirect(sign_in_url(here, error.ended))
    return varying(response)


def _way_to_confirm() -> str:
    offered_on: str | None = getattr(current_app.view_functions[request.endpoint or ""], DOWNLOAD, None)
    if offered_on is not None:
        # The page before a download stays on the screen, and that would be the provider's.
        flash(text("A download needs a fresh sign-in. Choose it again now."), "info")
        # A browser may keep the page to itself, and an address may have been typed.
        page = way_back(current_page()) or url_for(f"gatehouse.{offered_on}", **(request.view_args or {}))
        return url_for("gatehouse.confirm", next=page)
    if request.method in {"GET", "HEAD"}:
        return url_for("gatehouse.confirm", next=this_page())
    keep_form()
    return url_for("gatehouse.confirm", next=current_page(), ask=1)


def _redirect(url: str) -> Response:
    response: Response = make_response(redirect(url))
    return response
