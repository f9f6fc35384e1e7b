"""The one table from failures to answers, and the one function that answers: a page, a message for htmx, or JSON."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from ..accounts.errors import (
    AccountDeactivated,
    AddressTaken,
    AlreadyAdministrator,
    AlreadyAUser,
    ConcurrentRegistration,
    EditConflict,
    InvalidField,
    InvalidQuery,
    InvitationNotFound,
    JoinRequestNotFound,
    LastAdministrator,
    NotOnYourself,
    RoleNotYours,
    UserNotFound,
)
from ..audit import AuditEvent, record
from ..db.database import SchemaMissing
from ..kernel.errors import DependencyUnavailable, GatehouseError
from ..kernel.urls import local_path
from ..sessions.rules import EndReason
from ..settings import ConfigurationError
from ..signin.errors import ProviderUnavailable, SignInRefused, UnknownProvider
from .actor import actor
from .denials import ConfirmationRequired, CrossSiteRequest, NotAllowed, NotFound, NotSignedIn, ObjectNotAllowed
from .htmx import current_page, is_htmx, redirect_by_htmx, this_page, trigger, wants_json
from .refusals import refusal_answer
from .state import state
from .way_back import AGAIN, way_back

log = logging.getLogger("flask_gatehouse")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a failure says, in whichever form it is asked for."""

    status: int
    title: str
    explanation: str
    advice: str = ""
    template: str = "gatehouse/errors/error.html"
    problem_type: str = "about:blank"
    retry_after: int | None = None
    facts: dict[str, object] = field(default_factory=dict)


NOT_FOUND = Answer(404, "Page not found", "There is nothing at this address.", "Check the address, or go back.")


def _unavailable(error: GatehouseError) -> Answer:
    seconds = error.retry_after if isinstance(error, DependencyUnavailable) else 5
    return Answer(
        503,
        "Back in a moment",
        "Something that we need does not answer right now.",
        f"Nobody is signed out by that. Try again in {seconds} seconds.",
        retry_after=seconds,
    )


def _provider_unavailable(error: GatehouseError) -> Answer:
    seconds = error.retry_after if isinstance(error, DependencyUnavailable) else 30
    return Answer(
        503,
        "The sign-in service does not answer",
        "The service that you sign in with does not answer right now. Nothing is wrong with your account.",
        f"Try again in {seconds} seconds, or choose another way to sign in.",
        retry_after=seconds,
    )


def _refused(error: GatehouseError) -> Answer:
    if not isinstance(error, SignInRefused):
        raise TypeError("this answer is for refused sign-ins alone")
    text = refusal_answer(error.reason, error.facts)
    return Answer(
        text.status,
        text.title,
        text.explanation,
        text.advice,
        "gatehouse/auth/refused.html",
        facts={"reason": error.reason},
    )


def _always(answer: Answer) -> Callable[[GatehouseError], Answer]:
    return lambda error: answer


_CONFLICT = _always(
    Answer(409, "Somebody else was faster", "This has changed meanwhile.", "Reload the page and look again.")
)

# Every expected failure of every room; a test holds it complete. The nearest ancestor of a class counts.
ANSWERS: dict[type[GatehouseError], Callable[[GatehouseError], Answer]] = {
    NotSignedIn: _always(Answer(401, "Please sign in", "This is for people who are signed in.")),
    NotAllowed: _always(
        Answer(403, "Not allowed", "Your role does not include this.", "Ask an administrator if you need it.")
    ),
    ObjectNotAllowed: _always(
        Answer(403, "Not allowed", "You may not do this here.", "Reload the page and look again.")
    ),
    CrossSiteRequest: _always(
        Answer(
            400,
            "Please reload the page",
            "This page is too old, or the request came from elsewhere.",
            "Go back to the page, reload it, then try again.",
        )
    ),
    ConfirmationRequired: _always(
        Answer(
            403,
            "Is it you?",
            "This needs a fresh confirmation.",
            "Confirm who you are.",
            problem_type="confirmation-required",
        )
    ),
    NotFound: _always(NOT_FOUND),
    UserNotFound: _always(NOT_FOUND),
    UnknownProvider: _always(NOT_FOUND),
    SignInRefused: _refused,
    AddressTaken: _CONFLICT,
    AlreadyAdministrator: _CONFLICT,
    ConcurrentRegistration: _CONFLICT,
    EditConflict: _CONFLICT,
    AlreadyAUser: _always(
        Answer(409, "Already here", "Somebody here has this address already.", "Change her role in the list of users.")
    ),
    LastAdministrator: _always(
        Answer(
            409,
            "The last administrator stays",
            "Without this person nobody would be left who lets people in.",
            "Make somebody else an administrator first.",
        )
    ),
    NotOnYourself: _always(
        Answer(403, "Not on yourself", "Nobody deactivates or deletes herself here.", "Ask another administrator.")
    ),
    RoleNotYours: _always(
        Answer(403, "Not allowed", "Only administrators change roles.", "Ask an administrator if you need another one.")
    ),
    InvalidField: _always(
        Answer(422, "Please check your input", "Something in the form is not valid.", "Correct it, then try again.")
    ),
    InvalidQuery: _always(
        Answer(400, "Bad request", "This list does not know what was asked for.", "Go back, and use the page.")
    ),
    InvitationNotFound: _always(NOT_FOUND),
    JoinRequestNotFound: _always(NOT_FOUND),
    AccountDeactivated: _always(Answer(403, "Account deactivated", "This account has been deactivated.")),
    ProviderUnavailable: _provider_unavailable,
    DependencyUnavailable: _unavailable,
    SchemaMissing: _always(
        Answer(
            503, "Not set up yet", "This application is being set up or updated.", "Try again later.", retry_after=30
        )
    ),
    ConfigurationError: _always(Answer(500, "Not set up yet", "The configuration of this application is incomplete.")),
}

