"""What a form or a JSON body says, and the words for what cannot be taken."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import current_app, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from ..accounts.errors import FieldProblem, InvalidField, InvalidQuery
from ..kernel.text import is_number
from ..signin import strict_json
from .language import marked as _, text

_WORDS = {
    FieldProblem.MISSING: _("Please fill this in."),
    FieldProblem.TOO_LONG: _("That is too long."),
    FieldProblem.UNSEEN: _("That has characters which cannot be seen."),
    FieldProblem.MARKUP: _("Please leave out < and >."),
    FieldProblem.UNKNOWN: _("Please choose one of the list."),
    FieldProblem.NOT_AN_ADDRESS: _("That is not an e-mail address."),
    FieldProblem.BINDS_NOBODY: _("Before the @, only letters from a to z count: no provider vouches for others."),
    FieldProblem.IN_THE_PAST: _("That is in the past."),
    FieldProblem.NOT_A_TIME: _("Please give a date and a time, such as 2026-11-27T09:30."),
    FieldProblem.NOT_LATER: _("That is not later than where it begins."),
    FieldProblem.NOT_A_NETWORK_ADDRESS: _("Please give a network address, such as 192.0.2.7."),
    FieldProblem.NOT_A_TEXT: _("That must be a text."),
    FieldProblem.NOT_A_NUMBER: _("That must be a whole number, from 1 on."),
    FieldProblem.NOT_A_FLAG: _("That must be true or false."),
    FieldProblem.TOO_MANY: _("Those are too many at once: choose 1,000 at most, or all."),
    FieldProblem.NO_FILTER: _("There is no such filter."),
    FieldProblem.NO_FIELD: _("There is no such field."),
    FieldProblem.NOT_HERE: _("That is not changed here."),
    FieldProblem.NOT_A_PLACE: _("That is no place in this list."),
    FieldProblem.NOBODY: _("Nobody and nothing here answers to that."),
    FieldProblem.TOO_MANY_PEOPLE: _("Too many people answer to that: write more of the name or of the address."),
}
_UNKNOWN = {
    FieldProblem.NO_FILTER: _("There is no filter called %(name)s."),
    FieldProblem.NO_FIELD: _("There is no field called %(name)s."),
}


def in_words(problems: Mapping[str, FieldProblem]) -> dict[str, str]:
    """Return a sentence for each field that cannot be taken."""
    return {name: text(_WORDS[problem]) for name, problem in problems.items()}


def refuse_unknown(
    names: Iterable[str], known: Collection[str], problem: FieldProblem = FieldProblem.NO_FILTER
) -> None:
    """Return if all names are of what can be asked: a mistyped filter would mean everybody.

    :raises InvalidQuery: with those that nobody knows.
    """
    if unknown := dict.fromkeys((name for name in names if name not in known), problem):
        raise InvalidQuery(unknown)


def unknown_in_words(problems: Mapping[str, FieldProblem]) -> str:
    """Return sentences that name what was asked and nobody knows; for where no field has a place for that."""
    unknown = [(name[:64], _UNKNOWN[problem]) for name, problem in problems.items() if problem in _UNKNOWN]
    return " ".join(text(sentence, name=name) for name, sentence in unknown)


# What a JSON body says of each field that any of our forms has, and what is told where it says something else.
_KINDS: dict[str, tuple[type, FieldProblem]] = {
    **dict.fromkeys(("id", "join_request", "user", "version"), (int, FieldProblem.NOT_A_NUMBER)),
    **dict.fromkeys(("again", "is_active"), (bool, FieldProblem.NOT_A_FLAG)),
    **dict.fromkeys(
        ("name", "role", "email", "decision", "change", "new_role", "everyone", "confirm", "_method"),
        (str, FieldProblem.NOT_A_TEXT),
    ),
    **dict.fromkeys(("q", "status", "sort", "after"), (str, FieldProblem.NOT_A_TEXT)),
}
_LISTS = frozenset({"user"})


def sent(only: Collection[str], *, unread: Collection[str] = ()) -> MultiDict[str, str]:
    """Return the fields of the request's body, whether it is a form or a JSON object, each as a form says it.

    :param only: refuse all but these: without one that is mistyped, the rest may mean the opposite.
    :param unread: what a JSON object may say as well, and nobody reads, since that is how we told it. Forms of ours say
        none of it.
    :raises BadRequest: if it says it is JSON and is no JSON object, is nested too deeply, or names a member twice.
    :raises InvalidField: with every field of a JSON object that is of another kind than it should be.
    :raises InvalidQuery: with every field that is not one of ``only``.
    """
    if not request.is_json:
        return sent_form(only)
    try:
        # A member that stands twice is refused: a filter in front of us may have read the other one.
        body = strict_json.loads(request.get_data())
    except ValueError as error:
        raise BadRequest from error
    if not isinstance(body, dict):
        raise BadRequest
    refuse_unknown(body, {*only, *unread}, FieldProblem.NO_FIELD)
    said = [(name, value) for name in body if name in only for value in _values(name, body[name])]
    # Not ``isinstance``: True is an int there.
    if wrong := {name: _KINDS[name][1] for name, value in said if type(value) is not _KINDS[name][0]}:
        raise InvalidField(wrong)
    return MultiDict((name, value if isinstance(value, str) else json.dumps(value)) for name, value in said)


def sent_form(only: Collection[str]) -> MultiDict[str, str]:
    """Return the fields of the request's form.

    Names that begin with ``_`` are left alone: the method and a host's own, whose templates may add some to our forms.

    :raises InvalidQuery: with every other field that is not one of ``only``.
    :raises UnsupportedMediaType: if there is a body and no field in it.
    """
    form, files = request.form, request.files
    if not form and not files and request.content_length:
        # Something was said and none of it understood: as nothing at all, it might mean the opposite.
        raise UnsupportedMediaType
    tokens = ("csrf_token", current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))
    refuse_unknown(
        (name for name in form if not name.startswith("_") and name not in tokens), only, FieldProblem.NO_FIELD
    )
    # No field of ours is a file, whatever it is called.
    refuse_unknown(files, (), FieldProblem.NO_FIELD)
    return request.form


def _values(name: str, said: Any) -> list[Any]:
    return said if name in _LISTS and isinstance(said, list) else [said]


def flag(fields: Mapping[str, str], name: str) -> bool | None:
    """Return what a field says, ``true`` or ``false``; None if it is not there.

    :raises InvalidField: if it says something else.
    """
    said = fields.get(name)
    if said not in {None, "true", "false"}:
        raise InvalidField({name: FieldProblem.NOT_A_FLAG})
    return None if said is None else said == "true"


def number(text: str | None) -> int:
    """Return a whole number that a page of ours has given out; one that cannot have been counts as zero."""
    return int(text) if text and is_number(text) else 0
