"""How names and addresses are compared when somebody searches or sorts: without case and without accents. Pure."""

import unicodedata

from ..kernel.addresses import ADDRESS_LENGTH

NAME_LENGTH = 200
# Stands before a name and before an address, and in neither, so that the beginning of one is a part of both.
BEGINNING = "\n"
SEARCH_LENGTH = NAME_LENGTH + ADDRESS_LENGTH + 2
_ACCENTS = dict.fromkeys(range(0x0300, 0x0370))


def folded(text: str) -> str:
    """Return text in which ``É``, ``é`` and ``e`` are one, and ``ß`` is ``ss``."""
    bare = unicodedata.normalize("NFD", text).translate(_ACCENTS)
    return unicodedata.normalize("NFC", bare.casefold())


def search_text_of(name: str, email: str | None) -> str:
    """Return what is searched of a person; in the order of these texts people stand by name, then by address.

    Cut to what a PostgreSQL index can hold: folding can make a text longer.
    """
    return f"{BEGINNING}{folded(name)[:NAME_LENGTH]}{BEGINNING}{folded(email or '')[:ADDRESS_LENGTH]}"
