"""What programs can ask of each route: the descriptions that ``/openapi.json`` is made of.

One entry for each route and method of the URL table that answers JSON; ``PAGES_ONLY`` names those that do not.
"""

from dataclasses import dataclass, field
from typing import Any

from ..accounts.bulk import Skip
from ..accounts.fold import ADDRESS_LENGTH, NAME_LENGTH
from ..accounts.queries import LONGEST_SEARCH, Sort, Status
from ..accounts.rules import LARGEST_ID, Role

Schema = dict[str, Any]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of a route does for a program.

    :param query: parameters of the address, as name and schema.
    :param body: the schema of what is sent, and as which media types; None if nothing is.
    :param answers: of each status the schema of its body; None for one without.
    :param refusals: statuses that are answered with a problem, beyond those of the guard.
    """

    summary: str
    answers: dict[int, Schema | None]
    query: dict[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    media: tuple[str, ...] = (JSON, FORM)
    refusals: tuple[int, ...] = ()


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def record(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object that has these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
MOMENT: Schema = {"type": "string", "format": "date-time"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH}
ADDRESS: Schema = {"type": "string", "format": "email", "maxLength": ADDRESS_LENGTH}
ROLE: Schema = {"type": "string", "enum": [role.value for role in Role]}
SESSION_ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
LEFT: Schema = {"type": "integer"}

_USER: dict[str, Schema] = {
    "id": ID,
    "email": or_null(ADDRESS),
    "name": NAME,
    "role": ROLE,
    "is_active": FLAG,
    "created_at": MOMENT,
    "last_login": or_null(MOMENT),
}
SCHEMAS: dict[str, Schema] = {
    "User": record(_USER),
    "ChangedUser": record(_USER | {"version": {"type": "integer", "minimum": 1}}),
    "Session": record(
        {
            "id": SESSION_ID,
            "provider": TEXT,
            "created_at": MOMENT,
            "last_seen_at": MOMENT,
            "ip": or_null(TEXT),
            "user_agent": or_null(TEXT),
            "current": FLAG,
        }
    ),
    "Identity": record(
        {
            "provider": TEXT,
            "issuer": TEXT,
            "email": or_null(TEXT),
            "email_is_authoritative": FLAG,
            "created_at": MOMENT,
            "last_used_at": MOMENT,
        }
    ),
    "Invitation": record(
        {
            "id": ID,
            "email": ADDRESS,
            "role": ROLE,
            "invited_by": or_null(ID),
            "created_at": MOMENT,
            "expires_at": or_null(MOMENT),
        }
    ),
    "JoinRequest": record(
        {
            "id": ID,
            "provider": TEXT,
            "issuer": TEXT,
            "email": or_null(TEXT),
            "email_is_authoritative": FLAG,
            "name": TEXT,
            "requested_at": MOMENT,
        }
    ),
    "Remaining": record({"seconds_left": LEFT, "extendable": FLAG, "warn_at": COUNT}),
    "Health": {"type": "object", "properties": {"status": TEXT}, "required": ["status"]},
    # RFC 9457 section 3.1.
    "Problem": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": TEXT,
            "fields": {"type": "object", "additionalProperties": TEXT},
            "current": ref("ChangedUser"),
            "yours": {"type": "object", "additionalProperties": TEXT},
        },
        "required": ["type", "title", "status"],
    },
}

_FILTERS: dict[str, Schema] = {
    "q": {"type": "string", "maxLength": LONGEST_SEARCH},
    "role": ROLE,
    "status": {"type": "string", "enum": [status.value for status in Status]},
    "sort": {"type": "string", "enum": [f"{sign}{sort.value}" for sort in Sort for sign in ("", "-")]},
}
_LIST = record({"users": listed(ref("User")), "next": or_null(TEXT)})
_EDIT = record({"name": NAME, "role": ROLE, "version": {"type": "integer", "minimum": 1}}, optional=("role",))
_BULK = record(
    {
        "change": {"type": "string", "enum": ["role", "activate", "deactivate", "remove"]},
        "new_role": ROLE,
        "user": listed(ID),
        "everyone": {"type": "string", "enum": ["1"]},
        **_FILTERS,
    },
    optional=("new_role", "user", "everyone", *_FILTERS),
)
_SKIPPED = record({"id": {"type": "integer"}, "reason": {"type": "string", "enum": [reason.value for reason in Skip]}})
_INVITE = record({"email": ADDRESS, "role": ROLE})
_DECIDE = record(
    {"join_request": ID, "decision": {"type": "string", "enum": ["approve", "decline"]}, "role": ROLE},
    optional=("role",),
)
_INVITATIONS = record({"invitations": listed(ref("Invitation")), "join_requests": listed(ref("JoinRequest"))})
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
        "List users, 50 at a time", {200: _LIST}, query=_FILTERS | {"after": TEXT}, refusals=(400,)
    ),
    ("user", "GET"): Operation("One user", {200: ref("User")}, refusals=(404,)),
    ("user", "PUT"): Operation(
        "Change a name or a role", {200: ref("ChangedUser")}, body=_EDIT, refusals=(404, 409, 422)
    ),
    ("user", "DELETE"): Operation("Delete a user", {200: None}, refusals=(404, 409)),
    ("toggle_user", "POST"): Operation(
        "Deactivate a user, or let her in again", {200: ref("ChangedUser")}, refusals=(404, 409)
    ),
    ("change_many", "POST"): Operation(
        "Change many users; yourself and the last administrator are skipped",
        {200: record({"changed": COUNT, "unchanged": COUNT, "skipped": listed(_SKIPPED)})},
        body=_BULK,
        media=(FORM,),
        refusals=(422,),
    ),
    ("invitations", "GET"): Operation("Invitations, and people who ask to join", {200: _INVITATIONS}),
    ("invitations", "POST"): Operation(
        "Invite an address, or decide about a request to join",
        {200: None, 201: ref("Invitation")},
        body={"oneOf": [_INVITE, _DECIDE]},
        refusals=(404, 409, 422),
    ),
    ("invitations", "DELETE"): Operation("Withdraw an invitation", {200: None}, query={"id": ID}, refusals=(404,)),
    ("account", "GET"): Operation("My profile, my sessions and how I sign in", {200: _ACCOUNT}),
    ("end_session", "DELETE"): Operation("End one of my sessions", {204: None}, refusals=(404,)),
    ("end_other_sessions", "DELETE"): Operation("End all of my sessions but this one", {204: None}),
    ("session_status", "GET"): Operation("How long this session lasts; never prolongs it", {200: ref("Remaining")}),
    ("session_status", "POST"): Operation("Prolong this session, within its limits", {200: ref("Remaining")}),
    ("healthz", "GET"): Operation("Whether the process answers", _PROBES),
    ("readyz", "GET"): Operation("Whether the process can work", _PROBES),
    ("openapi", "GET"): Operation("This document", {200: {"type": "object"}}),
}
PAGES_ONLY = {
    ("index", "GET"),
    ("sign_in", "GET"),
    ("begin_sign_in", "GET"),
    ("finish_sign_in", "GET"),
    ("sign_out", "GET"),
    ("sign_out", "POST"),
    ("confirm", "GET"),
    ("dashboard", "GET"),
    ("claim_administration", "POST"),
    ("edit_user", "GET"),
    # For forms without script, which know no other method.
    ("user", "POST"),
    ("end_session", "POST"),
    ("end_other_sessions", "POST"),
}
