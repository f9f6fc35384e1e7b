"""The protocol, on Authlib's server: authorization codes with PKCE, ID tokens, access tokens, logout."""

import secrets
from collections.abc import Mapping
from typing import Any, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, BaseGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import OpenIDCode
from authlib.oidc.rpinitiated import EndSessionEndpoint, EndSessionRequest
from flask import Response

from ..kernel.clock import utc_now
from .keys import ALGORITHM
from .misbehaviour import Misbehaviour
from .provider import AUTH_METHODS, EmbeddedProvider
from .sealed import LIFETIMES, AccessToken, Code, Grant, Kind, Seals


class Server(AuthorizationServer):
    """Authlib's server, told where things are instead of reading them from the application's configuration."""

    def __init__(self, provider: EmbeddedProvider) -> None:
        client = provider.relying_party
        super().__init__(
            query_client=lambda client_id: client if client_id == client.client_id else None,
            save_token=lambda token, request: None,
        )
        self.provider = provider
        self.issuer_parameter = _Issuer(provider.issuer)
        self.register_token_generator(
            "default", BearerTokenGenerator(self._make_access_token, None, lambda client, kind: LIFETIMES[Kind.ACCESS])
        )
        self.register_grant(_CodeGrant, [_RequiredCodeChallenge(required=True), _IdTokens()])
        self.register_extension(self.issuer_parameter)
        self.register_endpoint(_EndSession)
        self.protector = ResourceProtector()
        self.protector.register_token_validator(_AccessTokens(provider.seals))

    def check_authorization_request(self, present: Grant | None) -> None:
        """Check the running request.

        :param present: whom the browser is remembered as, unless she must prove it again.
        :raises OAuth2Error: with a ``redirect_uri`` where the relying party may be told.
        :raises ValueError: if the error would have to quote what an error must not contain.
        """
        self.get_consent_grant(end_user=present)  # type: ignore[no-untyped-call] # its stub has no types

    def answer_authorization_request(self, parameters: Mapping[str, str], grant: Grant | None) -> Response:
        """Return the redirect with a code; without a grant, with a refusal."""
        asked = OAuth2Request("GET", f"{self.provider.issuer}/authorize")
        asked.payload = BasicOAuth2Payload(dict(parameters))
        found = self.get_authorization_grant(asked)
        return cast("Response", self.create_authorization_response(asked, grant_user=grant, grant=found))

    def answer_with_error(self, error: OAuth2Error) -> Response:
        """Return the error as JSON, or as a redirect, which names the issuer too (RFC 9207 §2)."""
        response = cast("Response", self.handle_error_response(OAuth2Request("GET", self.provider.issuer), error))
        self.issuer_parameter.add_issuer_parameter(self, response)
        return response

    def answer_token_request(self) -> Response:
        return cast("Response", self.create_token_response())

    def presented_token(self) -> AccessToken:
        """Return the access token of the running request.

        :raises OAuth2Error: if there is none, or none of ours.
        """
        token: AccessToken = self.protector.acquire_token("openid")  # type: ignore[no-untyped-call] # its stub has no types
        return token

    def end_session(self) -> Response | None:
        """Return where the running request wants to be led after a logout, if it may.

        :raises OAuth2Error: if anything in it is wrong.
        """
        asked = self.validate_endpoint_request("end_session")
        response: Response | None = self.create_endpoint_response("end_session", asked)  # type: ignore[no-untyped-call] # its stub has no types
        return response

    def _make_access_token(self, *, user: Grant, scope: str, **_: Any) -> str:
        return self.provider.seals.seal(Kind.ACCESS, AccessToken(scope, user))


class _Issuer(IssuerParameter):
    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class _CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: Server
    # Authlib fills it step by step; its types allow for every step.
    request: Any

    def generate_authorization_code(self) -> str:
        request = self.request
        asked = request.payload.data
        code = Code(
            number=secrets.token_urlsafe(16),
            client_id=request.client.client_id,
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            code_challenge=asked["code_challenge"],
            code_challenge_method=asked["code_challenge_method"],
            nonce=asked.get("nonce"),
            grant=request.user,
        )
        return self.server.provider.seals.seal(Kind.CODE, code)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Do nothing: the code carries its content."""

    def query_authorization_code(self, code: str, client: ClientMixin) -> Code | None:
        opened = self.server.provider.seals.open_code(code)
        if opened is None or opened.client_id != client.get_client_id():
            return None
        if opened.grant.misbehaviour is Misbehaviour.UNAVAILABLE:
            raise OAuth2Error(error="temporarily_unavailable", status_code=503)
        return opened

    def authenticate_user(self, authorization_code: Code) -> Grant:
        return authorization_code.grant

    def delete_authorization_code(self, authorization_code: Code) -> None:
        # After the last check and before the answer, so that of two redemptions at once only one is answered.
        if not self.server.provider.spent_codes.spend(authorization_code.number, utc_now().timestamp()):
            raise InvalidGrantError("This code has been used already.")


class _RequiredCodeChallenge(CodeChallenge):
    """PKCE with S256 from everybody; Authlib's own demands it from public clients only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib's own, which is an instance's in its stub

    def validate_code_challenge(self, grant: _CodeGrant, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        # A challenge without a method would mean "plain" (RFC 7636 §4.3).
        if not asked.get("code_challenge") or not asked.get("code_challenge_method"):
            raise InvalidRequestError("PKCE with code_challenge_method=S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class _IdTokens(OpenIDCode):
    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        """Return False: a code can be redeemed once, and its relying party checks the nonce."""
        return False

    def process_token(self, grant: BaseGrant, response: tuple[int, dict[str, Any], Any]) -> dict[str, Any]:
        token = response[1]
        code: Code = grant.request.authorization_code  # type: ignore[assignment] # our grant has put it there
        if code.grant.misbehaviour is not Misbehaviour.NO_ID_TOKEN:
            token["id_token"] = grant.server.provider.id_token(code, token["access_token"])
        return token


class _EndSession(EndSessionEndpoint):
    """RP-Initiated Logout 1.0. Whoever remembers the person is the browser, so that the view makes it forget."""

    server: Server

    def get_server_jwks(self) -> Any:
        return self.server.provider.key.keys

    def get_algorithms(self) -> list[str]:
        return [ALGORITHM]

    def is_post_logout_redirect_uri_legitimate(
        self, request: OAuth2Request, post_logout_redirect_uri: str, client: ClientMixin, logout_hint: str | None
    ) -> bool:
        # The address belongs to the application that this provider is a part of.
        return True

    def end_session(self, end_session_request: EndSessionRequest) -> None:
        """Do nothing: the view takes the cookie back."""


class _AccessTokens(BearerTokenValidator):
    """Recognises the provider's own access tokens."""

    def __init__(self, seals: Seals) -> None:
        super().__init__()
        self._seals = seals

    def authenticate_token(self, token_string: str) -> AccessToken | None:
        return self._seals.open_access_token(token_string)
