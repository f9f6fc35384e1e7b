"""The export of the audit log: a file that holds what the page shows with the same filters, as long as it may be."""

from collections.abc import Generator
from itertools import chain
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from ..accounts.errors import FieldProblem, InvalidQuery
from ..audit.errors import NothingSealed
from ..audit.exporting.selection import Selection
from ..audit.exporting.writing import MEDIA_TYPES, SUFFIXES, Export, Format, can_be_taken, take_export
from ..audit.keys import believed_keys
from ..db.database import as_unavailable
from ..kernel.clock import utc_now
from .actor import actor
from .audit_query import Asked
from .audit_search import understand
from .downloads import is_taken, named
from .ours import asked_of_us
from .state import state


def audit_export() -> ResponseReturnValue:
    """Answer with the file, piece by piece; that it is taken is in the trail before its first byte leaves."""
    here, now = state(), utc_now()
    keys = believed_keys(here.settings)
    export = Export(_format(), _selection(), keys, with_unproven=_with_unproven())
    response = Response(content_type=MEDIA_TYPES[export.format])
    if is_taken():
        pieces = take_export(here.database, export, now, actor=actor())
        response.response = _begun(pieces)
        # Whoever goes away in the middle leaves no transaction open.
        response.call_on_close(pieces.close)
    elif not can_be_taken(here.database, export):
        raise NothingSealed
    return named(response, f"audit-{now:%Y%m%dT%H%M%SZ}.{SUFFIXES[export.format]}")


def _begun(pieces: Generator[bytes, None, None]) -> Any:
    """Return the pieces once the first is there, so that what can go wrong before it is answered and not cut off."""
    with as_unavailable():
        first = next(pieces, b"")
    return chain([first], pieces)


def _format() -> Format:
    name = request.args.get("format") or Format.JSONL
    if name not in set(Format):
        raise InvalidQuery({"format": FieldProblem.UNKNOWN})
    return Format(name)


def _with_unproven() -> bool:
    said = request.args.get("unproven") or None
    if said not in {None, "1"}:
        # As "no" to whoever wrote "true", it would leave out, unseen, what has happened last.
        raise InvalidQuery({"unproven": FieldProblem.UNKNOWN})
    return said is not None


def _selection() -> Selection:
    besides = ("format", "unproven")
    asked = Asked.parse(asked_of_us({*Asked.names(), *besides}), *besides)
    with state().database.reading() as connection:
        meant = understand(connection, asked, utc_now())
    # The page shows at once that nobody has a name. A file stays, and says of people nothing but their numbers: nobody
    # would see later that the name was mistyped, or that some of those who answer to it are left out.
    if meant.query is None or meant.problem:
        raise InvalidQuery(meant.problem)
    return Selection(meant.query)
