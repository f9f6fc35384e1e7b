"""What people type about people, turned into values or refused with the reason. Pure."""

from email_validator import EmailNotValidError, validate_email

from ..kernel.text import case_folded_address, holds_unseen, plain
from .errors import FieldProblem, InvalidField
from .fold import ADDRESS_LENGTH, NAME_LENGTH
from .rules import Role

# Whatever is longer was not typed, and looking at each of its characters would cost time for nothing.
_LONGEST_INPUT = 4 * NAME_LENGTH


def name_problem(text: str) -> FieldProblem | None:
    """Return why this cannot be a person's name, or None."""
    if len(text) > _LONGEST_INPUT or len(plain(text, _LONGEST_INPUT)) > NAME_LENGTH:
        return FieldProblem.TOO_LONG
    # Marks that turn the direction of writing let a name pretend to be another.
    if holds_unseen(text):
        return FieldProblem.UNSEEN
    # Every page escapes names. Whoever exports them into something that does not is safe with this, too.
    if "<" in text or ">" in text:
        return FieldProblem.MARKUP
    return None if plain(text, NAME_LENGTH) else FieldProblem.MISSING


def find_role(text: str) -> Role | None:
    """Return the role of this name, or None."""
    return next((role for role in Role if role.value == text), None)


def role_problem(text: str) -> FieldProblem | None:
    """Return why this names no role, or None."""
    if find_role(text):
        return None
    return FieldProblem.UNKNOWN if text else FieldProblem.MISSING


def checked_role(text: str) -> Role:
    """Return the role of this name.

    :raises InvalidField: for ``role`` if there is none.
    """
    if problem := role_problem(text):
        raise InvalidField({"role": problem})
    return Role(text)


def checked_address(text: str) -> str:
    """Return an e-mail address in the form in which it is stored; nobody asks whether mail arrives there.

    A domain in other letters is stored as it travels (``xn--…``, RFC 5891), which is how providers write it.

    :raises InvalidField: for ``email`` if it is none.
    """
    if not text.strip():
        raise InvalidField({"email": FieldProblem.MISSING})
    if len(text) > _LONGEST_INPUT:
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
