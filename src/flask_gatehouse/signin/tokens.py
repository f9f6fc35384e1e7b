"""ID tokens: every check of OpenID Connect Core §3.1.3.7, and those that attacks have taught since.

``read_id_token`` is the whole of it. Each check refuses with a reason of its own, and none is skipped because
another library or the provider's own document says so.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc.util import urlsafe_b64encode

from ..accounts.profile import SUBJECT_LENGTH
from . import strict_json
from .discovery import ALGORITHMS
from .errors import Reason, SignInRefused
from .keys import KeySet
from .rules import CLOCK_SKEW
from .signature import verified_payload

# Seconds since a token was made. A code lives minutes; an older token has been kept by somebody.
MAX_TOKEN_AGE = 600.0
# The last second of the year 9999, beyond which nothing is a time.
LAST_MOMENT = 253402300799
_LEEWAY = CLOCK_SKEW.total_seconds()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an ID token must agree with.

    :param newer_keys: given a key set, returns one that was fetched later, or the same.
    """

    provider: str
    issuer: str
    client_id: str
    nonce: str
    access_token: str
    algorithms: frozenset[str]
    keys: KeySet
    newer_keys: Callable[[KeySet], KeySet]
    now: float

    def refusal(self, reason: Reason) -> SignInRefused:
        return SignInRefused(reason, self.provider)


def read_id_token(token: str, expected: Expectation) -> dict[str, Any]:
    """Return the claims of an ID token that is what it should be.

    :raises SignInRefused: with the reason of the first check that fails.
    :raises ProviderUnavailable: if it is signed with an unknown key and the provider's keys cannot be had.
    """
    algorithm, payload = verified_payload(
        expected.provider, token, expected.algorithms, expected.keys, expected.newer_keys
    )
    claims = _claims(payload, expected)
    _check_issuer_and_audience(claims, expected)
    _check_kind_and_subject(claims, expected)
    _check_times(claims, expected)
    _check_nonce(claims, expected)
    _check_access_token_hash(claims, algorithm, expected)
    return claims


def moment(value: Any) -> datetime | None:
    """Return a NumericDate (RFC 7519 §2) as a time; None if it is none. ``true`` is a number to Python, not to us."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_MOMENT:
        return None
    return datetime.fromtimestamp(value, UTC)


def _claims(payload: bytes, expected: Expectation) -> dict[str, Any]:
    try:
        claims = strict_json.loads(payload)
    except ValueError as error:
        raise expected.refusal(Reason.ID_TOKEN_CLAIMS) from error
    if not isinstance(claims, dict):
        raise expected.refusal(Reason.ID_TOKEN_CLAIMS)
    return claims


def _check_issuer_and_audience(claims: dict[str, Any], expected: Expectation) -> None:
    if claims.get("iss") != expected.issuer:
        raise expected.refusal(Reason.ID_TOKEN_ISSUER)
    # A token that is also for somebody else could have been obtained by them (Core §3.1.3.7, 3).
    if claims.get("aud") not in (expected.client_id, [expected.client_id]):
        raise expected.refusal(Reason.ID_TOKEN_AUDIENCE)
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise expected.refusal(Reason.ID_TOKEN_AUDIENCE)


def _check_kind_and_subject(claims: dict[str, Any], expected: Expectation) -> None:
    subject = claims.get("sub")
    # Core §2: at most 255 ASCII characters. Logout and security event tokens have ``events`` and the same keys.
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH or not subject.isascii():
        raise expected.refusal(Reason.ID_TOKEN_CLAIMS)
    if not subject.isprintable() or "events" in claims:
        raise expected.refusal(Reason.ID_TOKEN_CLAIMS)


def _check_times(claims: dict[str, Any], expected: Expectation) -> None:
    times = {name: moment(claims[name]) for name in ("exp", "iat", "nbf", "auth_time") if name in claims}
    if None in times.values() or "exp" not in times or "iat" not in times:
        raise expected.refusal(Reason.ID_TOKEN_CLAIMS)
    seconds = {name: time.timestamp() for name, time in times.items() if time is not None}
    soon = expected.now + _LEEWAY
    if expected.now >= seconds["exp"] + _LEEWAY or seconds["iat"] < expected.now - MAX_TOKEN_AGE - _LEEWAY:
        raise expected.refusal(Reason.ID_TOKEN_EXPIRED)
    # A time in the future would also make every confirmation look fresh.
    if any(seconds.get(name, 0.0) > soon for name in ("iat", "nbf", "auth_time")):
        raise expected.refusal(Reason.ID_TOKEN_EXPIRED)


def _check_nonce(claims: dict[str, Any], expected: Expectation) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not secrets.compare_digest(
        nonce.encode("utf-8", "replace"), expected.nonce.encode()
    ):
        raise expected.refusal(Reason.ID_TOKEN_NONCE)


def _check_access_token_hash(claims: dict[str, Any], algorithm: str, expected: Expectation) -> None:
    """Check that the access token is the one this token came with (Core §3.1.3.8)."""
    if "at_hash" not in claims:
        return
    digest = hashlib.new(ALGORITHMS[algorithm], expected.access_token.encode()).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).decode()
    if claims["at_hash"] != half:
        raise expected.refusal(Reason.ID_TOKEN_CLAIMS)
