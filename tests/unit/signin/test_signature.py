"""Signatures beyond those of ``tests/conformance``."""

import pytest
from hypothesis import given, strategies as st
from joserfc.errors import UnsupportedAlgorithmError

from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.keys import KeySet
from flask_gatehouse.signin.signature import _OurAlgorithms, verified_payload


@pytest.mark.parametrize("ours", [frozenset({"RS256"}), frozenset()])
def test_no_algorithm_is_recommended_to_us(ours: frozenset[str]) -> None:
    for name in ("HS256", "none", "ES256", "unknown"):
        with pytest.raises(UnsupportedAlgorithmError):
            _OurAlgorithms(ours).get_alg(name)


@given(st.text() | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_no_token_makes_anything_else_escape(token: str) -> None:
    nothing = KeySet(())
    with pytest.raises(SignInRefused) as refused:
        verified_payload("example", token, frozenset({"RS256"}), nothing, lambda keys: keys)
    assert refused.value.reason in {Reason.ID_TOKEN_ALGORITHM, Reason.ID_TOKEN_SIGNATURE, Reason.ID_TOKEN_CLAIMS}
