"""The review of access: dormant accounts and roles, to confirm or to withdraw, one by one or together."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ..accounts.bulk import BulkResult, Skip
from ..accounts.errors import FieldProblem, InvalidField, InvalidQuery
from ..accounts.history import origin_of_role
from ..accounts.names import find_names
from ..accounts.reviewing import (
    PAGE,
    Decision,
    Due,
    Part,
    Periods,
    Standing,
    complete_review,
    decide,
    list_due,
    review_standing,
)
from ..accounts.service import get_user
from ..kernel.errors import DependencyUnavailable
from ..kernel.identifiers import LARGEST_ID
from .actor import signed_in
from .fields import number
from .htmx import trigger, wants_part
from .language import forms, marked as _, plural, text
from .many import PATIENCE_S, UNFINISHED, chosen_users, left_out
from .sent import sent
from .standing import changing
from .state import state

log = logging.getLogger("flask_gatehouse")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIDED = {
    (Part.ROLES, Decision.CONFIRM): _("Keeps the role."),
    (Part.ROLES, Decision.WITHDRAW): _("Is a viewer now."),
    (Part.DORMANT, Decision.CONFIRM): _("Keeps the account."),
    (Part.DORMANT, Decision.WITHDRAW): _("Is deactivated now."),
}
_TOGETHER = {
    (Part.ROLES, Decision.CONFIRM): forms("1 person keeps the role.", "%(count)s people keep their roles."),
    (Part.ROLES, Decision.WITHDRAW): forms("1 person is a viewer now.", "%(count)s people are viewers now."),
    (Part.DORMANT, Decision.CONFIRM): forms("1 person keeps the account.", "%(count)s people keep their accounts."),
    (Part.DORMANT, Decision.WITHDRAW): forms(
        "1 account is deactivated now.", "%(count)s accounts are deactivated now."
    ),
}
_LEFT = {
    Skip.YOURSELF: _("Nobody decides about themselves: another administrator does."),
    Skip.LAST_ADMINISTRATOR: _("The last administrator stays one."),
    Skip.NOT_DUE: _("There is nothing to decide any more."),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One of the two lists as the page shows it.

    :param next: the cursor of the next page, None on the last.
    """

    part: Part
    people: list[dict[str, Any]]
    next: str | None
    is_first: bool


def access_review() -> ResponseReturnValue:
    if request.method == "GET":
        return _page()
    fields = sent()
    # A tick that says something else than ours do may mean the opposite.
    if wrong := {name: FieldProblem.UNKNOWN for name in ("complete", "everyone") if fields.get(name, "1") != "1"}:
        raise InvalidField(wrong)
    _refuse_several(fields)
    if "complete" in fields:
        return _complete()
    if "one" in fields:
        part, _colon, rest = fields["one"].partition(":")
        word, _colon, user_id = rest.partition(":")
        return _decide_one(_part(part), _decision(word), number(user_id))
    part, decision = _part(fields.get("part", "")), _decision(fields.get("decision", ""))
    return _decide_many(part, decision, chosen_users(fields.getlist("user")), everyone="everyone" in fields)


def _refuse_several(fields: Mapping[str, str]) -> None:
    """Return if fields mean one thing: of two, one would otherwise be done, and nobody would see which."""
    said = [name for name in ("complete", "one", "part", "decision", "user", "everyone") if name in fields]
    if len(said) > 1 and not {"complete", "one"}.isdisjoint(said):
        raise InvalidField(dict.fromkeys(said, FieldProblem.NOT_HERE))


def periods() -> Periods:
    settings = state().settings
    return Periods(settings.dormant_after, settings.review_interval)


def due_in_words(standing: Standing, now: datetime) -> str:
    """Return when the review is due, or since when it is overdue."""
    days = (standing.due_at - now) // timedelta(days=1)
    if standing.due_at <= now:
        overdue = (now - standing.due_at) // timedelta(days=1)
        return plural("overdue for one day", "overdue for %(count)s days", overdue) if overdue else text("due now")
    return plural("due in one day", "due in %(count)s days", days) if days else text("due today")


def _page() -> ResponseReturnValue:
    who = signed_in()
    with state().database.reading() as connection:
        standing = review_standing(connection, state().settings.review_interval)
        lists = [_listed(connection, part) for part in Part]
        by = find_names(connection, [standing.completed_by]) if standing.completed_by else {}
    return render_template(
        "gatehouse/access_review/access_review.html",
        standing=standing,
        completed_by=by.get(standing.completed_by or 0),
        due=due_in_words(standing, who.times.now),
        is_overdue=standing.due_at <= who.times.now,
        lists=lists,
        is_done=all(
            one.is_first and not one.next and all(person["id"] == who.user_id for person in one.people) for one in lists
        ),
        chosen=request.args.get("select", ""),
        dormant_days=state().settings.dormant_after // timedelta(days=1),
    )


