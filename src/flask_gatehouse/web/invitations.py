"""Who may come in: invitations, and people who ask to join."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ..accounts.errors import AlreadyAUser, AlreadyInvited, FieldProblem, InvalidField, JoinRequestChanged
from ..accounts.joining import JoinDecision
from ..accounts.names import find_names
from ..accounts.service import (
    approve_join_request,
    decline_join_request,
    invite,
    list_approved_requests,
    list_invitations,
    list_join_requests,
    withdraw_approval,
    withdraw_invitation,
)
from ..accounts.views import InvitationView, JoinRequestView
from ..kernel.clock import utc_now
from .fields import flag, in_words, number
from .htmx import done, is_htmx, trigger, wants_json, wants_part
from .labels import label_of, role_in_words
from .language import marked as _, text
from .paging import asked_places
from .plain_rows import plain_fields
from .problems import problem
from .sent import method_meant, sent
from .standing import changing
from .state import state
from .users import ROLES

# How long an invitation waits.
WAITS = timedelta(days=14)
# People of each of the lists on a page.
PAGE = 50
# What each word does with a request and the role beside it, and what is told of it. An approval is taken back by a word
# of its own: whoever declines somebody would otherwise undo, unseen, what another has approved meanwhile.
_DECISIONS: Mapping[JoinDecision, tuple[Callable[[Session, int, str], object], str]] = {
    JoinDecision.APPROVE: (approve_join_request, _("Approved. The next sign-in is let in.")),
    JoinDecision.DECLINE: (lambda db, number, role: decline_join_request(db, number), _("The request was declined.")),
    JoinDecision.WITHDRAW: (
        withdraw_approval,
        _("The approval was withdrawn. The request waits for a decision again."),
    ),
}
# Where a page of each list begins is asked by a parameter of its own.
_CURSORS = ("before", "join_requests_before", "approved_before")


def invitations() -> ResponseReturnValue:
    if request.method == "GET":
        return _page(asked_places(*_CURSORS))
    if method_meant() == "DELETE":
        return _withdraw(request.values.get("id", ""))
    fields = sent()
    if "join_request" in fields or "decision" in fields:
        _refuse_an_invitation(fields)
        return _decide(fields)
    return _invite(fields.get("email", ""), fields.get("role", ""), again=flag(fields, "again") is True)


def _refuse_an_invitation(fields: Mapping[str, str]) -> None:
    """Return if fields only decide: what says both would otherwise do one of them, and nobody would see which."""
    problems = {name: FieldProblem.NOT_HERE for name in ("email", "again") if name in fields}
    if "join_request" not in fields:
        problems["join_request"] = FieldProblem.MISSING
    if problems:
        raise InvalidField(problems)


def _invite(email: str, role: str, *, again: bool) -> ResponseReturnValue:
    try:
        with changing() as db:
            made = invite(db, email, role, expires_at=utc_now() + WAITS, again=again)
    except InvalidField as error:
        problems = in_words(error.fields)
    except AlreadyAUser:
        problems = {"email": text("Somebody here has this address already.")}
    except AlreadyInvited as known:
        return _already_invited(known.invitation, {"email": email, "role": role})
    else:
        if wants_json():
            return jsonify(plain_fields(made)), 201
        # Where letters are sent there is nothing to pass on.
        link = None if state().settings.mail_server else _link()
        flash(text("%(address)s is invited.", address=made.email), "success")
        return _page(link=link)
    if wants_json():
        return problem(422, "Please check your input", fields=problems)
    return make_response(_page(values={"email": email, "role": role}, problems=problems), 422)


def _already_invited(invitation: InvitationView, values: dict[str, str]) -> ResponseReturnValue:
    """Say that an address is invited already, and let whoever means it invite it again."""
    if wants_json():
        return problem(409, "Already invited", invitation=plain_fields(invitation), yours=values)
    told = text("This address is invited already, as %(role)s.", role=role_in_words(invitation.role))
    return make_response(_page(values=values, problems={"email": told}, again=True), 409)


def _withdraw(said: str) -> ResponseReturnValue:
    invitation_id = number(said)
    if not invitation_id:
        raise InvalidField({"id": FieldProblem.NOT_A_NUMBER if said else FieldProblem.MISSING})
    with changing() as db:
        withdraw_invitation(db, invitation_id)
    response = done(text("The invitation was withdrawn."), url_for("gatehouse.invitations"))
    # The button that had the focus has gone with its row.
    return trigger(response, **{"gatehouse:focus": {"target": "#pending-title"}}) if wants_part() else response


def _decide(fields: Mapping[str, str]) -> ResponseReturnValue:
    said = {name: fields[name] for name in ("decision", "role") if name in fields}
    if said.get("decision", "") not in set(JoinDecision):
        raise InvalidField({"decision": FieldProblem.UNKNOWN})
    decide, told = _DECISIONS[JoinDecision(said["decision"])]
    try:
        with changing() as db:
            decide(db, number(fields["join_request"]), said.get("role", ""))
    except JoinRequestChanged as changed:
        if not wants_json():
            raise
        return problem(409, "Somebody else was faster", current=_decided(changed.current), yours=said)
    return done(text(told), url_for("gatehouse.invitations"))


def _page(
    places: Sequence[int | None] = (None,) * len(_CURSORS),
    *,
    values: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    again: bool = False,
    link: str | None = None,
) -> ResponseReturnValue:
    begins = dict(zip(_CURSORS, places, strict=True))
    with state().database.reading() as connection:
        found = list_invitations(connection, before=begins["before"], limit=PAGE + 1)
        waiting = list_join_requests(connection, before=begins["join_requests_before"], limit=PAGE + 1)
        approved = list_approved_requests(connection, before=begins["approved_before"], limit=PAGE + 1)
        names = find_names(connection, {one.invited_by for one in found if one.invited_by})
    older = {"before": _next(found), "join_requests_before": _next(waiting), "approved_before": _next(approved)}
    if wants_json():
        return jsonify(
            invitations=[plain_fields(one) for one in found[:PAGE]],
            next=older["before"],
            join_requests=[_asking(one) for one in waiting[:PAGE]],
            join_requests_next=older["join_requests_before"],
            approved=[_approved(one) for one in approved[:PAGE]],
            approved_next=older["approved_before"],
        )
    page = render_template(
        "gatehouse/users/invitations.html",
        invitations=[
            asdict(one) | {"link": _link(), "invited_by_name": names.get(one.invited_by or 0)} for one in found[:PAGE]
        ],
        join_requests=[_labelled(one) for one in waiting[:PAGE]],
        approved=[_labelled(one) for one in approved[:PAGE]],
        values=values or {},
        problems=problems or {},
        again=again,
        begins=begins,
        older=older,
        roles=ROLES,
        link=link,
        mail_is_configured=state().settings.mail_server is not None,
    )
    # The button that had the focus has gone with its form; a field that is wrong takes it by itself.
    return (
        page if problems or not is_htmx() else trigger(make_response(page), **{"gatehouse:focus": {"target": "#main"}})
    )


def _next(found: Sequence[InvitationView | JoinRequestView]) -> int | None:
    """Return where the next page begins, if more was found than a page has."""
    return found[PAGE - 1].id if len(found) > PAGE else None


def _labelled(request: JoinRequestView) -> dict[str, Any]:
    return asdict(request) | {"provider_label": label_of(request.provider)}


def _asking(request: JoinRequestView) -> dict[str, Any]:
    return {name: value for name, value in plain_fields(request).items() if name not in {"approved_role", "decided_at"}}


def _approved(request: JoinRequestView) -> dict[str, Any]:
    fields = plain_fields(request)
    fields["approved_at"] = fields.pop("decided_at")
    return fields


def _decided(request: JoinRequestView) -> dict[str, str]:
    """Return what was said of a request, as it would be said here."""
    if request.approved_role is None:
        return {"decision": JoinDecision.DECLINE}
    return {"decision": JoinDecision.APPROVE, "role": request.approved_role}


def _link() -> str:
    """Return where an invited person goes; nothing in it is secret, because her address decides."""
    return state().settings.external_url("/auth/login")
