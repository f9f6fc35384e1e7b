"""The first page after signing in."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ..accounts.reviewing import review_standing
from ..accounts.rules import Role
from ..accounts.service import HeldUser, claim_administration as claim, list_held, may_claim_administration
from .access_review import due_in_words
from .actor import signed_in
from .denials import NotAllowed
from .language import text
from .navigation import places
from .state import state


def dashboard() -> ResponseReturnValue:
    return render_template(
        "gatehouse/dashboard/dashboard.html",
        offer_administration=_is_offered(),
        held=_held(),
        review_overdue=_overdue_review(),
        quick_links=_links(),
    )


def claim_administration() -> ResponseReturnValue:
    """Make the only person of a development database its administrator."""
    with state().database.transaction() as db:
        if not claim(db, signed_in().user_id):
            raise NotAllowed(Role.ADMIN)
    flash(text("You are the administrator now."), "success")
    return redirect(url_for("gatehouse.dashboard"))


def _is_offered() -> bool:
    here, who = state(), signed_in()
    if not here.settings.development or who.role is Role.ADMIN:
        return False
    with here.database.reading() as connection:
        return may_claim_administration(connection, who.user_id)


def _held() -> Sequence[HeldUser]:
    """Return those who wait for an administrator, to show to one."""
    here = state()
    if signed_in().role is not Role.ADMIN:
        return ()
    with here.database.reading() as connection:
        return list_held(connection)


def _overdue_review() -> str | None:
    """Return for administrators since when the review of access is overdue; others are asked nothing."""
    here, who = state(), signed_in()
    if who.role is not Role.ADMIN:
        return None
    with here.database.reading() as connection:
        standing = review_standing(connection, here.settings.review_interval)
    return due_in_words(standing, who.times.now) if standing.due_at <= who.times.now else None


def _links() -> list[tuple[str, str, str, str]]:
    return [
        *(
            (text(place.label), url_for(f"gatehouse.{place.endpoint}"), place.icon, text(place.description))
            for place in places()
        ),
        (
            text("Your account"),
            url_for("gatehouse.account"),
            "user-round",
            text("Where you are signed in, and with what"),
        ),
        (text("Sign out"), url_for("gatehouse.sign_out"), "log-out", text("End this session on this browser")),
    ]
