"""What fields and parameters say, and the words for what cannot be taken."""

from collections.abc import Collection, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from ..accounts.errors import FieldProblem, InvalidField, InvalidQuery
from ..kernel.text import is_number
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
    FieldProblem.NOT_A_LIST: _("That must be a list."),
    FieldProblem.TOO_MANY: _("Those are too many at once: choose 1,000 at most, or all."),
    FieldProblem.NO_FILTER: _("There is no such filter."),
    FieldProblem.NO_FIELD: _("There is no such field."),
    FieldProblem.TWICE: _("That was sent more than once."),
    FieldProblem.NOT_HERE: _("That is not changed here."),
    FieldProblem.NOT_A_PLACE: _("That is no place in this list."),
    FieldProblem.NOBODY: _("Nobody and nothing here answers to that."),
    FieldProblem.TOO_MANY_PEOPLE: _("Too many people answer to that: write more of the name or of the address."),
}
_NAMED = {
    FieldProblem.NO_FILTER: _("There is no filter called %(name)s."),
    FieldProblem.NO_FIELD: _("There is no field called %(name)s."),
    FieldProblem.TWICE: _("%(name)s was sent more than once."),
}


def in_words(problems: Mapping[str, FieldProblem]) -> dict[str, str]:
    """Return a sentence for each field that cannot be taken."""
    return {name: text(_WORDS[problem]) for name, problem in problems.items()}


def refuse_unknown(
    said: MultiDict[str, Any],
    known: Collection[str],
    problem: FieldProblem = FieldProblem.NO_FILTER,
    *,
    several: Collection[str] = (),
) -> None:
    """Return if all names are of what can be said, and each says one thing: a mistyped filter would mean everybody.

    Of what stands twice and differs, somebody before us may have read the other one. The same twice has no second
    meaning: htmx 2 adds the form around a button to an address that says it already.

    :param several: those of which several may be said.
    :raises InvalidQuery: with the others.
    """
    problems = {
        name: FieldProblem.TWICE if name in known else problem
        for name, values in said.lists()
        if name not in known or (name not in several and len(set(values)) > 1)
    }
    if problems:
        raise InvalidQuery(problems)


def unknown_in_words(problems: Mapping[str, FieldProblem]) -> str:
    """Return sentences that name what nobody knows or what was said twice; for where no field has a place for that."""
    named = [(name[:64], _NAMED[problem]) for name, problem in problems.items() if problem in _NAMED]
    return " ".join(text(sentence, name=name) for name, sentence in named)


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
