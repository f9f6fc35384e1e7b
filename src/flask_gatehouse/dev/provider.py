"""What the provider consists of: the application that may ask, its issuer, its key, and what it says of people."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oidc.core.util import create_half_hash

from ..kernel.clock import utc_now
from .keys import ALGORITHM, SigningKey
from .misbehaviour import Misbehaviour, spoil_claims, spoil_userinfo
from .people import Person
from .sealed import AccessToken, Code, Seals, SpentCodes

SCOPES = ("openid", "profile", "email")
AUTH_METHODS = ("client_secret_basic", "client_secret_post")
# How long an ID token may be shown, in seconds.
ID_TOKEN_LIFETIME = 300


@dataclass(frozen=True, slots=True)
class RelyingParty(ClientMixin):
    """The one application that may ask: the one that this provider is embedded in."""

    client_id: str
    client_secret: str
    redirect_uri: str
    client_metadata: dict[str, Any]

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        # An OpenID Connect request names its redirect URI itself (Core §3.1.2.1).
        return ""

    def get_allowed_scope(self, scope: Collection[str] | str | None) -> str | None:  # type: ignore[override] # Authlib reads None as a refusal
        asked = (scope.split() if isinstance(scope, str) else scope) or ()
        return " ".join(name for name in SCOPES if name in asked) if "openid" in asked else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in AUTH_METHODS

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True, slots=True)
class EmbeddedProvider:
    """Everything that the provider of one application consists of.

    :param issuer: its address, under which all its endpoints stand.
    """

    issuer: str
    relying_party: RelyingParty
    seals: Seals
    key: SigningKey = field(default_factory=SigningKey)
    spent_codes: SpentCodes = field(default_factory=SpentCodes)

    def claims(self, person: Person, scope: str) -> dict[str, Any]:
        """Return what may be said of a person (Core §5.4)."""
        said: dict[str, Any] = {"sub": person.subject}
        if "profile" in scope.split():
            said["name"] = person.name
        if "email" in scope.split():
            said |= {"email": person.email, "email_verified": True}
        return said

    def id_token(self, code: Code, access_token: str) -> str:
        """Return the ID token for a code, as the person's choice of misbehaviour wants it."""
        now = int(utc_now().timestamp())
        presence, misbehaviour = code.grant.presence, code.grant.misbehaviour
        # Who relies on the ID token alone would never ask for the userinfo that is about somebody else.
        scope = "openid" if misbehaviour is Misbehaviour.OTHER_USERINFO else code.scope
        claims = self.claims(presence.person, scope) | {
            "iss": self.issuer,
            "aud": code.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_LIFETIME,
            "auth_time": presence.proved_at,
            "sid": presence.session_id,
            "at_hash": (create_half_hash(access_token, ALGORITHM) or b"").decode(),
        }
        if code.nonce:
            claims["nonce"] = code.nonce
        return self.key.sign(spoil_claims(misbehaviour, claims), misbehaviour)

    def userinfo(self, token: AccessToken) -> dict[str, Any]:
        claims = self.claims(token.grant.presence.person, token.scope)
        return spoil_userinfo(token.grant.misbehaviour, claims)
