"""What people type about people: taken, or refused with the reason."""

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.accounts.addresses import checked_address
from flask_gatehouse.accounts.errors import FieldProblem, InvalidField
from flask_gatehouse.accounts.fields import checked_role, name_problem
from flask_gatehouse.accounts.fold import NAME_LENGTH, SEARCH_LENGTH, folded, search_text_of
from flask_gatehouse.accounts.rules import Role, is_last_administrator
from flask_gatehouse.accounts.trigrams import telling_trigrams
from flask_gatehouse.kernel.addresses import ADDRESS_LENGTH


@pytest.mark.parametrize(
    "name", ["Ada", " Ada  King ", "O'Hara & Sons", "山田 太郎", "Ольга", "A" * 200, "\u0646\u200c\u0645", "👩\u200d🚀"]
)
def test_names_of_people_are_taken(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", FieldProblem.MISSING),
        (" \t\n", FieldProblem.MISSING),
        ("\u200d", FieldProblem.MISSING),
        ("A" * 201, FieldProblem.TOO_LONG),
        ("A" * 5000, FieldProblem.TOO_LONG),
        ("\x00" * 5000, FieldProblem.TOO_LONG),
        ("Ada\x00", FieldProblem.UNSEEN),
        ("Ada\x1b[1m", FieldProblem.UNSEEN),
        ("\u202eadA", FieldProblem.UNSEEN),
        ("\u2067Ada", FieldProblem.UNSEEN),
        ("Ada\u200b", FieldProblem.UNSEEN),
        ("\ud800", FieldProblem.UNSEEN),
        *((blank, FieldProblem.UNSEEN) for blank in "\u3164\u2800\u115f\u1160\uffa0\ufffc"),
        ("Ada\u3164", FieldProblem.UNSEEN),
        ("\ufe0f", FieldProblem.MISSING),
        ("<script>alert(1)</script>", FieldProblem.MARKUP),
        ("a > b", FieldProblem.MARKUP),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(name: str, problem: FieldProblem) -> None:
    assert name_problem(name) is problem


@pytest.mark.parametrize("role", Role)
def test_a_role_by_its_name(role: Role) -> None:
    assert checked_role(role.value) is role


@pytest.mark.parametrize("text", ["root", "ADMIN", "admin ", "\x00", "admin\x00"])
def test_no_other_role(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        checked_role(text)
    assert caught.value.fields == {"role": FieldProblem.UNKNOWN}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
        # Where only providers of the house come from, and no mail.
        ("Ada@Corp.Local", "ada@corp.local"),
    ],
)
def test_an_address_as_it_is_stored(text: str, address: str) -> None:
    assert checked_address(text) == address


def test_an_address_inside_is_as_long_as_any() -> None:
    longest = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 61}.local"
    assert len(longest) == ADDRESS_LENGTH
    assert checked_address(longest) == longest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", FieldProblem.MISSING),
        ("  ", FieldProblem.MISSING),
        ("ada", FieldProblem.NOT_AN_ADDRESS),
        ("ada@", FieldProblem.NOT_AN_ADDRESS),
        ("ada@example", FieldProblem.NOT_AN_ADDRESS),
        ("ada@localhost", FieldProblem.NOT_AN_ADDRESS),
        ("ada..b@example.com", FieldProblem.NOT_AN_ADDRESS),
        (".ada@example.com", FieldProblem.NOT_AN_ADDRESS),
        ("ж..b@example.com", FieldProblem.NOT_AN_ADDRESS),
        ("ada..b@corp.local", FieldProblem.NOT_AN_ADDRESS),
        ("ada@192.0.2.7", FieldProblem.NOT_AN_ADDRESS),
        ("ada@example.123", FieldProblem.NOT_AN_ADDRESS),
        ("ada@xn--zz.com", FieldProblem.NOT_AN_ADDRESS),
        ("ada@xn--zz.local", FieldProblem.NOT_AN_ADDRESS),
        ("ж@corp.local", FieldProblem.BINDS_NOBODY),
        ("ж@пример.рф", FieldProblem.BINDS_NOBODY),
        ("a@b@example.com", FieldProblem.NOT_AN_ADDRESS),
        ("<ada@example.com>", FieldProblem.NOT_AN_ADDRESS),
        ("ada@example.com\x00", FieldProblem.UNSEEN),
        ("\u202eada@example.com", FieldProblem.UNSEEN),
        ("\ud800@example.com", FieldProblem.UNSEEN),
        ("a" * 5000 + "@example.com", FieldProblem.TOO_LONG),
        ("a" * 300 + "@example.com", FieldProblem.NOT_AN_ADDRESS),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, problem: FieldProblem) -> None:
    with pytest.raises(InvalidField) as caught:
        checked_address(text)
    assert caught.value.fields == {"email": problem}


@given(st.text())
def test_no_text_at_all_is_more_than_refused(text: str) -> None:
    assert name_problem(text) in {None, *FieldProblem}
    for check in (checked_address, checked_role):
        with suppress(InvalidField):
            check(text)


@pytest.mark.parametrize(("text", "same"), [("É", "e"), ("ß", "SS"), ("Ångström", "angstrom"), ("É", "e\u0301")])
def test_case_and_accents_make_no_difference(text: str, same: str) -> None:
    assert folded(text) == folded(same)


@given(st.text(max_size=NAME_LENGTH), st.none() | st.text(max_size=ADDRESS_LENGTH))
def test_what_is_searched_fits_into_its_column(name: str, email: str | None) -> None:
    assert len(search_text_of(name, email)) <= SEARCH_LENGTH


def test_only_trigrams_that_tell_somebody_from_others_are_asked_for() -> None:
    crowd = [f"user-{number:05}@example.com" for number in range(0, 5000, 100)]
    assert set(telling_trigrams("user-04217@exa", crowd)) <= {"042", "421", "217", "17@", "7@e"}
    assert telling_trigrams("example", crowd) == []
    assert list(telling_trigrams("zzz", crowd)) == ["zzz"]
    assert len(telling_trigrams("quite another text", crowd)) == 4
    # Where nobody is there to compare with, each of them tells something.
    assert telling_trigrams("abcd", []) == ["abc", "bcd"]


@pytest.mark.parametrize(
    ("administrators", "last"), [([], False), ([7], True), ([8], False), ([7, 8], False), ([7, 7], True)]
)
def test_who_is_the_last_administrator(administrators: list[int], last: bool) -> None:
    assert is_last_administrator(administrators, 7) is last
