"""What a change says, held to what its route takes: its form or JSON object, and the parameters of its address."""

import json
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from ..accounts.errors import FieldProblem, InvalidField, InvalidQuery
from ..signin import strict_json
from .fields import refuse_unknown
from .ours import METHOD, asked_of_us, ours
from .schemas import Schema
from .taken import NOTHING, TAKES, Taken

# What a member of a JSON object is by its schema, and what is told where it is something else.
_KINDS: dict[str, tuple[type, FieldProblem]] = {
    "integer": (int, FieldProblem.NOT_A_NUMBER),
    "boolean": (bool, FieldProblem.NOT_A_FLAG),
    "string": (str, FieldProblem.NOT_A_TEXT),
}


def method_meant() -> str:
    """Return the method of the request; of a form without script, which can only POST, the one that it names."""
    said = request.form.get(METHOD, "") if request.method == "POST" else ""
    return said.upper() or request.method


def sent() -> MultiDict[str, str]:
    """Return the fields of the request's body, whether it is a form or a JSON object, each as a form says it.

    Whatever the route does not take is refused, and what is meant once and says two things: the rest, or the other of
    them, may mean the opposite.

    :raises BadRequest: if it says it is JSON and is no JSON object, is nested too deeply, or names a member twice.
    :raises UnsupportedMediaType: if there is a body that is neither a form nor JSON.
    :raises InvalidField: with every member of a JSON object that is of another kind than it should be.
    :raises InvalidQuery: with every field, member or parameter that is not taken, or says two things.
    """
    endpoint = (request.endpoint or "").removeprefix("gatehouse.")
    taken = TAKES.get((endpoint, method_meant())) or TAKES.get((endpoint, request.method), NOTHING)
    if taken.anything:
        return MultiDict()
    # Only a DELETE has fields in its address, which are not read; the method that counts is said by forms alone.
    along = {METHOD, *(taken.along if request.method == "DELETE" else ())}
    known = {*taken.query, *along}
    refuse_unknown(asked_of_us(known), known, FieldProblem.NO_FIELD, several=along)
    return _members(taken) if request.is_json else _fields(taken)


def _members(taken: Taken) -> MultiDict[str, str]:
    text, members = request.get_data(), taken.members
    if not text and not members:
        # Some programs name the kind of a body with every request, also where they send none.
        return MultiDict()
    try:
        # A member that stands twice is refused: a filter in front of us may have read the other one.
        body = strict_json.loads(text)
    except ValueError as error:
        raise BadRequest from error
    if not isinstance(body, dict):
        raise BadRequest
    known = {*members, *taken.told, *taken.along}
    refuse_unknown(MultiDict((name, "") for name in body), known, FieldProblem.NO_FIELD)
    said = {name: value for name, value in body.items() if name in members}
    found = {name: _problem_of(value, members[name]) for name, value in said.items()}
    if wrong := {name: problem for name, problem in found.items() if problem}:
        raise InvalidField(wrong)
    return MultiDict(
        (name, one if isinstance(one, str) else json.dumps(one))
        for name, value in said.items()
        for one in (value if isinstance(value, list) else [value])
    )


def _problem_of(value: Any, schema: Schema) -> FieldProblem | None:
    if schema["type"] == "array":
        if not isinstance(value, list):
            return FieldProblem.NOT_A_LIST
        problems = (_problem_of(one, schema["items"]) for one in value)
        return next((problem for problem in problems if problem), None) if value else FieldProblem.MISSING
    kind, problem = _KINDS[schema["type"]]
    # Not ``isinstance``: True is an int there.
    return None if type(value) is kind else problem


def _fields(taken: Taken) -> MultiDict[str, str]:
    form, files, address = request.form, request.files, request.args
    if not form and not files and request.content_length:
        # Something was said and none of it understood: as nothing at all, it might mean the opposite.
        raise UnsupportedMediaType
    fields, said = taken.fields, ours(form)
    several = {*taken.along, *(name for name, schema in fields.items() if schema["type"] == "array")}
    refuse_unknown(said, {METHOD, *fields, *taken.along}, FieldProblem.NO_FIELD, several=several)
    # No field of ours is a file, whatever it is called.
    refuse_unknown(files, (), FieldProblem.NO_FIELD)
    # Once in the address and once in the form counts as one if both say the same.
    both = [name for name in taken.query if name in said and name in address]
    if differ := [name for name in both if said[name] != address[name]]:
        raise InvalidQuery(dict.fromkeys(differ, FieldProblem.TWICE))
    return form
