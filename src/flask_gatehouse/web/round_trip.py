"""The way to a provider and back, in one cookie for each attempt; what comes of it is ``auth`` and ``linking``."""

from contextlib import suppress

from flask import Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from ..kernel.errors import DependencyUnavailable
from ..signin.attempt import MAX_AGE, MOST_AT_ONCE, Attempt, Purpose, begin_attempt, cookie_suffix
from ..signin.errors import Reason, SignInRefused
from ..signin.slowing import check_network
from .actor import caller
from .state import state

SPENT_COOKIE = "flask_gatehouse.spent_cookie"


def send_to_provider(name: str, next_path: str | None, purpose: Purpose, session_id: str | None) -> ResponseReturnValue:
    """Lead a browser to a provider, with the cookie of the attempt.

    :raises UnknownProvider: if there is none of this name.
    :raises TooManyRefusals: if it is to sign in, and too many from this network were refused.
    """
    url, attempt = begin_round_trip(name, next_path, purpose, session_id)
    response = make_response(redirect(url))
    remember_attempt(response, attempt)
    return response


def begin_round_trip(name: str, next_path: str | None, purpose: Purpose, session_id: str | None) -> tuple[str, Attempt]:
    """Return where a provider is asked, and the attempt that the browser has to remember meanwhile.

    :raises UnknownProvider: if there is none of this name.
    :raises TooManyRefusals: if it is to sign in, and too many from this network were refused.
    """
    provider = state().provider(name)
    let_network_pass(purpose)
    attempt = begin_attempt(name, next=next_path, purpose=purpose, session_id=session_id)
    # Whoever confirms has to prove herself, and whoever links to choose: otherwise her provider would take the account
    # in which she happens to be signed in there.
    fresh = purpose is not Purpose.SIGN_IN
    return provider.authorization_url(attempt, redirect_uri(name), fresh=fresh), attempt


def remember_attempt(response: Response, attempt: Attempt) -> None:
    """Hand the attempt to the browser, and take back the oldest where there are too many."""
    here = state()
    # Browsers send cookies of one path in the order in which they were made (RFC 6265 §5.4).
    others = [name for name in request.cookies if name.startswith(here.attempt_cookie)]
    for name in others[: max(0, len(others) + 1 - MOST_AT_ONCE)]:
        response.delete_cookie(name, **here.cookie)
    name = here.attempt_cookie + cookie_suffix(attempt.state)
    response.set_cookie(name, here.signer.seal(attempt), max_age=MAX_AGE, **here.cookie)


def discard_spent_attempt(response: Response) -> Response:
    """Take the cookie of an attempt that has been answered away, however it was answered."""
    name = request.environ.pop(SPENT_COOKIE, None)
    if name is not None:
        response.delete_cookie(name, **state().cookie)
    return response


def answer_of_provider(provider: str) -> tuple[dict[str, str], str]:
    """Return the callback's query and the name of the cookie that belongs to it.

    A name that comes twice is refused: two readers could each believe another of its values.

    :raises SignInRefused: if it comes so, or without its state.
    """
    values = request.args.to_dict(flat=False)
    if any(len(items) > 1 for name, items in values.items() if name in {"state", "code", "iss", "error"}):
        raise SignInRefused(Reason.PROVIDER_ANSWER, provider)
    answer = {name: items[0] for name, items in values.items()}
    if not answer.get("state"):
        raise SignInRefused(Reason.STATE_MISSING, provider)
    return answer, state().attempt_cookie + cookie_suffix(answer["state"])


def let_network_pass(purpose: Purpose | None) -> None:
    """Let a sign-in go on unless too many from its network were refused.

    :param purpose: what it is for; None for an answer to an attempt that nobody began, or that comes back to another
        session than has asked for it, or to none.
    :raises TooManyRefusals: if it has to wait.
    """
    if purpose in {Purpose.CONFIRM, Purpose.LINK}:
        # Whoever is in has proved herself here, and what strangers beside her do is not hers. Nobody gains tries at a
        # door by it: the attempt is signed, was given to a session, and ends in that session or nowhere.
        return
    here = state()
    # Without its database nobody gets in anyway, and whoever is on her way is told so when she comes back.
    with suppress(DependencyUnavailable):
        check_network(here.database, here.settings, caller().ip)


def redirect_uri(provider: str) -> str:
    """Return the address at which a provider hands people back."""
    return state().settings.external_url(f"/auth/authorize/{provider}")
