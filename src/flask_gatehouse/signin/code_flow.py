"""The OAuth 2.0 authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), which all providers here speak."""

import base64
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client
from requests.auth import AuthBase

from ..settings import ProviderSettings
from .attempt import Attempt
from .call import Answer
from .errors import Reason, SignInRefused
from .http import ANSWER_LIMIT, ProviderHttp

# Characters of a code or an access token. Real ones are below a tenth of it.
LONGEST = 8192
# RFC 6749 §5.2: the only words of a provider's refusal that are repeated, in the operator's log.
_KNOWN_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
# Those that no code of a caller's brings about: the operator's registration is not in order.
_ABOUT_US = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})

_log = logging.getLogger(__name__)


def authorization_url(
    settings: ProviderSettings, endpoint: str, attempt: Attempt, redirect_uri: str, **more: str
) -> str:
    """Return where to send the browser, with state and an S256 challenge always."""
    url, _ = _client(settings, None).create_authorization_url(
        endpoint, state=attempt.state, code_verifier=attempt.verifier, redirect_uri=redirect_uri, **more
    )
    return str(url)


def exchange_code(
    settings: ProviderSettings,
    http: ProviderHttp,
    endpoint: str,
    attempt: Attempt,
    answer: Mapping[str, str],
    redirect_uri: str,
    *,
    auth_method: str,
) -> dict[str, Any]:
    """Return the token endpoint's answer, which holds a usable ``access_token`` of type Bearer.

    :param answer: the query of the callback.
    :raises ProviderUnavailable: if the provider does not answer.
    :raises SignInRefused: if the callback or the answer says no, or cannot be used.
    """
    if "error" in answer:
        reason = Reason.PROVIDER_DENIED if answer["error"] == "access_denied" else Reason.PROVIDER_ERROR
        raise SignInRefused(reason, settings.name)
    code = answer.get("code", "")
    if not is_token(code):
        raise SignInRefused(Reason.PROVIDER_ANSWER, settings.name)
    client = _client(settings, _TokenEndpoint(http), auth_method)
    tokens: dict[str, Any] = client.fetch_token(
        endpoint,
        grant_type="authorization_code",
        code=code,
        code_verifier=attempt.verifier,
        redirect_uri=redirect_uri,
    )
    return tokens


def is_token(text: Any) -> bool:
    """Return whether something may be a code or an access token: visible ASCII (RFC 6749 appendix A)."""
    return (
        isinstance(text, str) and 0 < len(text) <= LONGEST and text.isascii() and text.isprintable() and " " not in text
    )


class _TokenEndpoint:
    """What Authlib takes for a requests session; its calls end."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: AuthBase) -> Answer:
        return self._http.post(url, data, headers, auth, limit=ANSWER_LIMIT)


class _CodeClient(OAuth2Client):
    """Authlib's client, except that it believes nothing about the answer that we have not looked at."""

    client_auth_class = OAuth2ClientAuth

    def parse_response_token(self, resp: Answer) -> dict[str, Any]:
        tokens = Answer(200, resp.headers, resp.body).json_object() or {}
        if "error" in tokens:
            error = tokens["error"] if tokens["error"] in tuple(_KNOWN_ERRORS) else "an error"
            _log.warning("Provider %s answered the exchange of a code with %s", self.metadata["provider"], error)
            by_caller = error not in _ABOUT_US
            raise SignInRefused(Reason.PROVIDER_ERROR, self.metadata["provider"], by_caller=by_caller)
        token_type = tokens.get("token_type")
        if (
            resp.status != 200
            or not is_token(tokens.get("access_token"))
            or not isinstance(token_type, str)
            or token_type.lower() != "bearer"
        ):
            raise SignInRefused(Reason.PROVIDER_ANSWER, self.metadata["provider"])
        return tokens


def _client(
    settings: ProviderSettings, session: _TokenEndpoint | None, auth_method: str = "client_secret_basic"
) -> _CodeClient:
    client = _CodeClient(
        session,
        client_id=settings.client_id,
        client_secret=settings.client_secret.reveal(),
        scope=settings.scope,
        code_challenge_method="S256",
        token_endpoint_auth_method=auth_method,
        provider=settings.name,
    )
    client.register_client_auth_method(("client_secret_basic", _basic))
    return client


def _basic(
    client: OAuth2ClientAuth, method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    """Encode id and secret before they are joined (RFC 6749 §2.3.1); Authlib does not, and a ``%`` would not arrive."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return uri, headers, body
