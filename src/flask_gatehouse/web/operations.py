"""What programs can ask of each route: the descriptions that ``/openapi.json`` is made of.

One entry for each route and method of the URL table that answers JSON.
"""

from dataclasses import dataclass, field

from ..accounts.bulk import Skip
from ..accounts.queries import LONGEST_CURSOR, LONGEST_SEARCH, PAGE
from ..audit.events import EVENT_LENGTH, Outcome
from ..audit.reading import PAGE as EVENTS_OF_A_PAGE
from ..kernel.text import LARGEST_NUMBER
from .audit_query import RANGES
from .schemas import COUNT, FLAG, MOMENT, TEXT, Schema, listed, or_null, record, ref
from .taken import USER_FILTERS

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of a route does for a program.

    What a change takes stands in ``taken``.

    :param answers: of each status the schema of its body; None for one without.
    :param query: parameters that the address may have, as name and schema.
    :param media: as what a body is described.
    :param confirmed_sometimes: it depends on what is sent whether a fresh confirmation is needed.
    :param refusals: statuses that are answered with a problem, beyond those of the guard.
    """

    summary: str
    answers: dict[int, Schema | None]
    query: dict[str, Schema] = field(default_factory=dict)
    media: tuple[str, ...] = (JSON, FORM)
    refusals: tuple[int, ...] = ()
    confirmed_sometimes: bool = False


_LOG_FILTERS: dict[str, Schema] = {
    "q": {"type": "string", "maxLength": LONGEST_SEARCH},
    "who": {"type": "string", "maxLength": LONGEST_SEARCH},
    "event": {"type": "string", "maxLength": EVENT_LENGTH},
    "outcome": {"type": "string", "enum": ["", *(outcome.value for outcome in Outcome)]},
    "when": {"type": "string", "enum": ["", *RANGES]},
    "since": {"type": "string", "anyOf": [{"const": ""}, {"format": "date-time"}]},
    "until": {"type": "string", "anyOf": [{"const": ""}, {"format": "date-time"}]},
    "ip": {"type": "string", "anyOf": [{"const": ""}, {"format": "ipv4"}, {"format": "ipv6"}]},
}
_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER}
_LOG = record(
    {
        "events": listed(ref("Event")),
        "next": or_null(COUNT),
        "previous": or_null(COUNT),
        "searched_to": or_null(MOMENT),
    }
)
_ACTIVITY = record({"events": listed(ref("Activity")), "next": or_null(COUNT)})
_CURSOR: Schema = {"type": "string", "maxLength": LONGEST_CURSOR}
_LIST = record({"users": listed(ref("User")), "next": or_null(TEXT)})
_SKIPPED = record({"id": {"type": "integer"}, "reason": {"type": "string", "enum": [reason.value for reason in Skip]}})
_INVITATIONS = record(
    {
        "invitations": listed(ref("Invitation")),
        "next": or_null(COUNT),
        "join_requests": listed(ref("JoinRequest")),
        "join_requests_next": or_null(COUNT),
        "approved": listed(ref("ApprovedRequest")),
        "approved_next": or_null(COUNT),
    }
)
_ACCOUNT = record(
    {
        "user": ref("User"),
        "sessions": listed(ref("Session")),
        "identities": listed(ref("Identity")),
        "csrf_token": TEXT,
    }
)
_PROBES: dict[int, Schema | None] = {200: ref("Health"), 503: ref("Health")}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("users", "GET"): Operation(
        f"List users, {PAGE} at a time", {200: _LIST}, query=USER_FILTERS | {"after": _CURSOR}, refusals=(422,)
    ),
    ("user", "GET"): Operation("One user", {200: ref("User")}, refusals=(404,)),
    ("edit_user", "GET"): Operation(
        "One user, with the `version` that a change has to name", {200: ref("ChangedUser")}, refusals=(404,)
    ),
    ("user", "PUT"): Operation(
        "Change a name or a role",
        {200: ref("ChangedUser")},
        refusals=(404, 409),
        confirmed_sometimes=True,
    ),
    ("user", "DELETE"): Operation("Delete a user", {200: None}, refusals=(404, 409)),
    ("toggle_user", "POST"): Operation(
        "Deactivate or reactivate a user; without `is_active`, whichever is not so yet",
        {200: ref("ChangedUser")},
        media=(JSON,),
        refusals=(404, 409),
        confirmed_sometimes=True,
    ),
    ("release_user", "POST"): Operation(
        "Let a user sign in again who has said that it was not she", {200: ref("ChangedUser")}, refusals=(404,)
    ),
    ("change_many", "POST"): Operation(
        "Change many users; yourself and the last administrator are skipped",
        {200: record({"changed": COUNT, "unchanged": COUNT, "skipped": listed(_SKIPPED), "finished": FLAG})},
        confirmed_sometimes=True,
    ),
    ("invitations", "GET"): Operation(
        "Invitations, people who ask to join, and those of them who have been approved and have not come yet: 50 of"
        " each at a time, the newest first; `next`, `join_requests_next` and `approved_next` are `before`,"
        " `join_requests_before` and `approved_before` of the next page",
        {200: _INVITATIONS},
        query=dict.fromkeys(("before", "join_requests_before", "approved_before"), _NUMBER),
        refusals=(422,),
    ),
    ("invitations", "POST"): Operation(
        "Invite an address, or decide about a request to join",
        {201: ref("Invitation"), 204: None},
        refusals=(404, 409),
    ),
    ("invitations", "DELETE"): Operation("Withdraw an invitation", {204: None}, refusals=(404,)),
    ("account", "GET"): Operation("My profile, my sessions and how I sign in", {200: _ACCOUNT}),
    ("export_account", "GET"): Operation("Everything that is held about me", {200: {"type": "object"}}),
    ("export_user", "GET"): Operation(
        "Everything that is held about a user", {200: {"type": "object"}}, refusals=(404,)
    ),
    ("delete_account", "POST"): Operation(
        "Erase me, with all that is held about me; ``confirm`` is my address, or my name without one",
        {204: None},
        refusals=(409,),
    ),
    ("my_activity", "GET"): Operation(
        "What concerns my security", {200: _ACTIVITY}, query={"before": _NUMBER}, refusals=(422,)
    ),
    ("user_activity", "GET"): Operation(
        "What concerns the security of a user", {200: _ACTIVITY}, query={"before": _NUMBER}, refusals=(404, 422)
    ),
    ("unlink_identity", "DELETE"): Operation(
        "Unlink one of my ways to sign in; never the last, nor that of this session", {204: None}, refusals=(404, 409)
    ),
    ("end_session", "DELETE"): Operation("End one of my sessions", {204: None}, refusals=(404,)),
    ("end_other_sessions", "DELETE"): Operation("End all of my sessions but this one", {204: None}),
    ("sign_out", "POST"): Operation("Sign out: end this session", {204: None}),
    ("session_status", "GET"): Operation("How long this session lasts; never prolongs it", {200: ref("Remaining")}),
    ("session_status", "POST"): Operation("Prolong this session, within its limits", {200: ref("Remaining")}),
    ("healthz", "GET"): Operation("Whether the process answers", _PROBES),
    ("readyz", "GET"): Operation("Whether the process can work", _PROBES),
    ("audit_log", "GET"): Operation(
        f"The audit log, {EVENTS_OF_A_PAGE} events at a time, the newest first; `next` is `before` of the next page,"
        " and `after` asks for what is just newer than an event; `previous` is `after` of what is newer still",
        {200: _LOG},
        query=_LOG_FILTERS | {"before": _NUMBER, "after": _NUMBER},
        refusals=(422,),
    ),
    ("audit_event", "GET"): Operation(
        "One event, with its place in the tree", {200: ref("EventWithPlace")}, refusals=(404,)
    ),
    ("openapi", "GET"): Operation("This document", {200: {"type": "object"}}),
}
