"""The addresses of lists, and where the pages of those begin that go one way: by the last row of the page before."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for

from ..accounts.errors import FieldProblem, InvalidQuery
from ..kernel.text import is_number
from .fields import refuse_unknown
from .ours import asked_of_us


def asked_places(*names: str) -> tuple[int | None, ...]:
    """Return where the pages of lists begin that the address asks for, None for the first.

    :param names: of the parameters, one for each list.
    :raises InvalidQuery: with each that is no number, and with whatever else is asked, which such lists cannot be.
    """
    refuse_unknown(asked_of_us(names), names)
    said = [(name, request.args.get(name, "")) for name in names]
    if wrong := {name: FieldProblem.NOT_A_NUMBER for name, value in said if value and not is_number(value)}:
        raise InvalidQuery(wrong)
    return tuple(int(value) if value else None for _name, value in said)


def list_url(endpoint: str, said: Mapping[str, Any], /, **changes: Any) -> str:
    """Return the address of a list, with some of its parameters changed; those that say nothing are left out."""
    return url_for(endpoint, **{name: value for name, value in {**said, **changes}.items() if value})
