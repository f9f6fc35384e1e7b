"""Signing in, signing out, and how long the session still lasts."""

import logging
from collections.abc import Callable

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts.views import SignedInUser
from ..kernel.clock import utc_now
from ..kernel.errors import DependencyUnavailable
from ..sessions.lookup import Found
from ..sessions.rules import EndReason, can_be_extended, time_left
from ..sessions.service import end_session, touch
from ..signin.assertion import Assertion
from ..signin.attempt import Attempt, Purpose
from ..signin.errors import ProviderUnavailable, SignInRefused
from ..signin.linking import link
from ..signin.service import Browser, complete, confirm as confirm_session, record_refusal
from ..signin.slowing import Account
from .actor import actor, caller, clear_session_cookie, forget_visit, set_session_cookie, signed_in, visit
from .confirmation import asked_first
from .denials import ProviderGone
from .devices import knows_device, remember_device
from .htmx import lead_to, this_page, wants_json
from .labels import label_of
from .language import language, marked as _, text
from .measures import UNAVAILABLE
from .once_more import offer_form
from .round_trip import SPENT_COOKIE, answer_of_provider, let_network_pass, redirect_uri, send_to_provider
from .state import state
from .way_back import AGAIN, wanted_page

log = logging.getLogger("flask_gatehouse")
_NOTICES = {
    "signed_out": ("info", _("You have been signed out.")),
    "expired": ("warning", _("Your session has expired. Please sign in again.")),
    "ended": ("warning", _("Your session was ended. Please sign in again.")),
    "erased": ("success", _("Your account is deleted, with all that was held about you.")),
    "deactivated": ("danger", _("Your account has been deactivated.")),
}


def index() -> ResponseReturnValue:
    return redirect(url_for("gatehouse.dashboard" if visit().session else "gatehouse.sign_in"))


def sign_in() -> ResponseReturnValue:
    next_path, seen = wanted_page(), visit()
    if seen.session:
        return redirect(next_path or state().start_page)
    notice = request.args.get("notice", "")
    page = render_template(
        "gatehouse/auth/sign_in.html",
        providers=[provider.settings for provider in state().providers.values()],
        next=next_path,
        notice=_NOTICES.get(notice),
        ask_whom=state().settings.support_email if notice == "deactivated" else None,
        left_provider=_left_provider(request.args.get("provider", "")),
    )
    # Every open tab is told why by the cookie of the session that has ended; here all of them have arrived.
    return clear_session_cookie(make_response(page)) if seen.ended else page


def begin_sign_in(provider: str) -> ResponseReturnValue:
    here = state()
    if not here.secure_cookies and request.host_url.rstrip("/") != here.settings.base_url:
        # Somebody typed 127.0.0.1 where the base URL says localhost: the answer comes back to the base URL, where
        # the cookie that is set here would be missing. Only where that is plain http on this machine: a proxy or a
        # tunnel that encrypts changes the host, and would lead here without end.
        return redirect(here.settings.base_url + this_page())
    return send_to_provider(provider, wanted_page(), Purpose.SIGN_IN, None)


def confirm() -> ResponseReturnValue:
    found, question = signed_in(), asked_first()
    if question is not None:
        return question
    if found.provider not in state().providers:
        raise ProviderGone(found.provider)
    return send_to_provider(found.provider, wanted_page(), Purpose.CONFIRM, found.session_id)


def finish_sign_in(provider: str) -> ResponseReturnValue:
    here = state()
    chosen = here.provider(provider)
    attempt: Attempt | None = None
    account: Account | None = None
    in_session = False
    try:
        answer, cookie_name = answer_of_provider(provider)
        attempt = here.signer.open(request.cookies.get(cookie_name, ""), answer["state"], provider)
        request.environ[AGAIN] = url_for(_BEGINNINGS[attempt.purpose], next=attempt.next)
        in_session = _comes_back_to_its_session(attempt)
        # Before its cookie is taken away: after the wait, the same answer is good.
        let_network_pass(attempt.purpose if in_session else None)
        request.environ[SPENT_COOKIE] = cookie_name
        with here.metrics.provider.labels(provider).time():
            assertion = chosen.redeem(attempt, answer, redirect_uri(provider))
        account = (assertion.profile.issuer, assertion.profile.subject)
        token, came = _ENDS[attempt.purpose](attempt, assertion)
    except ProviderUnavailable:
        here.metrics.sign_ins.labels(provider, UNAVAILABLE).inc()
        raise
    except SignInRefused as refusal:
        if attempt is None:
            let_network_pass(None)
        here.metrics.sign_ins.labels(provider, str(refusal.reason)).inc()
        if attempt is not None or _is_a_page():
            _record(refusal, account, attempt.purpose if attempt else Purpose.SIGN_IN, in_session)
        raise
    outcome = "success" if attempt.purpose is Purpose.SIGN_IN else str(attempt.purpose)
    here.metrics.sign_ins.labels(provider, outcome).inc()
    response = make_response(redirect(attempt.next or here.start_page))
    if token is not None:
        set_session_cookie(response, token)
    if came is not None:
        remember_device(response, came.id, came.session_generation)
    forget_visit()
    return response


