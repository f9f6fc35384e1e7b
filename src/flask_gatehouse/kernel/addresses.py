"""What an e-mail address is: one notion for what providers state, for what people type and for commands. Pure."""

import re
from typing import Any

from .text import plain

# Characters (RFC 5321 §4.5.3.1.3); what the tables hold.
ADDRESS_LENGTH = 254
# What a field for addresses takes in a browser (https://html.spec.whatwg.org/#valid-e-mail-address), and letters beyond
# ASCII (RFC 6531). Somebody else may read another address in whatever goes beyond: in ``a@b@c`` the one at ``b``.
_OTHERS = "\x80-\U0010ffff"
_LABEL = rf"[A-Za-z0-9{_OTHERS}](?:[A-Za-z0-9{_OTHERS}-]{{0,61}}[A-Za-z0-9{_OTHERS}])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~{_OTHERS}-]+@{_LABEL}(?:\.{_LABEL})*")


def stated_address(value: Any) -> str | None:
    """Return an e-mail address exactly as stated; None if it is none, or would have to be altered to be kept.

    Taking marks out of an address would make it another, which may be somebody else's. Whether mail from outside
    reaches it, as it does not at ``localhost`` or ``corp.local``, is no question of ours.
    """
    if not isinstance(value, str) or len(value) > ADDRESS_LENGTH or not _ADDRESS.fullmatch(value):
        return None
    return value if value == plain(value, ADDRESS_LENGTH) else None
