"""E-mail addresses as people type them. Pure; loaded by whoever invites somebody, for the library takes its time."""

from email_validator import EmailNotValidError, validate_email

from ..kernel.addresses import ADDRESS_LENGTH, stated_address
from ..kernel.text import case_folded_address, holds_unseen
from .errors import FieldProblem, InvalidField
from .fields import LONGEST_INPUT


def checked_address(text: str) -> str:
    """Return an e-mail address in the form in which it is stored; nobody asks whether mail arrives there.

    A domain in other letters is stored as it travels (``xn--…``, RFC 5891), which is how providers write it. One
    without a dot is taken for a slip: whoever is at ``localhost`` is made an administrator by a command.

    :raises InvalidField: for ``email`` if it is none.
    """
    if not text.strip():
        raise InvalidField({"email": FieldProblem.MISSING})
    if len(text) > LONGEST_INPUT:
        raise InvalidField({"email": FieldProblem.TOO_LONG})
    if holds_unseen(text):
        raise InvalidField({"email": FieldProblem.UNSEEN})
    address = _as_it_travels(text.strip())
    if address is None:
        # No provider's word about it binds anybody: whoever was invited would wait for ever.
        raise InvalidField({"email": FieldProblem.BINDS_NOBODY})
    if len(address) > ADDRESS_LENGTH:
        raise InvalidField({"email": FieldProblem.TOO_LONG})
    return case_folded_address(address)


def _as_it_travels(text: str) -> str | None:
    try:
        return validate_email(text, check_deliverability=False).ascii_email
    except EmailNotValidError as error:
        if not _is_of_a_domain_inside(text):
            raise InvalidField({"email": FieldProblem.NOT_AN_ADDRESS}) from error
    return text if text.isascii() else None


def _is_of_a_domain_inside(text: str) -> bool:
    """Return whether nothing else is wrong than that nobody outside can send mail there, as at ``corp.local``.

    Providers do state such addresses. All else that the library knows of slips holds for them as well, and it says that
    of them below a domain outside, where no name is reserved.
    """
    mailbox, _, domain = text.rpartition("@")
    if stated_address(text) is None or "." not in domain or domain.rpartition(".")[2].isdigit():
        return False
    try:
        # Apart, so that what is added makes neither too long.
        for one in (f"{mailbox}@example.com", f"a@{domain}.com"):
            validate_email(one, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
