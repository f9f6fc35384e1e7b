"""What belongs to the person: her profile and her sessions."""

from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Response, flash, jsonify, make_response, render_template, url_for
from flask.typing import ResponseReturnValue

from ..accounts.rules import Role
from ..accounts.service import IdentityView, find_identity_id, get_user, identities_of
from ..sessions.rules import EndReason, is_session_id
from ..sessions.service import account_of, end_other_sessions as end_others, end_session as end, owner_of
from ..sessions.telling import SessionView, living_sessions
from .activity import activity_panel
from .actor import current_user, forget_visit, signed_in, visit
from .auth import leave
from .csrf import csrf_token
from .denials import NotFound, NotSignedIn
from .htmx import current_page, done, redirect_by_htmx, trigger, wants_json, wants_part
from .labels import device_in_words, label_of
from .language import plural, text
from .plain_rows import plain_fields
from .standing import changing
from .state import state
from .way_back import way_back


def account() -> ResponseReturnValue:
    here, who = state(), signed_in()
    with here.database.reading() as connection:
        sessions = living_sessions(connection, who.user_id, here.limits[who.role])
        identities = identities_of(connection, who.user_id)
        user = get_user(connection, who.user_id)
        begun_with = find_identity_id(connection, *account_of(connection, who.session_id))
        panel = activity_panel(connection, who.user_id, partial(url_for, "gatehouse.my_activity"))
    if wants_json():
        return jsonify(
            user=current_user.to_dict(),
            sessions=[plain_fields(session) | {"current": session.id == who.session_id} for session in sessions],
            identities=[plain_fields(identity) for identity in identities],
            csrf_token=csrf_token(),
        )
    return render_template(
        "gatehouse/account/account.html",
        sessions=[shown_session(session) for session in sessions],
        identities=[shown_identity(identity, begun_with) for identity in identities],
        version=user.version,
        providers=[provider.settings for provider in here.providers.values()],
        **panel,
    )


def end_session(session_id: str) -> ResponseReturnValue:
    """End one of her own sessions; an administrator may end anybody's."""
    who = signed_in()
    # Anything else is not asked of a database, which may refuse it.
    if not is_session_id(session_id):
        raise NotFound
    with changing() as db:
        owner = owner_of(db, session_id)
        if owner is None or (owner != who.user_id and who.role is not Role.ADMIN):
            raise NotFound
        ended = end(db, session_id, EndReason.REVOKED)
    if who.session_id != session_id:
        return _gone(text("The session was ended.") if ended else text("That session had ended already."))
    return leave("signed_out")


def end_other_sessions() -> ResponseReturnValue:
    who = signed_in()
    with state().database.transaction() as db:
        count = end_others(db, who.user_id, keep=who.session_id)
    if count is None:
        # Another of her browsers has just ended this one.
        forget_visit()
        raise NotSignedIn(visit().ended)
    message = text("No other session was open.")
    if count:
        message = plural("One other session was ended.", "%(count)s other sessions were ended.", count)
    if wants_part():
        flash(message, "success")
        return redirect_by_htmx(make_response(""), url_for("gatehouse.account"))
    return _gone(message)


def _gone(message: str) -> Response:
    """Answer that a session has left its list."""
    # Back also to the page of somebody else, whose session an administrator has ended there.
    response = done(message, way_back(current_page()) or url_for("gatehouse.account"))
    return trigger(response, **{"gatehouse:focus": {"target": "#sessions-title"}}) if wants_part() else response


def shown_identity(identity: IdentityView, begun_with: int | None = None) -> dict[str, Any]:
    """Return what the row of an identity shows.

    :param begun_with: the identity with which the session of whoever looks at it was begun, where that is her own.
    """
    return asdict(identity) | {"label": label_of(identity.provider), "current": identity.id == begun_with}


def shown_session(session: SessionView) -> dict[str, Any]:
    return asdict(session) | {
        "current": signed_in().session_id == session.id,
        "device": device_in_words(session.user_agent),
        "provider_label": label_of(session.provider),
    }
