"""Turning text that people write into values, and text from outside into text that is safe to keep."""

import re
import unicodedata
from datetime import timedelta

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Marks that reorder what is displayed, so that a name can pretend to be another (Unicode TR36 §2.10).
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Secret:
    """A text that must not be printed; ``reveal()`` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def duration(text: str) -> timedelta:
    """Return what ``30m``, ``24h``, ``90s`` or ``7d`` means.

    :raises ValueError: for anything else, and for zero.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError("must be a number followed by s, m, h or d, such as 30m")
    return int(match[1]) * timedelta(seconds=_SECONDS[match[2]])


def words(text: str) -> tuple[str, ...]:
    """Split a comma-separated list, without empty items."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def plain(text: str, limit: int) -> str:
    """Return one line of at most ``limit`` characters, without control and direction characters."""
    kept = (
        " " if unicodedata.category(char) in {"Zs", "Zl", "Zp"} or char in "\t\n\r" else char
        for char in unicodedata.normalize("NFC", text)
        if char in "\t\n\r" or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in _BIDI_CONTROLS)
    )
    return " ".join("".join(kept).split())[:limit].rstrip()


def case_folded_address(address: str) -> str:
    """Return the form of an e-mail address that is compared and stored as unique."""
    return unicodedata.normalize("NFC", address.strip()).casefold()
