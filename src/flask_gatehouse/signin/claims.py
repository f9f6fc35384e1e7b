"""Claims about a person, taken only if they are what they should be: text of a bearable length."""

import re
from typing import Any

from ..kernel.text import plain

# Characters; what the tables hold.
ADDRESS_LENGTH = 254
TEXT_LENGTH = 255
# What a field for addresses takes in a browser (https://html.spec.whatwg.org/#valid-e-mail-address), and letters beyond
# ASCII (RFC 6531). Somebody else may read another address in whatever goes beyond: in ``a@b@c`` the one at ``b``.
_OTHERS = "\x80-\U0010ffff"
_LABEL = rf"[A-Za-z0-9{_OTHERS}](?:[A-Za-z0-9{_OTHERS}-]{{0,61}}[A-Za-z0-9{_OTHERS}])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~{_OTHERS}-]+@{_LABEL}(?:\.{_LABEL})*")


def line(value: Any) -> str | None:
    """Return a name as one line of at most 255 characters, cleaned; None if nothing remains."""
    return (plain(value, TEXT_LENGTH) or None) if isinstance(value, str) else None


def short_text(value: Any) -> str | None:
    """Return a text exactly as stated; None if it would have to be altered to be kept."""
    return value if isinstance(value, str) and value == plain(value, TEXT_LENGTH) and value else None


def address(value: Any) -> str | None:
    """Return an e-mail address exactly as stated; None if it is none, or would have to be altered to be kept.

    Taking marks out of an address would make it another, which may be somebody else's.
    """
    usable = isinstance(value, str) and len(value) <= ADDRESS_LENGTH and _ADDRESS.fullmatch(value)
    return short_text(value) if usable else None


def hosted_domain(value: Any) -> str | None:
    """Return Google's ``hd`` claim if it can be a domain."""
    return short_text(value) if isinstance(value, str) and value.isascii() and "." in value else None
