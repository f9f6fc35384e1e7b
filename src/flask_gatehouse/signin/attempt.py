"""What a browser carries from the click on "sign in" to the provider's answer.

It is signed, not encrypted: nothing in it helps whoever holds it, because the provider's answer must also
bring the state. It proves that the answer comes back to the browser that asked (RFC 9700 §2.1).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from .errors import Reason, SignInRefused

# How long a person may spend at the provider, in seconds.
MAX_AGE = 600
# Tabs in which a browser may be signing in at once; an older attempt gives way.
MOST_AT_ONCE = 5


class Purpose(StrEnum):
    SIGN_IN = "sign_in"
    CONFIRM = "confirm"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in that has begun.

    :param session_id: for a confirmation and for linking, the session that asks for it.
    """

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str | None = None
    purpose: Purpose = Purpose.SIGN_IN
    session_id: str | None = None

    @property
    def state_digest(self) -> bytes:
        """Return what is stored once the attempt has been used (``models.SpentAttempt``)."""
        return sha256(self.state.encode()).digest()


# Named once: ``asdict`` looks for objects within objects, of which there are none.
_FIELDS = tuple(field.name for field in fields(Attempt))


def begin_attempt(provider: str, *, next: str | None, purpose: Purpose, session_id: str | None) -> Attempt:
    """Return an attempt with fresh 256-bit state and nonce, and a 43-character PKCE verifier (RFC 7636 §4.1)."""
    return Attempt(
        provider=provider,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(32),
        next=next,
        purpose=purpose,
        session_id=session_id,
    )


def cookie_suffix(state: str) -> str:
    """Return the part of the cookie's name that tells attempts apart, derived from the state alone."""
    return sha256(_bytes(state)).hexdigest()[:12]


def _bytes(state: str) -> bytes:
    # A state from outside may hold anything; compare_digest and encode() raise for some of it.
    return state.encode("utf-8", "replace")


class AttemptSigner:
    """Turns attempts into cookie values and back.

    :param keys: signing keys, the newest last; the others still verify (rotation).
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._serializer = URLSafeTimedSerializer(list(keys), salt="gatehouse sign-in attempt")

    def seal(self, attempt: Attempt) -> str:
        return str(self._serializer.dumps({name: getattr(attempt, name) for name in _FIELDS}))

    def open(self, value: str, state: str, provider: str) -> Attempt:
        """Return the attempt if it is this browser's, recent, and belongs to this state and provider.

        :raises SignInRefused: with ``state_expired`` or ``state_unknown``.
        """
        try:
            kept = self._serializer.loads(value, max_age=MAX_AGE)
            attempt = Attempt(**kept | {"purpose": Purpose(kept["purpose"])})
        except SignatureExpired as error:
            raise SignInRefused(Reason.STATE_EXPIRED, provider) from error
        except (BadData, KeyError, TypeError, ValueError) as error:
            # What is signed but has other fields comes from an older or newer release of ours, during an update.
            raise SignInRefused(Reason.STATE_UNKNOWN, provider) from error
        # The answer of one provider must not complete an attempt at another (mix-up, RFC 9700 §4.4).
        if not secrets.compare_digest(attempt.state.encode(), _bytes(state)) or attempt.provider != provider:
            raise SignInRefused(Reason.STATE_UNKNOWN, provider)
        return attempt
