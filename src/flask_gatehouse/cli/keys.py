"""Public keys as operators hand them over."""

from collections.abc import Iterable

import click

from ..audit.errors import MalformedKey
from ..audit.note_keys import VerifierKey


def public_keys(context: click.Context, parameter: click.Parameter, values: Iterable[str]) -> list[VerifierKey]:
    """Return keys as ``gatehouse audit keygen`` printed them; for ``callback=`` of an option.

    :raises click.BadParameter: if one of them is none.
    """
    try:
        return [VerifierKey.parse(value.strip()) for value in values]
    except MalformedKey as error:
        raise click.BadParameter(f"{error}.") from error
