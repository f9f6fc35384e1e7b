"""What can be changed about the hostile provider, as functions that a row of a table names."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_gatehouse.signin.errors import ProviderUnavailable, Reason

from .hostile import HostileProvider, encoded, rsa_key

Change = Callable[[HostileProvider], object]


@dataclass(frozen=True)
class Row:
    """One misbehaviour.

    :param expected: the reason of the refusal, ``ProviderUnavailable``, or None if it is accepted.
    :param deadline: seconds that our client gives each call.
    """

    name: str
    change: Change
    expected: Reason | type[ProviderUnavailable] | None
    deadline: float = 5.0


def claims(**members: Any) -> Change:
    return lambda provider: provider.claims.update(members)


def times(**offsets: float) -> Change:
    """Set claims to so many seconds after the moment of signing."""

    def change(provider: HostileProvider) -> None:
        provider.edit_claims = lambda claims: claims | {name: time.time() + offset for name, offset in offsets.items()}

    return change


def missing(*names: str) -> Change:
    def change(provider: HostileProvider) -> None:
        provider.edit_claims = lambda claims: {name: value for name, value in claims.items() if name not in names}

    return change


def appended(name: str, suffix: str) -> Change:
    def change(provider: HostileProvider) -> None:
        provider.edit_claims = lambda claims: claims | {name: claims[name] + suffix}

    return change


def payload(content: bytes) -> Change:
    def change(provider: HostileProvider) -> None:
        provider.edit_claims = lambda _: content

    return change


def header(key: Any = None, **members: Any) -> Change:
    def change(provider: HostileProvider) -> None:
        provider.header |= members
        provider.header = {name: value for name, value in provider.header.items() if value is not None}
        provider.signs_with = key or provider.signs_with

    return change


def algorithm(name: str, key: Any, *, listed: bool = True, **members: Any) -> Change:
    """Sign with a key that is published, and an algorithm that the discovery document lists or not."""

    def change(provider: HostileProvider) -> None:
        header(key, alg=name, kid=key.kid, **members)(provider)
        provider.keys.append(key)
        if listed:
            provider.document["id_token_signing_alg_values_supported"] = [name]

    return change


def document(**members: Any) -> Change:
    return lambda provider: provider.document.update(members)


def tokens(**members: Any) -> Change:
    def change(provider: HostileProvider) -> None:
        provider.edit_tokens = lambda answer: {
            name: value for name, value in (answer | members).items() if value is not None
        }

    return change


def token(edit: Callable[[str], Any]) -> Change:
    return lambda provider: setattr(provider, "edit_token", edit)


def callback(**members: str) -> Change:
    return lambda provider: provider.answer.update(members)


def all_of(*changes: Change) -> Change:
    return lambda provider: [change(provider) for change in changes]


def userinfo(*absent: str, **members: Any) -> Change:
    """Say nothing of the person in the ID token, so that userinfo is asked."""

    def change(provider: HostileProvider) -> None:
        provider.without("email", "email_verified", "name")
        provider.userinfo.update(members)
        for name in absent:
            del provider.userinfo[name]

    return change


def unsigned(provider: HostileProvider) -> None:
    def edit(id_token: str) -> str:
        return f"{encoded({'alg': 'none'})}.{id_token.split('.')[1]}."

    provider.document["id_token_signing_alg_values_supported"] = ["none", "RS256"]
    provider.edit_token = edit


def hs256(secret: bytes) -> Change:
    """Sign with a secret that both of us know, or with what is public."""

    def change(provider: HostileProvider) -> None:
        header(secret, alg="HS256")(provider)
        provider.document["id_token_signing_alg_values_supported"] = ["HS256", "RS256"]

    return change


def own_key_in_header(provider: HostileProvider) -> None:
    intruder = rsa_key("intruder")
    header(intruder, jwk=intruder.as_dict(private=False), kid="intruder")(provider)


def own_keys_elsewhere(provider: HostileProvider) -> None:
    provider.handlers["/intruder"] = lambda exchange: exchange.answer_json(
        {"keys": [rsa_key("intruder").as_dict(private=False)]}
    )
    header(rsa_key("intruder"), kid="intruder", jku=f"{provider.issuer}/intruder", x5u=f"{provider.issuer}/x")(provider)


def rotated(provider: HostileProvider) -> None:
    """Rotate just before signing (OIDF -signing-key-rotation-just-before-signing)."""
    provider.keys[:] = [rsa_key("second")]
    header(rsa_key("second"), kid="second")(provider)


def published_without_ids(provider: HostileProvider) -> None:
    keys = [{**key.as_dict(private=False), "kid": None} for key in (rsa_key(), rsa_key("second"))]
    bare = [{name: value for name, value in key.items() if value is not None} for key in keys]
    provider.handlers["/jwks"] = lambda exchange: exchange.answer_json({"keys": bare})
    header(kid=None)(provider)


def jwks(*members: Any) -> Change:
    def change(provider: HostileProvider) -> None:
        provider.handlers["/jwks"] = lambda exchange: exchange.answer_json({"keys": list(members)})

    return change


def jwks_with_company(provider: HostileProvider) -> None:
    """Publish keys of kinds that nobody knows yet beside the one that is used."""
    jwks(
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        {"kty": "EC", "crv": ["P-256"], "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "oct", "k": "AAAA", "kid": "first"},
        "not a key",
        rsa_key().as_dict(private=False),
    )(provider)