# What an answer leads to: the new token of the browser, if it gets one, and who has come in, if somebody has.
Arrival = tuple[str | None, SignedInUser | None]


def _finish_signing_in(attempt: Attempt, assertion: Assertion) -> Arrival:
    here, replaced = state(), visit().session
    entered = complete(
        here.database,
        here.settings,
        attempt,
        assertion,
        actor=caller(),
        replaces=replaced.session_id if replaced else None,
        browser=Browser(knows_device, language()),
    )
    welcome(entered.user.name, is_new=entered.user.is_new)
    return entered.session.token, entered.user


def _finish_confirming(attempt: Attempt, assertion: Assertion) -> Arrival:
    here = state()
    begun = confirm_session(here.database, here.settings, attempt, assertion, actor=actor(), now=utc_now())
    offer_form(attempt.next)
    return begun.token, None


def _finish_linking(attempt: Attempt, assertion: Assertion) -> Arrival:
    is_new, label = link(state().database, attempt, assertion, actor=actor()), label_of(attempt.provider)
    linked = text("From now on you can sign in with %(provider)s, too. Your other sessions have ended.", provider=label)
    flash(linked if is_new else text("You sign in with this account already."), "success" if is_new else "info")
    return None, None


_ENDS: dict[Purpose, Callable[[Attempt, Assertion], Arrival]] = {
    Purpose.SIGN_IN: _finish_signing_in,
    Purpose.CONFIRM: _finish_confirming,
    Purpose.LINK: _finish_linking,
}
# Where the same round trip begins again.
_BEGINNINGS = {
    Purpose.SIGN_IN: "gatehouse.sign_in",
    Purpose.CONFIRM: "gatehouse.confirm",
    Purpose.LINK: "gatehouse.account",
}


def _comes_back_to_its_session(attempt: Attempt) -> bool:
    """Return whether a session has asked for it, to confirm or to link, that still lives and is this browser's.

    By the cookie alone, a copy of it would drive exchanges at the provider for ten minutes, from any network and after
    the session's end, and nobody who does so would ever wait.

    :raises DependencyUnavailable: if the database does not answer.
    """
    if attempt.session_id is None:
        return False
    seen = visit().session
    return seen is not None and seen.session_id == attempt.session_id


def _is_a_page() -> bool:
    """Return whether a person is on her way here, and not a page elsewhere that loads this address as a picture.

    Such a page could have its visitors refused in their dozens, until nobody of their network could sign in.
    """
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _record(refusal: SignInRefused, account: Account | None, purpose: Purpose, in_session: bool) -> None:
    """Write a refusal into the trail; it stands even if that fails.

    :raises TooManyRefusals: if it is one too many, which is what she is told then.
    """
    here, who = state(), caller() if purpose is Purpose.SIGN_IN else actor()
    try:
        record_refusal(
            here.database,
            here.settings,
            refusal,
            purpose=purpose,
            actor=who,
            account=account,
            in_session=in_session,
        )
    except DependencyUnavailable:
        log.warning("a refused sign-in (%s) could not be written into the trail", refusal.reason, exc_info=True)


def sign_out() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("gatehouse/auth/sign_out.html", cancel_url=state().start_page)
    found = signed_in()
    with state().database.transaction() as db:
        end_session(db, found.session_id, EndReason.LOGOUT)
    return leave("signed_out", provider=found.provider)


def leave(notice: str, provider: str | None = None) -> Response:
    """Answer whoever has just ended her own session: without its cookie, and a page is led to the door.

    :param notice: what the page for signing in says, by its name.
    :param provider: where she may want to sign out, too.
    """
    forget_visit()
    door = url_for("gatehouse.sign_in", notice=notice, provider=provider)
    return clear_session_cookie(make_response("", 204) if wants_json() else lead_to(door))


def session_status() -> ResponseReturnValue:
    if request.method == "POST":
        with state().database.transaction() as db:
            touch(db, signed_in().session_id)
        forget_visit()
    return jsonify(remaining(signed_in()))


def remaining(found: Found) -> dict[str, int | bool]:
    """Return what a page needs to warn in time: whole seconds left, and whether staying can prolong them."""
    limits = state().limits[found.role]
    # WCAG 2.2.1 asks for at least twenty seconds in which to answer; two minutes are calmer where there is room.
    warn_at = min(120, int(limits.idle.total_seconds()) // 2)
    return {
        "seconds_left": seconds_left(found),
        "extendable": can_be_extended(found.times, limits),
        "warn_at": warn_at,
    }


def seconds_left(found: Found) -> int:
    """Return for how many whole seconds a session lasts if nobody uses it."""
    return int(time_left(found.times, state().limits[found.role]).total_seconds())


def welcome(name: str, *, is_new: bool) -> None:
    """Greet a person on the next page, which may be a host's own."""
    greeting = text("Welcome, %(name)s! Your account has been created.", name=name)
    flash(greeting if is_new else text("Welcome back, %(name)s.", name=name), "success")


def _left_provider(name: str) -> tuple[str, str] | None:
    """Return the label of the provider that a person has left, and where she can sign out there too."""
    provider = state().providers.get(name)
    url = provider.end_session_url(state().settings.external_url("/auth/login")) if provider else None
    return (provider.settings.label, url) if provider and url else None
