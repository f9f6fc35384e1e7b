"""Published keys and how long they are believed."""

import pytest
from hypothesis import given, strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from flask_gatehouse.signin.keys import (
    DEFAULT_MAX_AGE,
    LONGEST_MAX_AGE,
    SHORTEST_MAX_AGE,
    KeySet,
    max_age,
    read_key,
)

from .test_strict_json import VALUES

RSA = RSAKey.generate_key(2048).as_dict(private=False)
PUBLISHED = [
    {"kid": "rsa", **RSA},
    {"kid": "ec", **ECKey.generate_key("P-384").as_dict(private=False)},
    {"kid": "ed", **OKPKey.generate_key("Ed25519").as_dict(private=False)},
]
MEMBERS = ["kty", "use", "alg", "kid", "n", "e", "crv", "x", "y", "d", "key_ops"]


@pytest.mark.parametrize(
    ("control", "seconds"),
    [
        ("public, max-age=19000, must-revalidate", 19000),
        ('max-age="600"', 600),
        ("MAX-AGE=600", 600),
        ("s-maxage=600", DEFAULT_MAX_AGE),
        ("", DEFAULT_MAX_AGE),
        ("max-age=soon", DEFAULT_MAX_AGE),
        ("max-age=0", SHORTEST_MAX_AGE),
        ("no-store", SHORTEST_MAX_AGE),
        ("no-cache, max-age=19000", SHORTEST_MAX_AGE),
        ("max-age=99999999", LONGEST_MAX_AGE),
        ("max-age=99999999999999999999", LONGEST_MAX_AGE),
    ],
)
def test_keys_are_fresh_as_long_as_the_provider_says_within_bounds(control: str, seconds: float) -> None:
    assert max_age(control) == seconds


def test_private_members_are_not_kept() -> None:
    published = RSAKey.generate_key(2048).as_dict(private=True)
    key = read_key(published)
    assert key is not None
    assert not key.key.is_private


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "EC", "crv": "secp256k1"},
        {"kty": "OKP", "crv": "X25519"},
        {"n": RSA["n"][:200]},
        {"n": "A" * 400},
        {"n": RSA["n"] * 5},
        {"n": 7},
        {"n": "not base64!"},
        {"e": "AQ"},
        {"e": None},
        {"kid": 7},
        {"alg": 7},
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(change: dict[str, object]) -> None:
    assert read_key(RSA) is not None
    assert read_key(RSA | change) is None


def test_a_signature_is_held_against_keys_that_suit_it() -> None:
    keys = KeySet(tuple(key for member in PUBLISHED if (key := read_key(member))))
    assert [key.key_id for key in keys.candidates(None, "RS256")] == ["rsa"]
    assert [key.key_id for key in keys.candidates("ec", "ES384")] == ["ec"]
    assert [key.key_id for key in keys.candidates("ed", "EdDSA")] == ["ed"]
    assert keys.candidates("ec", "RS256") == keys.candidates("unknown", "RS256") == ()


def test_a_key_made_for_one_algorithm_serves_no_other() -> None:
    key = read_key({**RSA, "alg": "PS256"})
    assert key is not None
    assert key.suits("PS256")
    assert not key.suits("RS256")


@given(st.sampled_from(PUBLISHED), st.dictionaries(st.sampled_from(MEMBERS), VALUES))
def test_nothing_that_is_published_raises(key: dict[str, object], members: dict[str, object]) -> None:
    read_key(key | members)
