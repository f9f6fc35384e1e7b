"""E-mail addresses as people type them. Pure; loaded by whoever invites somebody, for the library takes its time."""

from email_validator import EmailNotValidError, validate_email

from ..kernel.text import case_folded_address, holds_unseen
from .errors import FieldProblem, InvalidField
from .fields import LONGEST_INPUT
from .fold import ADDRESS_LENGTH


def checked_address(text: str) -> str:
    """Return an e-mail address in the form in which it is stored; nobody asks whether mail arrives there.

    A domain in other letters is stored as it travels (``xn--…``, RFC 5891), which is how providers write it.

    :raises InvalidField: for ``email`` if it is none.
    """
    if not text.strip():
        raise InvalidField({"email": FieldProblem.MISSING})
    if len(text) > LONGEST_INPUT:
        raise InvalidField({"email": FieldProblem.TOO_LONG})
    if holds_unseen(text):
        raise InvalidField({"email": FieldProblem.UNSEEN})
    try:
        address = validate_email(text.strip(), check_deliverability=False).ascii_email
    except EmailNotValidError as error:
        raise InvalidField({"email": FieldProblem.NOT_AN_ADDRESS}) from error
    if address is None:
        # No provider's word about it binds anybody: whoever was invited would wait for ever.
        raise InvalidField({"email": FieldProblem.BINDS_NOBODY})
    if len(address) > ADDRESS_LENGTH:
        raise InvalidField({"email": FieldProblem.TOO_LONG})
    return case_folded_address(address)
