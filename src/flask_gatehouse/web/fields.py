"""What a form or a JSON body says, and the words for what cannot be taken."""

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from ..accounts.errors import FieldProblem
from .language import marked as _, text

_WORDS = {
    FieldProblem.MISSING: _("Please fill this in."),
    FieldProblem.TOO_LONG: _("That is too long."),
    FieldProblem.UNSEEN: _("That has characters which cannot be seen."),
    FieldProblem.MARKUP: _("Please leave out < and >."),
    FieldProblem.UNKNOWN: _("Please choose one of the list."),
    FieldProblem.NOT_AN_ADDRESS: _("That is not an e-mail address."),
    FieldProblem.IN_THE_PAST: _("That is in the past."),
    FieldProblem.NOT_A_TIME: _("That is no date and time, such as 2026-11-27T09:30."),
    FieldProblem.NOT_LATER: _("That is not later than where it begins."),
    FieldProblem.NOT_A_NETWORK_ADDRESS: _("That is no network address, such as 192.0.2.7."),
}


def in_words(problems: Mapping[str, FieldProblem]) -> dict[str, str]:
    """Return a sentence for each field that cannot be taken."""
    return {name: text(_WORDS[problem]) for name, problem in problems.items()}


# What a JSON body says as numbers; all other fields are texts.
_NUMBERS = frozenset({"id", "join_request", "user", "version"})
_LISTS = frozenset({"user"})
_IMPOSSIBLE = "\0"


def sent() -> MultiDict[str, str]:
    """Return the fields of the request's body, whether it is a form or a JSON object.

    What is of another kind than its field is a text that no field takes.

    :raises BadRequest: if it says it is JSON and is no JSON object, or one that is nested too deeply.
    """
    if not request.is_json:
        return request.form
    try:
        body = request.get_json()
    except RecursionError as error:
        raise BadRequest from error
    if not isinstance(body, dict):
        raise BadRequest
    return MultiDict((name, _as_text(name, value)) for name, said in body.items() for value in _values(name, said))


def _values(name: str, said: Any) -> list[Any]:
    return said if name in _LISTS and isinstance(said, list) else [said]


def _as_text(name: str, value: Any) -> str:
    # Not ``isinstance``: True is an int there.
    return str(value) if type(value) is (int if name in _NUMBERS else str) else _IMPOSSIBLE


def number(text: str | None) -> int:
    """Return a whole number that a page of ours has given out; one that cannot have been counts as zero."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else 0
