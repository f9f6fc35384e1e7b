"""The page on which a person says who she is."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from flask import Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

from ..kernel.clock import utc_now
from ..web.state import state
from .misbehaviour import Misbehaviour, spoil_answer
from .openid import Server
from .people import READY, Person, find_ready, invent
from .sealed import LIFETIMES, Grant, Kind, Presence

EXTENSION = "gatehouse_dev"
REMEMBERED_COOKIE = "gatehouse-dev-person"


def server() -> Server:
    """Return the provider of the application that is answering."""
    found: Server = current_app.extensions[EXTENSION]
    return found


def authorize() -> ResponseReturnValue:
    """Ask who the person is, or take her answer."""
    return decide() if "asked" in request.form else ask()


def ask() -> ResponseReturnValue:
    here, remembered = server(), find_remembered()
    parameters = request.values.to_dict()
    present = remembered if remembered and still_counts(remembered, parameters) else None
    try:
        here.check_authorization_request(Grant(present) if present else None)
    except OAuth2Error as error:
        return refuse(here, error)
    except ValueError:
        # Authlib's own errors quote the request, and refuse to carry some of its characters.
        return refusal_page("The request contains characters that it must not contain.")
    if present and "none" in parameters.get("prompt", "").split():
        return answer(here, parameters, Grant(present))
    return choice_page(here, parameters, remembered)


def decide() -> ResponseReturnValue:
    here, remembered = server(), find_remembered()
    parameters = here.provider.seals.open(Kind.ASKED, request.form["asked"])
    if parameters is None:
        return refusal_page("This page is too old, or it was not made here. Begin again.")
    misbehaviour = next(
        (known for known in Misbehaviour if known == request.form.get("misbehaviour")), Misbehaviour.NONE
    )
    if "deny" in request.form:
        return answer(here, parameters, None, misbehaviour)
    person = find_chosen(remembered)
    if person is None:
        response = make_response(choice_page(here, parameters, remembered, problem="That is not an e-mail address."))
        response.status_code = 422
        return response
    presence = begin_presence(person, remembered, parameters)
    return remember(here, answer(here, parameters, Grant(presence, misbehaviour), misbehaviour), presence)


def choice_page(
    here: Server, parameters: Mapping[str, str], remembered: Presence | None, problem: str | None = None
) -> str:
    known = remembered.person if remembered else None
    return render_template(
        "gatehouse/dev/authorize.html",
        signed_in=False,
        asked=here.provider.seals.seal(Kind.ASKED, dict(parameters)),
        remembered=known,
        people=[person for person in READY if known is None or person.email != known.email],
        misbehaviours=list(Misbehaviour),
        problem=problem,
        name=request.form.get("name", ""),
        email=request.form.get("email", ""),
    )


def find_chosen(remembered: Presence | None) -> Person | None:
    """Return whom the person's click or typing means."""
    email = request.form.get("person")
    if email is None:
        return invent(request.form.get("name", ""), request.form.get("email", ""))
    if remembered and remembered.person.email == email:
        return remembered.person
    return find_ready(email)


def still_counts(remembered: Presence, parameters: Mapping[str, str]) -> bool:
    """Return whether a person need not prove again who she is (``prompt``, ``max_age``: Core §3.1.2.1)."""
    if "login" in parameters.get("prompt", "").split():
        return False
    age = utc_now().timestamp() - remembered.proved_at
    most = parameters.get("max_age")
    return most is None or (most.isdecimal() and age <= int(most))


def begin_presence(person: Person, remembered: Presence | None, parameters: Mapping[str, str]) -> Presence:
    """Return the person's presence: the one she has, as long as it counts, or one that begins now."""
    if remembered is None or remembered.person != person:
        return Presence(person, int(utc_now().timestamp()), secrets.token_urlsafe(16))
    if still_counts(remembered, parameters):
        return remembered
    return Presence(person, int(utc_now().timestamp()), remembered.session_id)


def answer(
    here: Server,
    parameters: Mapping[str, str],
    grant: Grant | None,
    misbehaviour: Misbehaviour = Misbehaviour.NONE,
) -> Response:
    """Send the browser back, with a code or, without a grant, with a refusal.

    :param parameters: of an authorization request that has been accepted before.
    """
    if misbehaviour is Misbehaviour.PROVIDER_ERROR:
        return refuse(
            here,
            OAuth2Error(error="server_error", redirect_uri=parameters["redirect_uri"], state=parameters.get("state")),
        )
    response = here.answer_authorization_request(parameters, grant)
    response.location = spoil_answer(misbehaviour, response.location or "")
    return response


def refuse(here: Server, error: OAuth2Error) -> Response:
    """Tell the relying party, where the request says without doubt who she is, else the person."""
    if not error.redirect_uri:
        return refusal_page(error.description or error.error or "")
    return here.answer_with_error(error)


def refusal_page(explanation: str) -> Response:
    page = make_response(render_template("gatehouse/dev/refused.html", signed_in=False, explanation=explanation))
    page.status_code = 400
    return page


def find_remembered() -> Presence | None:
    return server().provider.seals.open_remembered(request.cookies.get(REMEMBERED_COOKIE, ""))


def remember(here: Server, response: Response, presence: Presence) -> Response:
    response.set_cookie(
        REMEMBERED_COOKIE,
        here.provider.seals.seal(Kind.REMEMBERED, presence),
        max_age=LIFETIMES[Kind.REMEMBERED],
        path=urlsplit(here.provider.issuer).path,
        secure=state().secure_cookies,
        httponly=True,
        # Strict would be left out when a relying party's page leads here.
        samesite="Lax",
    )
    return response


def forget(response: Response) -> Response:
    response.delete_cookie(
        REMEMBERED_COOKIE,
        path=urlsplit(server().provider.issuer).path,
        secure=state().secure_cookies,
        httponly=True,
        samesite="Lax",
    )
    return response
