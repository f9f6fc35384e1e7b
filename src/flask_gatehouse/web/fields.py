"""What a form or a JSON body says, and the words for what cannot be taken."""

from collections.abc import Mapping

from flask import request
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
}


def in_words(problems: Mapping[str, FieldProblem]) -> dict[str, str]:
    """Return a sentence for each field that cannot be taken."""
    return {name: text(_WORDS[problem]) for name, problem in problems.items()}


def sent() -> Mapping[str, str]:
    """Return the fields of the request's body, whether it is a form or a JSON object of texts and numbers.

    :raises BadRequest: if it says it is JSON and is not.
    """
    if not request.is_json:
        return request.form
    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequest
    return {str(name): str(value) for name, value in body.items() if isinstance(value, str | int)}


def number(text: str | None) -> int:
    """Return a whole number that a page of ours has given out; one that cannot have been counts as zero."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else 0
