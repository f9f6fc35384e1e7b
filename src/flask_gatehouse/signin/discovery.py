"""What a provider publishes about itself (OpenID Connect Discovery 1.0), as far as we let it decide anything.

Only the members named here are read. A client that hands the whole document to its library has been told by
one to switch off PKCE and the verification of TLS certificates.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..settings import ProviderSettings, is_loopback
from .errors import Reason, SignInRefused
from .http import DOCUMENT_LIMIT, ProviderHttp

# How long a document is fresh, in seconds.
MAX_AGE = 3600.0
# Signatures with a key pair, by the hash of each. Never ``none``; never HS256, whose key would be public or shared.
ALGORITHMS = {
    **{f"{family}{bits}": f"sha{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)},
    "EdDSA": "sha512",
}
# What we say in the authorization request; an endpoint that already says it would say it first.
OUR_PARAMETERS = frozenset(
    [
        "response_type",
        "response_mode",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "request",
        "request_uri",
    ]
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The believed part of a discovery document.

    :param algorithms: ours that the provider says it signs ID tokens with.
    :param token_auth_method: ``client_secret_basic`` or ``client_secret_post``.
    :param answers_with_issuer: whether ``iss`` must come with the code (RFC 9207).
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: frozenset[str]
    token_auth_method: str
    answers_with_issuer: bool


def fetch_metadata(settings: ProviderSettings, http: ProviderHttp) -> tuple[Metadata, float]:
    """Return what the provider publishes, and for how many seconds it is fresh.

    :raises ProviderUnavailable: if it does not answer.
    :raises SignInRefused: with ``discovery_invalid`` if the document cannot be believed.
    """
    answer = http.get(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration", limit=DOCUMENT_LIMIT)
    try:
        return read_metadata(settings.issuer, answer.json()), MAX_AGE
    except ValueError as error:
        raise SignInRefused(Reason.DISCOVERY_INVALID, settings.name) from error


def read_metadata(issuer: str, document: Any) -> Metadata:
    """Return the believed part of a document.

    :raises ValueError: if it is not this issuer's (Discovery §4.3), or names an endpoint that is not safe to use.
    """
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ValueError("the document is not this issuer's")
    http_allowed = issuer.startswith("http://")

    def endpoint(name: str) -> str:
        return _endpoint(document.get(name), http_allowed)

    def optional_endpoint(name: str) -> str | None:
        return endpoint(name) if name in document else None

    return Metadata(
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        userinfo_endpoint=optional_endpoint("userinfo_endpoint"),
        end_session_endpoint=optional_endpoint("end_session_endpoint"),
        algorithms=_algorithms(_names(document, "id_token_signing_alg_values_supported")),
        token_auth_method=_auth_method(_names(document, "token_endpoint_auth_methods_supported")),
        answers_with_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(value: Any, http_allowed: bool) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or {" ", "\\", "@"} & set(value):
        raise ValueError("an endpoint is missing or is not an address")
    parts = urlsplit(value)
    if parts.scheme != "https" and not (http_allowed and parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("an endpoint is not protected by TLS")
    # Reading the port raises ValueError for one that cannot be.
    if (
        not parts.hostname
        or parts.port == 0
        or "#" in value
        or OUR_PARAMETERS & {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    ):
        raise ValueError("an endpoint has no host, a fragment, or a parameter of ours")
    return value


def _names(document: dict[str, Any], member: str) -> list[str]:
    names = document.get(member, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{member} is not a list of names")
    return names


def _algorithms(listed: list[str]) -> frozenset[str]:
    """Return ours among those listed; RS256, which everybody must support, where none are (Core §15.1)."""
    usable = frozenset(listed or ["RS256"]) & ALGORITHMS.keys()
    if not usable:
        raise ValueError("the provider signs with nothing that we accept")
    return usable


def _auth_method(listed: list[str]) -> str:
    """Return how we prove who we are; ``client_secret_basic`` where nothing is listed (Discovery §3)."""
    for method in ("client_secret_basic", "client_secret_post"):
        if method in (listed or ["client_secret_basic"]):
            return method
    raise ValueError("the provider accepts no client secret")
