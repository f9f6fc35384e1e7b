"""What a browser carries to the provider and back."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given, strategies as st
from itsdangerous import URLSafeTimedSerializer

from flask_gatehouse.signin.attempt import (
    MAX_AGE,
    Attempt,
    AttemptSigner,
    Purpose,
    begin_attempt,
    cookie_suffix,
)
from flask_gatehouse.signin.errors import Reason, SignInRefused

SIGNER = AttemptSigner(["an older key", "the key"])


@pytest.fixture
def attempt() -> Attempt:
    return begin_attempt("google", next="/here", purpose=Purpose.CONFIRM, session_id="a-session")


def reason_of(value: str, state: str, provider: str = "google", signer: AttemptSigner = SIGNER) -> Reason:
    with pytest.raises(SignInRefused) as refused:
        signer.open(value, state, provider)
    assert refused.value.provider == provider
    return refused.value.reason


def test_what_is_sealed_can_be_opened(attempt: Attempt) -> None:
    assert SIGNER.open(SIGNER.seal(attempt), attempt.state, "google") == attempt


def test_attempts_have_nothing_in_common(attempt: Attempt) -> None:
    other = begin_attempt("google", next=None, purpose=Purpose.SIGN_IN, session_id=None)
    secrets = {attempt.state, attempt.nonce, attempt.verifier, other.state, other.nonce, other.verifier}
    assert {len(secret) for secret in secrets} == {43}
    assert len(secrets) == 6
    assert attempt.state_digest != other.state_digest
    assert cookie_suffix(attempt.state) != cookie_suffix(other.state)


def test_older_keys_open_what_they_sealed(attempt: Attempt) -> None:
    sealed = AttemptSigner(["an older key"]).seal(attempt)
    assert SIGNER.open(sealed, attempt.state, "google") == attempt
    assert reason_of(sealed, attempt.state, signer=AttemptSigner(["the key"])) is Reason.STATE_UNKNOWN


def test_an_attempt_ends(attempt: Attempt) -> None:
    with time_machine.travel(datetime(2026, 3, 1, tzinfo=UTC), tick=False) as clock:
        sealed = SIGNER.seal(attempt)
        clock.shift(timedelta(seconds=MAX_AGE))
        assert SIGNER.open(sealed, attempt.state, "google") == attempt
        clock.shift(timedelta(seconds=1))
        assert reason_of(sealed, attempt.state) is Reason.STATE_EXPIRED


def test_an_attempt_belongs_to_its_state_and_provider(attempt: Attempt) -> None:
    sealed = SIGNER.seal(attempt)
    assert reason_of(sealed, "another") is Reason.STATE_UNKNOWN
    assert reason_of(sealed, "ü\ud800") is Reason.STATE_UNKNOWN
    assert reason_of(sealed, attempt.state, "github") is Reason.STATE_UNKNOWN


@pytest.mark.parametrize("content", [[], {}, {"purpose": "party"}, {"purpose": "sign_in", "colour": "red"}, None])
def test_what_another_release_has_sealed_is_unknown(content: object) -> None:
    serializer = URLSafeTimedSerializer(["the key"], salt="gatehouse sign-in attempt")
    assert reason_of(serializer.dumps(content), "state") is Reason.STATE_UNKNOWN


def test_a_purpose_that_is_no_text_is_unknown(attempt: Attempt) -> None:
    serializer = URLSafeTimedSerializer(["the key"], salt="gatehouse sign-in attempt")
    assert reason_of(serializer.dumps(asdict(attempt) | {"purpose": []}), attempt.state) is Reason.STATE_UNKNOWN


@given(st.text(), st.text())
def test_nothing_but_a_refusal_is_raised(value: str, state: str) -> None:
    assert reason_of(value, state) is Reason.STATE_UNKNOWN
    assert len(cookie_suffix(state)) == 12
