"""The first page after signing in."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ..accounts.names import find_names
from ..accounts.reviewing import review_standing
from ..accounts.rules import Role
from ..accounts.service import claim_administration as claim, find_claimant, list_held
from .access_review import due_in_words
from .actor import signed_in
from .addresses import page_url
from .denials import NotAllowed
from .language import text
from .navigation import places
from .state import state


def dashboard() -> ResponseReturnValue:
    return render_template(
        "gatehouse/dashboard/dashboard.html",
        **_first_administrator(),
        **_for_administrators(),
        quick_links=_links(),
    )


def claim_administration() -> ResponseReturnValue:
    """Make the first person of a development database its administrator; of two clicks the second finds her one."""
    if signed_in().role is Role.ADMIN:
        return redirect(url_for("gatehouse.dashboard"))
    with state().database.transaction() as db:
        if not claim(db, signed_in().user_id):
            raise NotAllowed(Role.ADMIN)
    flash(text("You are the administrator now."), "success")
    return redirect(url_for("gatehouse.dashboard"))


def _first_administrator() -> dict[str, Any]:
    """Return whether somebody is offered to become the first administrator, and whom others have to ask."""
    here, who = state(), signed_in()
    if not here.settings.development or who.role is Role.ADMIN:
        return {"offer_administration": False, "claimant": None}
    with here.database.reading() as connection:
        claimant = find_claimant(connection)
        names = {} if claimant is None else find_names(connection, [claimant])
    is_she = claimant == who.user_id
    return {"offer_administration": is_she, "claimant": None if is_she or claimant is None else names.get(claimant)}


def _for_administrators() -> dict[str, Any]:
    """Return who waits for an administrator, and since when a review of access is overdue; others are told nothing."""
    here, who = state(), signed_in()
    if who.role is not Role.ADMIN:
        return {"held": (), "review_overdue": None}
    with here.database.reading() as connection:
        held, standing = list_held(connection), review_standing(connection, here.settings.review_interval)
    is_overdue = standing.due_at <= who.times.now
    return {"held": held, "review_overdue": due_in_words(standing, who.times.now) if is_overdue else None}


def _links() -> list[tuple[str, str, str, str]]:
    return [
        *((text(place.label), page_url(place.endpoint), place.icon, text(place.description)) for place in places()),
        (
            text("Your account"),
            page_url("account"),
            "user-round",
            text("Where you are signed in, and with what"),
        ),
        (text("Sign out"), page_url("sign_out"), "log-out", text("End this session on this browser")),
    ]
