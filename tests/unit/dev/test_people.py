"""The same address is the same person."""

import pytest

from flask_gatehouse.dev.people import READY, invent


def test_an_address_is_one_person_in_any_writing() -> None:
    first, again = invent("Zoe", "zoe@example.com"), invent("Somebody", " ZOE@Example.com ")
    assert first is not None
    assert again is not None
    assert first.subject == again.subject
    assert len({person.subject for person in READY} | {first.subject}) == len(READY) + 1


def test_a_ready_person_keeps_her_name_unless_she_gets_another() -> None:
    unnamed, named = invent("", "ada@example.com"), invent("Ada Lovelace", "ada@example.com")
    assert unnamed is not None
    assert named is not None
    assert (unnamed.name, named.name) == ("Ada Admin", "Ada Lovelace")
    assert unnamed.subject == named.subject == READY[0].subject


def test_nobody_needs_a_name() -> None:
    person = invent(" ", "zoe@example.com")
    assert person is not None
    assert person.name == "zoe"


@pytest.mark.parametrize("address", ["", "zoe", "@example.com", "zoe@", "zoe @example.com", f"{'z' * 250}@example.com"])
def test_what_is_no_address_is_nobody(address: str) -> None:
    assert invent("Zoe", address) is None


def test_one_person_is_at_another_domain() -> None:
    assert len({person.email.rpartition("@")[2] for person in READY}) == 2
