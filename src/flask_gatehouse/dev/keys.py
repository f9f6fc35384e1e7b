"""The key with which the provider signs ID tokens, and what a provider that misbehaves does instead."""

import json
import threading
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.util import urlsafe_b64encode

from .misbehaviour import Misbehaviour

# Every provider must support it (Core §15.1).
ALGORITHM = "RS256"


def _make_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)


class SigningKey:
    """A key that is made when it is first needed and dies with the process."""

    def __init__(self) -> None:
        self._key: RSAKey | None = None
        self._lock = threading.Lock()

    @property
    def _private(self) -> RSAKey:
        with self._lock:
            if self._key is None:
                self._key = _make_key()
            return self._key

    @property
    def keys(self) -> KeySet:
        return KeySet([self._private])

    def public_keys(self) -> dict[str, Any]:
        """Return the JSON Web Key Set (RFC 7517 §5), without the private members."""
        return dict(self.keys.as_dict(private=False))

    def sign(self, claims: dict[str, Any], misbehaviour: Misbehaviour) -> str:
        """Return an ID token with these claims."""
        if misbehaviour is Misbehaviour.UNSIGNED:
            # By hand: the library refuses to, and is right.
            parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
            return ".".join(urlsafe_b64encode(part).decode() for part in parts) + "."
        key = _make_key() if misbehaviour is Misbehaviour.BAD_SIGNATURE else self._private
        return jwt.encode({"alg": ALGORITHM, "kid": self._private.kid}, claims, key, [ALGORITHM])
