"""Who signed a token (RFC 7515): one of the provider's published keys, with an algorithm that both of us name.

Nothing in the token's own header is trusted to say how to verify it: ``alg`` must be one of ours, and the keys
in ``jwk``, ``jku``, ``x5c`` and ``x5u``, which are the sender's own, are never looked at.
"""

from collections.abc import Callable
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from . import strict_json
from .errors import Reason, SignInRefused
from .keys import KeySet, VerificationKey


def verified_payload(
    provider: str, token: str, algorithms: frozenset[str], keys: KeySet, newer_keys: Callable[[KeySet], KeySet]
) -> tuple[str, bytes]:
    """Return the algorithm and the payload of a token that the provider has signed.

    :param newer_keys: given a key set, returns one that was fetched later, or the same.
    :raises SignInRefused: with the reason.
    :raises ProviderUnavailable: if the key is unknown and newer ones cannot be had.
    """
    header = _header(provider, token)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise SignInRefused(Reason.ID_TOKEN_ALGORITHM, provider)
    if not isinstance(key_id, str | None):
        raise SignInRefused(Reason.ID_TOKEN_SIGNATURE, provider)
    candidates = keys.candidates(key_id, algorithm) or newer_keys(keys).candidates(key_id, algorithm)
    for candidate in candidates:
        payload = _payload(token, algorithms, candidate)
        if payload is not None:
            return algorithm, payload
    raise SignInRefused(Reason.ID_TOKEN_SIGNATURE, provider)


def _header(provider: str, token: str) -> dict[str, Any]:
    try:
        header = strict_json.loads(urlsafe_b64decode(token.partition(".")[0].encode("ascii")))
    except ValueError as error:
        raise SignInRefused(Reason.ID_TOKEN_SIGNATURE, provider) from error
    # We understand no extension, so any that is critical must be refused (RFC 7515 §4.1.11).
    if not isinstance(header, dict) or "crit" in header:
        raise SignInRefused(Reason.ID_TOKEN_SIGNATURE, provider)
    kind = header.get("typ", "JWT")
    # An access, logout or security event token must not pass for an ID token (RFC 8725 §3.11).
    if not isinstance(kind, str) or kind.lower().endswith("+jwt"):
        raise SignInRefused(Reason.ID_TOKEN_CLAIMS, provider)
    return header


def _payload(token: str, algorithms: frozenset[str], candidate: VerificationKey) -> bytes | None:
    try:
        return jws.deserialize_compact(token, candidate.key, registry=_OurAlgorithms(algorithms)).payload
    except (JoseError, ValueError):
        return None


class _OurAlgorithms(JWSRegistry):
    """Exactly the algorithms given. joserfc's own falls back to its recommendations, HS256 among them, for none.

    Nor does it warn of EdDSA, of which joserfc's own would at each sign-in (RFC 9864): providers still sign with it.
    """

    # Bytes; a chain of certificates, which we ignore, is longer than joserfc's 512.
    max_header_length = 8192

    def __init__(self, algorithms: frozenset[str]) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)
        self._ours = algorithms

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in self._ours:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]
