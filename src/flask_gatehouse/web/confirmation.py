"""Is it you: what is asked before something that an open browser must not be enough for."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..sessions.rules import is_confirmed
from .actor import signed_in
from .denials import ConfirmationRequired
from .state import state
from .way_back import wanted_page


def require_confirmation() -> None:
    """Let the running request go on if its person has proved lately that she is there, or raise.

    What counts is the moment on her session, whoever has put it there: a provider's answer does so by
    ``sessions.service.renew_token``, and a passkey would by the same function.

    :raises ConfirmationRequired: if the proof is older than ``GATEHOUSE_CONFIRM_MAX_AGE``.
    :raises NotSignedIn: if nobody is signed in.
    """
    found = signed_in()
    if not is_confirmed(found.confirmed_at, found.times.now, state().settings.confirm_max_age):
        raise ConfirmationRequired


def confirmed() -> ResponseReturnValue:
    """Tell the page that waits in another window that it may go on."""
    return render_template("gatehouse/auth/confirmed.html")


def asked_first() -> ResponseReturnValue | None:
    """Return the page that asks before a person leaves for her provider, where she must be asked; else None.

    A form that was sent may not be redirected to another site (``form-action 'self'``): a link may lead there.
    """
    if "ask" not in request.args:
        return None
    page = wanted_page()
    return render_template(
        "gatehouse/auth/confirm.html",
        confirm_url=url_for("gatehouse.confirm", next=page),
        cancel_url=page or state().start_page,
    )
