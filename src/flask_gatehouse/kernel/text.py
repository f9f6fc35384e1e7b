"""Turning text that people write into values, and text from outside into text that is safe to keep."""

import re
import unicodedata
from datetime import timedelta

_DURATION = re.compile(r"([1-9][0-9]{0,8})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))
_LONGEST = timedelta(days=3650)
# Digits, of which each column of ours holds any number.
_LONGEST_NUMBER = 18
LARGEST_NUMBER = 10**_LONGEST_NUMBER - 1
# Controls, halves of a surrogate pair, and what is not seen: some of those marks reorder what is displayed, so that
# a name can pretend to be another (Unicode TR36 §2.10).
_UNSEEN = {"Cc", "Cs", "Cf"}
# Letters and symbols by their category, of which nothing is seen: fillers of Hangul, the blank of Braille, the place of
# an object that is not there, a note without a head. A name of them alone would be nobody's.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159"
# Unseen too, but several scripts, some Japanese names and most emoji cannot be written without them: joiners, vowels
# that are not written, and what chooses between the shapes of a sign.
_JOINERS = (
    "\u200c\u200d\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


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

    :raises ValueError: for anything else, for zero and for more than ten years.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a number followed by s, m, h or d, such as 30m")
    length = int(match[1]) * timedelta(seconds=_SECONDS[match[2]])
    if length > _LONGEST:
        raise ValueError("must not be longer than 3650d")
    return length


def roughly(length: timedelta) -> str:
    """Return how long that is, in its largest unit: ``3 days``, ``1 hour``. What is less than nothing is 0 seconds."""
    seconds = max(0, int(length.total_seconds()))
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "second"))
    number = seconds // size
    return f"{number} {unit}{'' if number == 1 else 's'}"


def is_number(text: str) -> bool:
    """Return whether a text is a whole number, of zero or more, that is no larger than ``LARGEST_NUMBER``."""
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def words(text: str) -> tuple[str, ...]:
    """Split a comma-separated list, without empty items."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _is_unseen(char: str) -> bool:
    return char in _BLANK or _is_mark(char)


def _is_mark(char: str) -> bool:
    return not char.isspace() and char not in _JOINERS and unicodedata.category(char) in _UNSEEN


def holds_marks(text: str) -> bool:
    """Return whether something in the text is no letter or sign at all: a control, or what reorders the others."""
    return any(map(_is_mark, text))


def holds_unseen(text: str) -> bool:
    """Return whether something in the text is not seen, and would be dropped by ``plain``."""
    return any(map(_is_unseen, text))


def plain(text: str, limit: int) -> str:
    """Return one line of at most ``limit`` characters without any that are not seen; empty if none is left."""
    if text.isascii() and text.isprintable():
        # As nearly all browsers and most names are: nothing in it is unseen, and its only white space is the blank.
        return " ".join(text.split())[:limit].rstrip()
    kept = (" " if char.isspace() else char for char in text if not _is_unseen(char))
    line = unicodedata.normalize("NFC", " ".join("".join(kept).split()))[:limit].rstrip()
    return line if line.strip(_JOINERS + " ") else ""


def case_folded_address(address: str) -> str:
    """Return the form of an e-mail address that is compared and stored as unique.

    Only ASCII letters are folded. Unicode's own folding makes one of addresses that mail keeps apart, such as
    those with ``ß`` and ``ss`` or with ``K`` and the Kelvin sign: whoever gets one would be taken for the other.
    """
    return address.strip().translate(_ASCII_LOWER)
