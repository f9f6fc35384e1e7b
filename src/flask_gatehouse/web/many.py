"""One change for many users at once."""

import logging
import time

from flask import flash, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ..accounts.bulk import BATCH, Action, BulkResult, Change, Skip
from ..accounts.errors import FieldProblem, InvalidField
from ..accounts.queries import UserQuery
from ..accounts.rules import Role
from ..accounts.service import change_many as change
from ..kernel.errors import DependencyUnavailable
from ..kernel.identifiers import LARGEST_ID
from ..privacy.erasure import erase_many
from .actor import signed_in
from .confirmation import require_confirmation
from .fields import number
from .htmx import trigger, wants_json, wants_part
from .language import forms, marked as _, plural, text
from .paging import list_url
from .sent import sent
from .standing import changing, still_may
from .state import state
from .users import query_of

log = logging.getLogger("flask_gatehouse")
# After so many seconds whoever waits is told how far it has come: a page of ours waits for fifteen.
PATIENCE_S = 8.0
UNFINISHED = _("That is not everybody yet: choose them once more to go on.")
_SKIPPED = {Skip.YOURSELF: _("yourself"), Skip.LAST_ADMINISTRATOR: _("the last administrator")}
_SKIPPED_MANY = {
    Skip.NOT_FOUND: forms("one who had gone already", "%(count)s who had gone already"),
    Skip.NOT_DUE: forms(
        "one about whom there is nothing to decide any more",
        "%(count)s about whom there is nothing to decide any more",
    ),
}


def change_many() -> ResponseReturnValue:
    fields = sent()
    what = Change.parse(fields.get("change", ""), fields.get("new_role"))
    if request.is_json and what.role is None and "new_role" in fields:
        # On our page it comes along with every button; a program that says it means something by it.
        raise InvalidField({"new_role": FieldProblem.NOT_HERE})
    query, chosen = query_of(fields), chosen_users(fields.getlist("user"))
    everyone = "everyone" in fields
    if everyone and fields["everyone"] != "1":
        raise InvalidField({"everyone": FieldProblem.UNKNOWN})
    if not chosen and not everyone:
        return _nobody(query)
    # Of everybody some are changed before others are looked at: it is asked before the first of them.
    lets_in = what.action is Action.ACTIVATE and everyone and query.role in {None, Role.ADMIN}
    if what.role is Role.ADMIN or what.action is Action.REMOVE or lets_in:
        require_confirmation()
    result = _change_everybody(query, what) if everyone else _change(sorted(chosen), what)
    if wants_json():
        skipped = [{"id": user_id, "reason": reason} for user_id, reason in result.skipped]
        finished = result.next is None
        return jsonify(changed=result.changed, unchanged=result.unchanged, skipped=skipped, finished=finished)
    message, category = _in_words(result), "success" if result.next is None else "warning"
    if wants_part():
        told = render_template("gatehouse/errors/_message.html", message=message, category=category)
        return trigger(make_response(told), **{"gatehouse:refresh": {}})
    flash(message, category)
    return redirect(list_url("gatehouse.users", query.parameters()), 303)


def _nobody(query: UserQuery) -> ResponseReturnValue:
    """Answer whoever has ticked nobody: without script the bar is there all the time."""
    if wants_json():
        raise InvalidField({"user": FieldProblem.MISSING})
    message = text("Nobody was selected.")
    if wants_part():
        return render_template("gatehouse/errors/_message.html", message=message, category="warning"), 422
    flash(message, "warning")
    return redirect(list_url("gatehouse.users", query.parameters()), 303)


def _change_everybody(query: UserQuery, what: Change) -> BulkResult:
    """Change all whom a query means, a thousand after the other; ``next`` of the result says whether that was all.

    What has been changed stays so if the rest cannot be: whoever asked is told how far it came.
    """
    total, begun = _change(query, what), time.monotonic()
    while total.next is not None and time.monotonic() - begun < PATIENCE_S:
        try:
            total.add(_change(query, what, after=total.next))
        except DependencyUnavailable:
            log.warning("a change of many users has stopped after user %s", total.next, exc_info=True)
            break
    return total


def _change(selection: UserQuery | list[int], what: Change, *, after: int = 0) -> BulkResult:
    here, who = state(), signed_in()
    if what.action is Action.REMOVE:
        return erase_many(here.database, here.settings, selection, actor_id=who.user_id, after=after, check=still_may)
    with changing() as db:
        result = change(db, selection, what, actor_id=who.user_id, after=after)
        if result.lets_administrators_in:
            require_confirmation()
        return result


def chosen_users(texts: list[str]) -> set[int]:
    """Return the numbers of users that somebody has ticked, a transaction's worth at most.

    :raises InvalidField: if they are more, or no numbers of users.
    """
    if len(texts) > BATCH:
        raise InvalidField({"user": FieldProblem.TOO_MANY})
    chosen = {number(text) for text in texts}
    if 0 in chosen:
        raise InvalidField({"user": FieldProblem.NOT_A_NUMBER})
    if max(chosen, default=0) > LARGEST_ID:
        raise InvalidField({"user": FieldProblem.NOBODY})
    return chosen


def _in_words(result: BulkResult) -> str:
    sentences = [plural("1 user was changed.", "%(count)s users were changed.", result.changed)]
    if result.unchanged:
        sentences.append(plural("%(count)s was so already.", "%(count)s were so already.", result.unchanged))
    if result.next is not None:
        sentences.append(text(UNFINISHED))
    return " ".join([*sentences, *left_out(result)])


def left_out(result: BulkResult) -> list[str]:
    """Return a sentence that says who was left as she is, or none."""
    reasons = [reason for __, reason in result.skipped]
    left = [
        text(_SKIPPED[reason]) if reason in _SKIPPED else plural(*_SKIPPED_MANY[reason], reasons.count(reason))
        for reason in Skip
        if reason in reasons
    ]
    return [text("Left out: %(whom)s.", whom=", ".join(left))] if left else []
