"""Is it you: what is asked before something that an open browser must not be enough for.

A proof is a moment on the session's row, ``confirmed_at``, and nothing here asks how it came there. Whatever proves
who somebody is ends in ``sessions.service.renew_token``, which moves that moment and gives the session a new token:
today a fresh round trip to her provider (``auth.confirm``, ``signin.service.confirm``). A passkey would be a second
way beside it: ``/auth/confirm`` would offer both, and no route, page or script that needs a confirmation would change.
"""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from ..sessions.rules import is_confirmed
from .actor import signed_in
from .denials import ConfirmationRequired
from .once_more import is_kept
from .state import state
from .way_back import wanted_page


def require_confirmation() -> None:
    """Let the running request go on if its person has proved lately that she is there; otherwise she is asked to.

    For what is sensitive only sometimes, in views below ``login_required`` and its like, which give that answer. Ask
    before anything is changed: what the view has not committed by then is lost, and the request is sent again.

    :raises ConfirmationRequired: if the proof is older than ``GATEHOUSE_CONFIRM_MAX_AGE``.
    :raises NotSignedIn: if nobody is signed in.
    """
    found = signed_in()
    # Without it, whoever finds a screen unlocked, or gets hold of a cookie, makes an administrator for later.
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
        kept=is_kept(page),
    )
