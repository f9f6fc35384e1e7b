"""What we answer and are sent as JSON, in JSON Schema 2020-12: the words that ``operations`` describes routes with."""

from typing import Any

from ..accounts.fold import NAME_LENGTH
from ..accounts.joining import JoinDecision
from ..accounts.rules import Role
from ..audit.events import Outcome
from ..kernel.addresses import ADDRESS_LENGTH
from ..kernel.identifiers import LARGEST_ID
from ..sessions.rules import SESSION_ID_PATTERN

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def record(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object that has these properties and no others.

    What is sent to us is one too: a name that we do not know may be a mistyped one, and is refused.
    """
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


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
SESSION_ID: Schema = {"type": "string", "pattern": f"^{SESSION_ID_PATTERN}$"}
LEFT: Schema = {"type": "integer"}

_USER: dict[str, Schema] = {
    "id": ID,
    "email": or_null(ADDRESS),
    "name": NAME,
    "role": ROLE,
    "is_active": FLAG,
    "created_at": MOMENT,
    "last_login": or_null(MOMENT),
    "locked": FLAG,
}
# What a body says, with its number and what is left of its personal values; see docs/reference/audit-export.md.
_EVENT: dict[str, Schema] = {
    "number": {"type": "integer", "minimum": 1},
    "id": {"type": "string", "format": "uuid"},
    "at": MOMENT,
    "event": TEXT,
    "outcome": {"type": "string", "enum": [outcome.value for outcome in Outcome]},
    "reason": or_null(TEXT),
    "actor": record({"id": or_null({"type": "integer"}), "kind": TEXT}),
    "target": or_null(record({"id": or_null(TEXT), "type": TEXT})),
    "change": {"type": "object", "additionalProperties": {"type": "array"}},
    "details": {"type": "object"},
    "personal": {
        "type": "object",
        "additionalProperties": record({"commitment": TEXT, "of": or_null(TEXT), "value": or_null(TEXT)}),
    },
    "request": or_null(TEXT),
    "session": or_null(TEXT),
    "node": TEXT,
    "v": {"type": "integer"},
}
_JOIN_REQUEST: dict[str, Schema] = {
    "id": ID,
    "provider": TEXT,
    "issuer": TEXT,
    "email": or_null(TEXT),
    "email_is_authoritative": FLAG,
    "name": TEXT,
    "requested_at": MOMENT,
}
_PLACE = record({"epoch": {"type": "integer"}, "position": COUNT, "hash": TEXT})
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
            "id": ID,
            "provider": TEXT,
            "issuer": TEXT,
            "email": or_null(TEXT),
            "email_is_authoritative": FLAG,
            "created_at": MOMENT,
            "last_used_at": MOMENT,
        }
    ),
    "Activity": record(
        {
            "number": COUNT,
            "occurred_at": MOMENT,
            "event": TEXT,
            "outcome": {"type": "string", "enum": [outcome.value for outcome in Outcome]},
            "reason": or_null(TEXT),
            "by": or_null({"type": "integer"}),
            "ip": or_null(TEXT),
            "user_agent": or_null(TEXT),
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
    "JoinRequest": record(_JOIN_REQUEST),
    "ApprovedRequest": record(_JOIN_REQUEST | {"approved_role": ROLE, "approved_at": MOMENT}),
    "Decided": record(
        {
            "decision": {"type": "string", "enum": [JoinDecision.APPROVE.value, JoinDecision.DECLINE.value]},
            "role": ROLE,
        },
        optional=("role",),
    ),
    "Event": record(_EVENT),
    "EventWithPlace": record(_EVENT | {"place": or_null(_PLACE)}),
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
            "current": {"anyOf": [ref("ChangedUser"), ref("Decided")]},
            "invitation": ref("Invitation"),
            "yours": {"type": "object", "additionalProperties": TEXT},
        },
        "required": ["type", "title", "status"],
    },
}
