"""What an event says: the canonical text that is hashed, and beside it the personal values that can be erased.

The text is written once and never again: whoever checks it hashes the very characters that are stored.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

VERSION = 1
SALT_LENGTH = 32
COMMITMENT_PREFIX = b"\x02"
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class Personal:
    """A value about a person, kept outside of the text of its event.

    :param of: to whom it belongs, as ``user:12``; None if nobody knows who it was.
    """

    value: str
    of: str | None


def moment(when: datetime) -> str:
    """Return a moment in UTC as the trail writes it, without the ``Z``."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def canonical(value: object) -> str:
    """Return JSON with sorted keys, no white space, and nothing escaped that UTF-8 can hold.

    :raises ValueError: for NaN, infinity and what JSON cannot hold, half a surrogate pair included.
    """
    try:
        text = _ENCODER.encode(value)
        text.encode()
    except TypeError as error:
        raise ValueError(f"an event holds what JSON can hold: {error}") from error
    return text


def commitment(salt: bytes, field: str, value: str) -> str:
    """Return in hexadecimal what stands in the text for a personal value.

    Without the salt, which goes with the value, nobody can find out by trying which value it was.
    """
    digest = hashlib.sha256(COMMITMENT_PREFIX + salt + field.encode() + b"\x00" + value.encode())
    return digest.hexdigest()


def seal_personal(
    personal: Mapping[str, Personal], salt: Callable[[int], bytes]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the text says of personal values, and what is kept of them beside it.

    :param salt: a source of so many random bytes.
    """
    committed, kept = {}, {}
    salts = salt(SALT_LENGTH * len(personal))
    for number, (field, entry) in enumerate(personal.items()):
        grain = salts[SALT_LENGTH * number : SALT_LENGTH * (number + 1)]
        committed[field] = {"commitment": commitment(grain, field, entry.value), "of": entry.of}
        kept[field] = {"salt": grain.hex(), "value": entry.value}
    return committed, kept
