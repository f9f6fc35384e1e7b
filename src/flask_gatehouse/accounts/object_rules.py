"""Who may do what to a thing of a host's own, declared beside the thing's model and asked with the same words. Pure.

    @object_rule(Article, "edit", role=Role.VIEWER)
    def may_edit(person, article):
        return article.author_id == person.id or person.has_role(Role.EDITOR)

    current_user.can("edit", article)

What nobody has declared is a mistake, not a permission.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from .rules import Role

_Rule = TypeVar("_Rule", bound=Callable[[Any, Any], bool])


class Person(Protocol):
    """Whoever asks: ``current_user``, or one that a test makes up."""

    @property
    def is_authenticated(self) -> bool: ...

    @property
    def role(self) -> Role | None: ...


class Verdict(StrEnum):
    """What was decided, and what decided it."""

    ALLOWED = "allowed"
    NOT_SIGNED_IN = "not_signed_in"
    ROLE = "role"
    RULE = "rule"


class NoObjectRule(LookupError):
    """Nobody has declared who may do this to such a thing: a mistake in the program, never an answer to a person."""


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """One declaration.

    :param role: what a person needs before the rule is asked at all.
    :param allows: the rule; it gets the person and the thing, or the class of things that do not exist yet.
    """

    kind: type
    action: str
    role: Role
    allows: Callable[[Any, Any], bool]


class ObjectRules:
    """The declarations of one program."""

    def __init__(self) -> None:
        self._rules: dict[tuple[type, str], ObjectRule] = {}

    def declare(self, kind: type, action: str, *, role: Role = Role.VIEWER) -> Callable[[_Rule], _Rule]:
        """Declare who may do ``action`` to things of a kind and of kinds derived from it.

        :param kind: the class of the things, such as a model.
        :param action: any word, by which ``current_user.can(action, thing)`` asks.
        :param role: what a person needs at least; by default it is enough to be signed in.
        :raises ValueError: if that has been declared already: one of the two would never be asked.
        """

        def declared(allows: _Rule) -> _Rule:
            if (kind, action) in self._rules:
                raise ValueError(f"Who may {action!r} {kind.__qualname__} is declared twice.")
            self._rules[kind, action] = ObjectRule(kind, action, role, allows)
            return allows

        return declared

    def decide(self, person: Person, action: str, thing: object) -> Verdict:
        """Return whether a person may do something, and what says so.

        :param thing: an object, or its class where there is no object yet: ``"create", Article``.
        :raises NoObjectRule: if nobody has declared that.
        """
        rule = self._find(action, thing)
        if not person.is_authenticated or person.role is None:
            return Verdict.NOT_SIGNED_IN
        if not person.role.includes(rule.role):
            return Verdict.ROLE
        # A rule that forgets to answer, or answers with something else than True, does not let anybody in.
        return Verdict.ALLOWED if rule.allows(person, thing) is True else Verdict.RULE

    def allows(self, person: Person, action: str, thing: object) -> bool:
        """Return whether a person may do something to a thing.

        :raises NoObjectRule: if nobody has declared that.
        """
        return self.decide(person, action, thing) is Verdict.ALLOWED

    def needed_role(self, action: str, thing: object) -> Role:
        """Return what a person needs before the rule is asked at all.

        :raises NoObjectRule: if nobody has declared who may do that.
        """
        return self._find(action, thing).role

    def declared_for(self, actions: Collection[str]) -> Sequence[ObjectRule]:
        """Return what is declared for any of these actions, of whatever kind of thing."""
        return [rule for rule in self._rules.values() if rule.action in actions]

    def _find(self, action: str, thing: object) -> ObjectRule:
        kind = thing if isinstance(thing, type) else type(thing)
        for ancestor in kind.__mro__:
            if rule := self._rules.get((ancestor, action)):
                return rule
        known = sorted({known for declared, known in self._rules if declared in kind.__mro__})
        raise NoObjectRule(
            f"Nobody has declared who may {action!r} {kind.__qualname__}: @object_rule({kind.__qualname__}, {action!r})"
            + (f". Declared are: {', '.join(known)}." if known else ".")
        )


# A host's models exist once in a process, however many applications it makes; and so do their rules.
object_rules = ObjectRules()
object_rule = object_rules.declare
