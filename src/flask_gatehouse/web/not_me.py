"""Where the link of a letter leads: somebody says that it was not she. It works signed out, and once.

A GET only shows the page: programs that look for viruses follow every link of a letter.
"""

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from ..accounts.errors import UserNotFound
from ..accounts.service import Correspondent, find_correspondent, hold_user
from ..alerts.errors import LinkNotUsable
from ..alerts.not_me import NotMe, NotMeSigner, release_command
from .actor import caller, clear_session_cookie, visit
from .state import state


def not_me(token: str) -> ResponseReturnValue:
    link = NotMeSigner.of(state().settings).open(token)
    if request.method == "POST":
        return _hold(link)
    with state().database.reading() as connection:
        person = _person(find_correspondent(connection, link.user_id))
    return _page(person, "ask" if person.generation == link.generation else "over")


def _hold(link: NotMe) -> ResponseReturnValue:
    try:
        with state().database.transaction() as db:
            # The token is what allows it: whoever holds the letter, and nobody who is only signed in here.
            held = hold_user(db, link.user_id, link.generation, about=link.about, actor=caller())
            person = _person(find_correspondent(db, link.user_id))
    except UserNotFound as error:
        raise LinkNotUsable from error
    response = make_response(_page(person, "done" if held else "over"))
    found = visit().found
    return clear_session_cookie(response) if found and found.user_id == link.user_id else response


def _person(found: Correspondent | None) -> Correspondent:
    if found is None:
        raise LinkNotUsable
    return found


def _page(person: Correspondent, step: str) -> str:
    return render_template(
        "gatehouse/auth/not_me.html",
        step=step,
        held=person.held_at is not None,
        email=person.email or person.name,
        release=release_command(person),
        support_email=state().settings.support_email,
    )
