"""The keys with which a provider signs (RFC 7517), public parts only."""

import re
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import base64_to_int

from .errors import Reason, SignInRefused
from .http import DOCUMENT_LIMIT, ProviderHttp

# How long keys are fresh, in seconds: as long as the provider says, within these bounds.
DEFAULT_MAX_AGE = 3600.0
SHORTEST_MAX_AGE = 300.0
LONGEST_MAX_AGE = 86400.0
# More keys than this are not a key set but work for us.
MOST_KEYS = 50
# RSA keys in bits: below can be factored (NIST SP 800-131A), above keeps a worker busy.
SMALLEST_RSA, LARGEST_RSA = 2048, 8192
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})", re.IGNORECASE)
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and what its owner says it is for."""

    key_id: str | None
    key_type: str
    algorithm: str | None
    key: Key

    def suits(self, algorithm: str) -> bool:
        return _FAMILIES[algorithm[:2]] == self.key_type and self.algorithm in {None, algorithm}


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """A provider's keys as they were fetched once."""

    keys: tuple[VerificationKey, ...]

    def candidates(self, key_id: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """Return the keys that may have made a signature.

        Without a key id there must be exactly one that suits: trying all of them would let a key that was
        published for something else pass (Core §10.1 demands the id where there are several).
        """
        suitable = tuple(key for key in self.keys if key.suits(algorithm))
        if key_id is None:
            return suitable if len(suitable) == 1 else ()
        return tuple(key for key in suitable if key.key_id == key_id)


def fetch_keys(provider: str, uri: str, http: ProviderHttp) -> tuple[KeySet, float]:
    """Return the provider's keys, and for how many seconds they are fresh.

    :raises ProviderUnavailable: if it does not answer.
    :raises SignInRefused: with ``discovery_invalid`` if what it answers is not a key set.
    """
    answer = http.get(uri, limit=DOCUMENT_LIMIT)
    document = answer.json_object()
    members = None if document is None else document.get("keys")
    if not isinstance(members, list) or len(members) > MOST_KEYS:
        raise SignInRefused(Reason.DISCOVERY_INVALID, provider)
    keys = tuple(key for member in members if (key := read_key(member)) is not None)
    return KeySet(keys), max_age(answer.header("Cache-Control"))


def max_age(control: str) -> float:
    """Return for how many seconds an answer is fresh by its ``Cache-Control`` (RFC 9111 §5.2.2), within our bounds."""
    if "no-store" in control.lower() or "no-cache" in control.lower():
        return SHORTEST_MAX_AGE
    stated = _MAX_AGE.search(control)
    return min(max(float(stated[1]), SHORTEST_MAX_AGE), LONGEST_MAX_AGE) if stated else DEFAULT_MAX_AGE


def read_key(member: Any) -> VerificationKey | None:
    """Return a signing key, or None for one that we cannot use: the others in the set still count (RFC 7517 §5)."""
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    key_id, algorithm = member.get("kid"), member.get("alg")
    if not isinstance(key_id, str | None) or not isinstance(algorithm, str | None):
        return None
    try:
        key = _public_key(member)
    except (JoseError, ValueError):
        return None
    return None if key is None else VerificationKey(key_id, key.key_type, algorithm, key)


def _public_key(member: dict[str, Any]) -> Key | None:
    """Read the public members alone, whatever else stands beside them.

    :raises JoseError: for a member that is missing or no text.
    :raises ValueError: for numbers that are no key.
    """
    kind, curve = member.get("kty"), member.get("crv")
    if kind == "RSA" and isinstance(modulus := member.get("n"), str):
        if not SMALLEST_RSA <= base64_to_int(modulus).bit_length() <= LARGEST_RSA:
            return None
        return RSAKey.import_key(_only(member, "n", "e"))
    if kind == "EC" and curve in ("P-256", "P-384", "P-521"):
        return ECKey.import_key(_only(member, "crv", "x", "y"))
    if kind == "OKP" and curve == "Ed25519":
        return OKPKey.import_key(_only(member, "crv", "x"))
    return None


def _only(member: dict[str, Any], *names: str) -> dict[str, str | list[str]]:
    return {name: member[name] for name in ("kty", *names) if name in member}
