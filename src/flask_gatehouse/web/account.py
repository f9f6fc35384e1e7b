"""What belongs to the person: her profile and her sessions."""

from dataclasses import asdict
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ..accounts.rules import Role
from ..accounts.service import identities_of
from ..kernel.user_agents import device_name
from ..sessions.rules import EndReason
from ..sessions.service import (
    SessionView,
    end_other_sessions as end_others,
    end_session as end,
    end_session_of,
    living_sessions,
)
from .actor import Person, clear_session_cookie, forget_visit, person, visit
from .denials import NotFound, NotSignedIn
from .htmx import is_htmx, redirect_by_htmx, trigger
from .state import state


def account() -> ResponseReturnValue:
    here, who = state(), _person()
    with here.database.reading() as connection:
        sessions = living_sessions(connection, who.id, here.limits[who.role])
        identities = identities_of(connection, who.id)
    return render_template(
        "gatehouse/account/account.html",
        sessions=[_shown(session) for session in sessions],
        identities=[asdict(identity) | {"label": _label(identity.provider)} for identity in identities],
    )


def end_session(session_id: str) -> ResponseReturnValue:
    """End one of her own sessions; an administrator may end anybody's."""
    who = _person()
    with state().database.transaction() as db:
        if who.role is Role.ADMIN:
            found = end(db, session_id, EndReason.REVOKED)
        else:
            found = end_session_of(db, session_id, who.id)
    if not found:
        raise NotFound
    own = visit().session
    if own is not None and own.session_id == session_id:
        forget_visit()
        goodbye = url_for("gatehouse.sign_in", notice="signed_out")
        left = redirect_by_htmx(make_response(""), goodbye) if is_htmx() else make_response(redirect(goodbye))
        return clear_session_cookie(left)
    return _gone("The session was ended.")


def end_other_sessions() -> ResponseReturnValue:
    who, own = _person(), visit().session
    if own is None:
        raise NotSignedIn(visit().ended)
    with state().database.transaction() as db:
        count = end_others(db, who.id, keep=own.session_id)
    message = "One other session was ended." if count == 1 else f"{count} other sessions were ended."
    if is_htmx():
        flash(message, "success")
        return redirect_by_htmx(make_response(""), url_for("gatehouse.account"))
    return _gone(message)


def _gone(message: str) -> Response:
    """Answer that a row has left the page. Not 204: htmx removes nothing on that."""
    if is_htmx():
        text = render_template("gatehouse/errors/_message.html", message=message, category="success")
        return trigger(make_response(text), **{"gatehouse:focus": {"target": "#sessions-title"}})
    flash(message, "success")
    return make_response(redirect(url_for("gatehouse.account")))


def _person() -> Person:
    who = person()
    if not isinstance(who, Person):
        raise NotSignedIn(visit().ended)
    return who


def _label(provider: str) -> str:
    known = state().providers.get(provider)
    return known.settings.label if known else provider.title()


def _shown(session: SessionView) -> dict[str, Any]:
    own = visit().session
    return asdict(session) | {
        "current": own is not None and own.session_id == session.id,
        "device": device_name(session.user_agent),
        "provider_label": _label(session.provider),
    }
