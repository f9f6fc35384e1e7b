"""What people type about people, turned into values or refused with the reason. Pure."""

from ..kernel.text import holds_unseen, plain
from .errors import FieldProblem, InvalidField
from .fold import NAME_LENGTH
from .rules import Role

# Whatever is longer was not typed, and looking at each of its characters would cost time for nothing.
LONGEST_INPUT = 4 * NAME_LENGTH


def name_problem(text: str) -> FieldProblem | None:
    """Return why this cannot be a person's name, or None."""
    if len(text) > LONGEST_INPUT or len(plain(text, LONGEST_INPUT)) > NAME_LENGTH:
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