def _listed(connection: Connection, part: Part) -> Listed:
    cursor = request.args.get(part.value, "")
    found = list_due(connection, part, periods(), after=_decoded(part, cursor) if cursor else None, limit=PAGE + 1)
    shown = found[:PAGE]
    return Listed(
        part,
        _shown(connection, part, shown),
        _encoded(shown[-1]) if len(found) > PAGE else None,
        not cursor,
    )


def _shown(connection: Connection, part: Part, found: Sequence[Due]) -> list[dict[str, Any]]:
    origins = {due.user.id: origin_of_role(connection, due.user.id) for due in found} if part is Part.ROLES else {}
    givers = [origin.actor_id for origin in origins.values() if origin and origin.actor_id]
    names = find_names(connection, givers) if givers else {}
    return [
        asdict(due.user)
        | {
            "since": due.since,
            "origin": origins.get(due.user.id),
            "given_by": names.get(getattr(origins.get(due.user.id), "actor_id", None) or 0),
        }
        for due in found
    ]


def _decide_one(part: Part, decision: Decision, user_id: int) -> ResponseReturnValue:
    if not 0 < user_id <= LARGEST_ID:
        raise InvalidField({"one": FieldProblem.UNKNOWN})
    with changing() as db:
        row = get_user(db, user_id)
        result = decide(db, part, [user_id], decision, periods(), actor_id=signed_in().user_id)
    reason = result.skipped[0][1] if result.skipped else None
    told = text(_LEFT[reason] if reason else _DECIDED[part, decision])
    if not wants_part():
        flash(text("%(name)s: %(what)s", name=row.name, what=told), "warning" if reason else "success")
        return redirect(url_for("gatehouse.access_review", _anchor=part), 303)
    answer = render_template(
        "gatehouse/access_review/_decided_row.html", person=row, part=part, told=told, is_done=reason is None
    )
    return trigger(make_response(answer), **{"gatehouse:focus": {"target": f"#{part}-{user_id}"}})


def _decide_many(part: Part, decision: Decision, ids: set[int], *, everyone: bool) -> ResponseReturnValue:
    if everyone:
        result, is_finished = _decide_everybody(part, decision)
    else:
        with changing() as db:
            result = decide(db, part, ids, decision, periods(), actor_id=signed_in().user_id)
        is_finished = True
    sentences = [plural(*_TOGETHER[part, decision], result.changed), *left_out(result)]
    if not ids and not everyone:
        sentences = [text("Nobody was selected.")]
    if not is_finished:
        sentences.append(text(UNFINISHED))
    flash(" ".join(sentences), "success" if result.changed and is_finished else "warning")
    return redirect(url_for("gatehouse.access_review", _anchor=part), 303)


def _decide_everybody(part: Part, decision: Decision) -> tuple[BulkResult, bool]:
    """Decide about all who are due, some after the other, and return whether that was everybody.

    Each transaction stands by itself: whoever else wants to write waits for one of them and not for all.
    """
    total, begun = BulkResult(), time.monotonic()
    while time.monotonic() - begun < PATIENCE_S:
        try:
            with changing() as db:
                result = decide(db, part, None, decision, periods(), actor_id=signed_in().user_id)
        except DependencyUnavailable:
            if not total.changed:
                raise
            log.warning("deciding about everybody has stopped; decided: %s", total.changed, exc_info=True)
            return total, False
        total.changed, total.skipped = total.changed + result.changed, result.skipped
        if not result.changed:
            return total, True
    return total, False


def _complete() -> ResponseReturnValue:
    with changing() as db:
        complete_review(db, periods(), actor_id=signed_in().user_id)
    flash(text("The review is complete."), "success")
    return redirect(url_for("gatehouse.access_review"), 303)


def _part(word: str) -> Part:
    if word not in set(Part):
        raise InvalidField({"part": FieldProblem.UNKNOWN})
    return Part(word)


def _decision(word: str) -> Decision:
    if word not in set(Decision):
        raise InvalidField({"decision": FieldProblem.UNKNOWN})
    return Decision(word)


def _encoded(due: Due) -> str:
    return f"{(due.since - _EPOCH) // timedelta(microseconds=1)}.{due.user.id}"


def _decoded(part: Part, cursor: str) -> tuple[datetime, int]:
    moment, _dot, identifier = cursor.partition(".")
    if not (moment.isdecimal() and identifier.isdecimal()) or len(cursor) > 40 or int(identifier) > LARGEST_ID:
        raise InvalidQuery({part.value: FieldProblem.NOT_A_PLACE})
    try:
        return _EPOCH + timedelta(microseconds=int(moment)), int(identifier)
    except OverflowError as error:
        raise InvalidQuery({part.value: FieldProblem.NOT_A_PLACE}) from error
