"""What each change takes: the fields of its body and the parameters of its address.

One entry for each method of the URL table that takes something; the others take nothing. The guard of a route refuses
by its name whatever is not listed, ``sent`` reads by the same entry, and ``/openapi.json`` describes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..accounts.bulk import BATCH, Action
from ..accounts.joining import JoinDecision
from ..accounts.queries import LONGEST_SEARCH, Sort, Status
from ..accounts.rules import Role
from .schemas import ADDRESS, FLAG, ID, NAME, ROLE, TEXT, Schema, listed, record


@dataclass(frozen=True, slots=True)
class Taken:
    """What one method of a route takes.

    :param body: the schema of a body, or of each of those that it may be; None if a program sends none.
    :param form: the schema of a form, where pages say it in another way than programs.
    :param query: parameters of the address that must be there, each with its schema.
    :param told: what a JSON object may say as well, and nobody reads, since that is how we told it.
    :param along: what may come along with the request, and nobody reads: the fields among which its button stands.
    :param anything: nothing is read and whatever comes along is let pass: it only keeps or gives up what she has, so
        that nothing could be meant that is worse to miss than a session that lives on.
    """

    body: Schema | None = None
    form: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    anything: bool = False

    @property
    def members(self) -> dict[str, Schema]:
        """Return what is read of a JSON object."""
        return _fields_of(self.body)

    @property
    def fields(self) -> dict[str, Schema]:
        """Return what is read of a form."""
        return _fields_of(self.form or self.body)


def _fields_of(schema: Schema | None) -> dict[str, Schema]:
    if schema is None:
        return {}
    found: dict[str, Schema] = dict(schema.get("properties", {}))
    for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found |= _fields_of(one)
    return found


# An empty filter is none, as the form of the page sends it.
USER_FILTERS: dict[str, Schema] = {
    "q": {"type": "string", "maxLength": LONGEST_SEARCH},
    "role": {"type": "string", "enum": ["", *(role.value for role in Role)]},
    "status": {"type": "string", "enum": ["", *(status.value for status in Status)]},
    "sort": {"type": "string", "enum": ["", *(f"{sign}{sort.value}" for sort in Sort for sign in ("", "-"))]},
}
_TICK: Schema = {"type": "string", "const": "1"}
_SEVERAL = listed(ID) | {"minItems": 1, "maxItems": BATCH}
_EDIT = record(
    {"name": NAME, "role": ROLE, "version": {"type": "integer", "minimum": 1}, "is_active": FLAG},
    optional=("name", "role", "is_active"),
)
# ``everyone`` means all whom the filters mean, instead of those who are named.
_WHOM: dict[str, Schema] = {"user": _SEVERAL, "everyone": _TICK, **USER_FILTERS}
_SOMEBODY: Schema = {"anyOf": [{"required": ["user"]}, {"required": ["everyone"]}]}
_OTHER_ACTIONS = [action.value for action in Action if action is not Action.ROLE]


def _bulk(besides: dict[str, Schema]) -> Schema:
    role: dict[str, Schema] = {"change": {"type": "string", "const": Action.ROLE.value}, "new_role": ROLE}
    others: dict[str, Schema] = {"change": {"type": "string", "enum": _OTHER_ACTIONS}}
    return {
        "oneOf": [
            record(role | _WHOM, optional=tuple(_WHOM)) | _SOMEBODY,
            record(others | besides | _WHOM, optional=(*besides, *_WHOM)) | _SOMEBODY,
        ]
    }


# An address that is invited already is refused unless it is meant to be invited again.
_INVITE = record({"email": ADDRESS, "role": ROLE, "again": FLAG}, optional=("again",))
_DECISION: Schema = {"type": "string", "enum": [decision.value for decision in JoinDecision]}
_DECIDE = record({"join_request": ID, "decision": _DECISION, "role": ROLE}, optional=("role",))
_REVIEW: Schema = {
    "oneOf": [
        record({"complete": _TICK}),
        record({"one": TEXT}),
        record({"part": TEXT, "decision": TEXT, "user": _SEVERAL, "everyone": _TICK}, optional=("user", "everyone")),
    ]
}
_EDITED = Taken(_EDIT, told=("id", "email", "created_at", "last_login", "locked"))

NOTHING = Taken()
TAKES: dict[tuple[str, str], Taken] = {
    # A host's own button for it sends what its form holds; refused for that, she would believe that she is out.
    ("sign_out", "POST"): Taken(anything=True),
    ("session_status", "POST"): Taken(anything=True),
    ("user", "PUT"): _EDITED,
    # For forms without script, which say in ``_method`` what they mean.
    ("user", "POST"): _EDITED,
    # htmx 1.9 sends the fields of the row along as a form, and htmx 2 and 4 in the address, where a template includes
    # them with the button. Whatever else is said to a deletion may have been meant to keep somebody from it.
    ("user", "DELETE"): Taken(along=("user", *_fields_of(_EDIT))),
    ("toggle_user", "POST"): Taken(record({"is_active": FLAG}, optional=("is_active",))),
    # The page has one form for all of its buttons: what one of them needs comes along with the others.
    ("change_many", "POST"): Taken(_bulk({}), form=_bulk({"new_role": ROLE})),
    ("invitations", "POST"): Taken({"anyOf": [_INVITE, _DECIDE]}),
    ("invitations", "DELETE"): Taken(form=record({"id": ID}), query={"id": ID}),
    ("delete_account", "POST"): Taken(record({"confirm": TEXT})),
    ("access_review", "POST"): Taken(_REVIEW),
}