_HTTP_TEXTS = {
    400: ("Bad request", "The server could not make sense of this request.", "Reload the page, then try again."),
    403: ("Not allowed", "You may not do this.", ""),
    404: (NOT_FOUND.title, NOT_FOUND.explanation, NOT_FOUND.advice),
    405: ("Not possible here", "This address does not take that kind of request.", "Go back and use the page."),
    409: ("Somebody else was faster", "This has changed meanwhile.", "Reload the page and look again."),
    413: ("Too much", "What was sent is larger than what is accepted here.", "Send less at once."),
    422: ("Please check your input", "Something in the form is not valid.", "Correct it, then try again."),
    429: ("A little slower, please", "Too many requests came from you.", "Wait a moment, then try again."),
    500: ("Something went wrong", "That is our fault, and it has been written down.", "Try again, or come back later."),
    503: ("Back in a moment", "Something that we need does not answer right now.", "Try again in a moment."),
}


def answer(error: GatehouseError) -> Response:
    """Return the response for an expected failure."""
    if isinstance(error, NotSignedIn):
        return _ask_to_sign_in(error)
    make = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    made = make(error)
    if isinstance(error, NotAllowed | CrossSiteRequest):
        _record_denial(error)
    if isinstance(error, DependencyUnavailable):
        log.error("%s", error, exc_info=error)
    if isinstance(error, ConfirmationRequired) and not (is_htmx() or wants_json()):
        here = current_page() if request.method not in {"GET", "HEAD"} else this_page()
        return _redirect(url_for("gatehouse.confirm", next=here))
    response = _render(made)
    if isinstance(error, ConfirmationRequired):
        trigger(response, **{"gatehouse:confirm": {"url": url_for("gatehouse.confirm")}})
    return response


def answer_http(error: HTTPException) -> Response:
    """Return the response for what Werkzeug, or an ``abort()`` in a view, raised."""
    if error.response is not None or error.code is None:
        made: Response = make_response(error.get_response())
        return made
    if request_ctx.url_adapter is None:
        # A Host header that no host can have: there is no address from which a page could be made.
        return make_response(f"{HTTPStatus(error.code).phrase}\n", error.code, {"Content-Type": "text/plain"})
    title, explanation, advice = _HTTP_TEXTS.get(
        error.code, (HTTPStatus(error.code).phrase, "", "Go back and try again.")
    )
    response = _render(Answer(error.code, title, explanation, advice))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def answer_everywhere(app: Flask) -> None:
    """Answer for addresses that belong to nobody too; for the standalone application alone."""
    app.register_error_handler(HTTPException, answer_http)


def _render(made: Answer) -> Response:
    if wants_json():
        response = jsonify(type=made.problem_type, title=made.title, status=made.status, detail=made.explanation)
        response.mimetype = "application/problem+json"
    elif is_htmx():
        text = " ".join(part for part in (made.explanation, made.advice) if part)
        response = make_response(render_template("gatehouse/errors/_message.html", message=text, category="danger"))
    else:
        page = render_template(
            made.template,
            status=made.status,
            title=made.title,
            explanation=made.explanation,
            advice=made.advice,
            reference=_reference(made.status),
            retry_url=_retry_url(made),
            support_email=state().settings.support_email,
            **made.facts,
        )
        response = make_response(page)
    response.status_code = made.status
    response.vary.update(("HX-Request", "Accept"))
    if made.retry_after is not None:
        response.headers["Retry-After"] = str(made.retry_after)
    return response


def _reference(status: int) -> str | None:
    """Return a word that leads from the page of a bug to its lines in the log; None where nothing is broken."""
    if status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    reference = secrets.token_hex(4)
    log.error("a bug was shown to a person as %s, at %s %s", reference, request.method, request.url_rule)
    return reference


def _retry_url(made: Answer) -> str | None:
    # A provider's answer can be brought once: whoever brings it again is refused.
    brought = request.endpoint == "gatehouse.finish_sign_in"
    if brought or made.template.endswith("refused.html") or this_page().startswith(url_for("gatehouse.sign_in")):
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
    return url_for("gatehouse.sign_in") + (f"?{urlencode(query)}" if query else "")


def _ask_to_sign_in(error: NotSignedIn) -> Response:
    if is_htmx():
        response = redirect_by_htmx(make_response("", 401), sign_in_url(current_page(), error.ended))
    elif wants_json():
        response = _render(ANSWERS[NotSignedIn](error))
        redirect_by_htmx(response, sign_in_url(current_page(), error.ended))
    else:
        # A form that was sent too late comes back to the page on which it stood.
        here = this_page() if request.method in {"GET", "HEAD"} else current_page()
        response = _redirect(sign_in_url(here, error.ended))
    response.vary.update(("HX-Request", "Accept"))
    return response


def _redirect(url: str) -> Response:
    response: Response = make_response(redirect(url))
    return response


def _record_denial(error: GatehouseError) -> None:
    """Write a refusal into the trail; the refusal stands even if that fails."""
    event = AuditEvent.AUTHZ_FAIL if isinstance(error, NotAllowed) else AuditEvent.CSRF_REFUSED
    rule = str(request.url_rule) if request.url_rule else None
    details = {"method": request.method, "route": rule}
    if isinstance(error, NotAllowed) and error.needed:
        details["needed"] = error.needed
    try:
        who = actor()
        with state().database.transaction() as db:
            record(event, details=details, session=db, actor=who)
    except DependencyUnavailable:
        log.warning("a refusal could not be written into the trail", exc_info=True)
