"""Linking another account to one's own, and unlinking one."""

from flask import flash, make_response, render_template, url_for
from flask.typing import ResponseReturnValue

from ..signin.attempt import Purpose
from ..signin.linking import unlink
from .actor import actor, signed_in
from .htmx import is_htmx, lead_to, redirect_by_htmx, wants_json
from .language import text
from .round_trip import begin_round_trip, remember_attempt
from .standing import changing
from .state import state


def link_identity(provider: str) -> ResponseReturnValue:
    """Begin to link an account at a provider.

    It is a POST with a token: by a mere link, any page could send her to a provider where somebody else is signed in,
    and his account would open hers from then on. ``form-action 'self'`` stops the way there from a form, so that it
    is a page with a link; htmx is told where to go.
    """
    chosen, found = state().provider(provider).settings, signed_in()
    url, attempt = begin_round_trip(provider, url_for("gatehouse.account"), Purpose.LINK, found.session_id)
    if is_htmx():
        response = redirect_by_htmx(make_response(""), url)
    else:
        values = {"label": chosen.label, "kind": chosen.kind, "provider_url": url}
        response = make_response(render_template("gatehouse/account/link.html", **values))
    remember_attempt(response, attempt)
    return response


def unlink_identity(identity_id: int) -> ResponseReturnValue:
    with changing() as db:
        unlink(db, identity_id, actor=actor())
    if wants_json():
        return make_response("", 204)
    flash(text("The account is no longer a way to sign in here. Its sessions have ended."), "success")
    return lead_to(url_for("gatehouse.account"))
