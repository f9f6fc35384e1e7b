"""What a broken or hostile provider does. A developer picks one, and sees how her application refuses it."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

ELSEWHERE = "https://elsewhere.example"


class Misbehaviour(StrEnum):
    NONE = "none"
    UNVERIFIED_ADDRESS = "unverified_address"
    WRONG_NONCE = "wrong_nonce"
    EXPIRED = "expired"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    NO_SUBJECT = "no_subject"
    OLD_PROOF = "old_proof"
    BAD_SIGNATURE = "bad_signature"
    UNSIGNED = "unsigned"
    NO_ID_TOKEN = "no_id_token"  # noqa: S105 - a name, not a token
    OTHER_USERINFO = "other_userinfo"
    LOST_STATE = "lost_state"
    WRONG_STATE = "wrong_state"
    OTHER_ANSWER_ISSUER = "other_answer_issuer"
    PROVIDER_ERROR = "provider_error"
    UNAVAILABLE = "unavailable"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Misbehaviour.NONE: "Nothing: behave",
    Misbehaviour.UNVERIFIED_ADDRESS: "The address is not verified",
    Misbehaviour.WRONG_NONCE: "ID token: another nonce",
    Misbehaviour.EXPIRED: "ID token: expired",
    Misbehaviour.WRONG_ISSUER: "ID token: another issuer",
    Misbehaviour.WRONG_AUDIENCE: "ID token: for another application",
    Misbehaviour.NO_SUBJECT: "ID token: about nobody",
    Misbehaviour.OLD_PROOF: "ID token: identity proved a day ago",
    Misbehaviour.BAD_SIGNATURE: "ID token: signed with another key",
    Misbehaviour.UNSIGNED: "ID token: not signed (alg none)",
    Misbehaviour.NO_ID_TOKEN: "No ID token at all",
    Misbehaviour.OTHER_USERINFO: "Userinfo of another person",
    Misbehaviour.LOST_STATE: "Answer without the state",
    Misbehaviour.WRONG_STATE: "Answer with another state",
    Misbehaviour.OTHER_ANSWER_ISSUER: "Answer in the name of another issuer",
    Misbehaviour.PROVIDER_ERROR: "An error instead of an answer",
    Misbehaviour.UNAVAILABLE: "Out of service (503) when the code is redeemed",
}

_DAY = 24 * 60 * 60

_CLAIMS: dict[Misbehaviour, Callable[[dict[str, Any]], dict[str, Any]]] = {
    Misbehaviour.UNVERIFIED_ADDRESS: lambda claims: {"email_verified": False},
    Misbehaviour.WRONG_NONCE: lambda claims: {"nonce": f"{claims.get('nonce', '')}x"},
    Misbehaviour.EXPIRED: lambda claims: {"iat": claims["iat"] - 2 * _DAY, "exp": claims["iat"] - _DAY},
    Misbehaviour.WRONG_ISSUER: lambda claims: {"iss": ELSEWHERE},
    Misbehaviour.WRONG_AUDIENCE: lambda claims: {"aud": "another-application"},
    Misbehaviour.NO_SUBJECT: lambda claims: {"sub": ""},
    Misbehaviour.OLD_PROOF: lambda claims: {"auth_time": claims["iat"] - _DAY},
}


def spoil_claims(misbehaviour: Misbehaviour, claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of an ID token as a provider that misbehaves would send them."""
    change = _CLAIMS.get(misbehaviour)
    return claims if change is None else claims | change(claims)


def spoil_userinfo(misbehaviour: Misbehaviour, claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims as the userinfo endpoint of a provider that misbehaves would."""
    if misbehaviour is Misbehaviour.OTHER_USERINFO:
        return claims | {"sub": f"{claims['sub']}x"}
    if misbehaviour is Misbehaviour.UNVERIFIED_ADDRESS:
        return claims | {"email_verified": False}
    return claims


def spoil_answer(misbehaviour: Misbehaviour, location: str) -> str:
    """Return the address of the callback, with its query as a provider that misbehaves would send it."""
    parts = urlsplit(location)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if misbehaviour is Misbehaviour.LOST_STATE:
        query.pop("state", None)
    elif misbehaviour is Misbehaviour.WRONG_STATE:
        query["state"] = f"{query.get('state', '')}x"
    elif misbehaviour is Misbehaviour.OTHER_ANSWER_ISSUER:
        query["iss"] = ELSEWHERE
    return parts._replace(query=urlencode(query)).geturl()
