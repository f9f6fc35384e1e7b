"""Rules of a host about its own things: what is not declared is a mistake, and whatever is in doubt is refused."""

from dataclasses import dataclass

import pytest

from flask_gatehouse.accounts.object_rules import NoObjectRule, ObjectRules, Verdict
from flask_gatehouse.accounts.rules import Role


@dataclass
class Somebody:
    id: int
    role: Role | None
    is_authenticated: bool = True


@dataclass
class Article:
    author_id: int


class Essay(Article):
    pass


ADA, EVE = Somebody(1, Role.EDITOR), Somebody(2, Role.EDITOR)
VIEWER, NOBODY = Somebody(1, Role.VIEWER), Somebody(0, None, is_authenticated=False)


@pytest.fixture
def rules() -> ObjectRules:
    rules = ObjectRules()

    @rules.declare(Article, "edit", role=Role.EDITOR)
    def may_edit(person: Somebody, article: Article) -> bool:
        return article.author_id == person.id

    @rules.declare(Article, "read")
    def may_read(person: Somebody, article: Article) -> bool:
        return True

    @rules.declare(Article, "create", role=Role.EDITOR)
    def may_create(person: Somebody, kind: type[Article]) -> bool:
        return issubclass(kind, Article)

    return rules


@pytest.mark.parametrize(
    ("person", "action", "verdict"),
    [
        (ADA, "edit", Verdict.ALLOWED),
        (EVE, "edit", Verdict.RULE),
        (VIEWER, "edit", Verdict.ROLE),
        (NOBODY, "edit", Verdict.NOT_SIGNED_IN),
        (VIEWER, "read", Verdict.ALLOWED),
        (NOBODY, "read", Verdict.NOT_SIGNED_IN),
    ],
)
@pytest.mark.parametrize("kind", [Article, Essay])
def test_role_and_rule_must_both_agree(
    rules: ObjectRules, person: Somebody, action: str, verdict: Verdict, kind: type[Article]
) -> None:
    article = kind(author_id=ADA.id)
    assert rules.decide(person, action, article) is verdict
    assert rules.allows(person, action, article) is (verdict is Verdict.ALLOWED)


def test_the_class_stands_for_what_does_not_exist_yet(rules: ObjectRules) -> None:
    assert rules.allows(ADA, "create", Article)
    assert rules.allows(ADA, "create", Essay)
    assert not rules.allows(VIEWER, "create", Article)


def test_the_nearest_kind_counts(rules: ObjectRules) -> None:
    rules.declare(Essay, "edit")(lambda person, essay: True)
    assert rules.allows(EVE, "edit", Essay(author_id=ADA.id))
    assert not rules.allows(EVE, "edit", Article(author_id=ADA.id))


@pytest.mark.parametrize("answer", [None, 1, "yes", object()])
def test_whatever_is_not_true_is_no(rules: ObjectRules, answer: object) -> None:
    rules.declare(Article, "delete")(lambda person, article: answer)  # type: ignore[arg-type,return-value]
    assert not rules.allows(ADA, "delete", Article(ADA.id))


def test_what_nobody_declared_is_a_mistake_with_advice(rules: ObjectRules) -> None:
    with pytest.raises(NoObjectRule, match=r"@object_rule\(Essay, 'publish'\)\. Declared are: create, edit, read\."):
        rules.allows(ADA, "publish", Essay(ADA.id))
    with pytest.raises(NoObjectRule, match=r"'edit' int: @object_rule\(int, 'edit'\)\.$"):
        rules.allows(NOBODY, "edit", 7)


def test_a_second_declaration_is_refused(rules: ObjectRules) -> None:
    with pytest.raises(ValueError, match="'edit' Article is declared twice"):
        rules.declare(Article, "edit")(lambda person, article: True)


@pytest.mark.parametrize("thing", [Article(1), Essay(1), Article])
def test_what_a_rule_needs_first_is_told_before_it_is_asked(rules: ObjectRules, thing: object) -> None:
    assert rules.needed_role("edit", thing) is Role.EDITOR
    assert rules.needed_role("read", thing) is Role.VIEWER
    with pytest.raises(NoObjectRule):
        rules.needed_role("burn", thing)
