"""JSON as RFC 8259 and RFC 7493 have it, and not as Python's parser generously reads it."""

import json
import math
from typing import Any


def loads(text: bytes) -> Any:
    """Return what a JSON text means.

    A name that stands twice in an object is refused, because two readers may take different ones; so are
    ``NaN`` and infinite numbers, which make every comparison of times come out in the sender's favour.

    :raises ValueError: for anything else than well-formed JSON in UTF-8, and nothing but that.
    """
    try:
        return json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique_names, parse_constant=_refuse, parse_float=_finite
        )
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in a JSON object")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number in JSON is too large")
    return number
