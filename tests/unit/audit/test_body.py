"""The text of an event: one form for one content, and nothing in it that a reader could take for something else."""

import hashlib
import json
import secrets
from typing import Any

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.audit.body import SALT_LENGTH, Personal, canonical, commitment, seal_personal

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(VALUES)
def test_writing_what_was_read_changes_nothing(value: Any) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert json.loads(text.encode().decode()) == value


@given(st.dictionaries(TEXT, VALUES, min_size=2))
def test_the_order_in_which_it_was_said_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_the_form() -> None:
    said = {"b": [1, 1.5, True, None], "a": {"z": "Größe 🗝", "é": 'say "\\"\n\x7f'}, "A": ()}
    assert canonical(said) == '{"A":[],"a":{"z":"Größe 🗝","é":"say \\"\\\\\\"\\n\x7f"},"b":[1,1.5,true,null]}'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        {1, 2},
        b"bytes",
        object(),
        pytest.param("\ud800", id="half a character"),
        "\udc00 alone",
        "\ude00\ud83d",
        pytest.param(10**5000, id="a number of 5001 digits"),
        {float("nan"): 1},
        {(1, 2): 1},
        {"a": 1, 1: "one"},
    ],
)
def test_what_it_cannot_hold_is_refused(value: object) -> None:
    for said in (value, [value], {"deep": [{"er": value}]}):
        with pytest.raises(ValueError, match=r".+"):
            canonical(said)


def test_half_a_character_is_no_name_either() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical({"\ud800": 1})


def test_what_contains_itself_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        canonical(circle)


def test_a_commitment_that_was_computed_elsewhere() -> None:
    """By sha256sum, over the bytes 02, 32 times 11, "ip", 00 and the address."""
    expected = "d7da12ebc0f79e6f299a4dbb52bc9f1eabeeef4812a2a39801a642c12b8acf22"
    assert commitment(b"\x11" * 32, "ip", "203.0.113.9") == expected


@given(st.binary(min_size=32, max_size=32), TEXT, TEXT)
def test_a_commitment_is_what_the_definition_says(salt: bytes, field: str, value: str) -> None:
    said = bytes([2]) + salt + field.encode("utf-8") + bytes([0]) + value.encode("utf-8")
    assert commitment(salt, field, value) == hashlib.sha256(said).hexdigest()


def test_where_the_name_ends_and_the_value_begins_matters() -> None:
    salt = secrets.token_bytes(32)
    pairs = [("ip", "1"), ("i", "p1"), ("ip1", ""), ("", "ip1")]
    assert len({commitment(salt, *pair) for pair in pairs}) == len(pairs)


def test_values_stand_apart_each_with_a_salt_of_its_own() -> None:
    personal = {"name": Personal("Ada", "user:12"), "ip": Personal("192.0.2.7", None)}
    committed, kept = seal_personal(personal, lambda length: bytes(number // 32 + 1 for number in range(length)))
    assert kept == {
        "name": {"salt": "01" * SALT_LENGTH, "value": "Ada"},
        "ip": {"salt": "02" * SALT_LENGTH, "value": "192.0.2.7"},
    }
    assert committed == {
        "name": {"commitment": commitment(b"\x01" * 32, "name", "Ada"), "of": "user:12"},
        "ip": {"commitment": commitment(b"\x02" * 32, "ip", "192.0.2.7"), "of": None},
    }
    assert "Ada" not in canonical(committed)
    assert seal_personal({}, secrets.token_bytes) == ({}, {})


def test_the_same_value_twice_is_not_seen_to_be_the_same() -> None:
    once, again = (seal_personal({"ip": Personal("192.0.2.7", None)}, secrets.token_bytes) for _ in range(2))
    assert once != again
