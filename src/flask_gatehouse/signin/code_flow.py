"""The OAuth 2.0 authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), which all providers here speak."""

import base64
import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

from ..settings import ProviderSettings
from .attempt import Attempt
from .call import Answer
from .errors import ProviderUnavailable, Reason, SignInRefused
from .http import ANSWER_LIMIT, ProviderHttp

# Characters of a code or an access token. Real ones are below a tenth of it.
LONGEST = 8192
# RFC 6749 §5.2: the only words of a provider's refusal that are repeated, in the operator's log. No set: what comes
# instead of a word may have no hash.
_KNOWN_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
# Those that no code of a caller's brings about: the operator's registration is not in order.
_ABOUT_US = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})
# How a code is refused (RFC 6749 §5.2).
_REFUSALS = frozenset({400, 401})
# No refusal of a code: the address of the exchange has moved, or something before the provider keeps us out. A filter
# there may do so for a code that looks like an attack, so that this has to be recorded as rarely as an outage.
_ABOUT_THE_WAY = frozenset({403, 404, 405, 407, 410})

_log = logging.getLogger(__name__)


def authorization_url(
    settings: ProviderSettings, endpoint: str, attempt: Attempt, redirect_uri: str, **more: str
) -> str:
    """Return where to send the browser (RFC 6749 §4.1.1), with state and an S256 challenge always (RFC 7636 §4.3).

    :param endpoint: the provider's, which names none of ``discovery.OUR_PARAMETERS``.
    """
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect_uri,
        "scope": settings.scope,
        "state": attempt.state,
        **more,
        "code_challenge": code_challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    return with_query(endpoint, query)


def with_query(endpoint: str, query: Mapping[str, str]) -> str:
    """Return an address of a provider's with a query of ours, behind its own if it has one (RFC 6749 §3.1)."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def code_challenge(verifier: str) -> str:
    """Return what a provider compares with the verifier that comes with the code (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


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
    :raises ProviderUnavailable: if the provider does not answer, or is not reached.
    :raises SignInRefused: if the callback or the answer says no, or cannot be used.
    """
    if "error" in answer:
        reason = Reason.PROVIDER_DENIED if answer["error"] == "access_denied" else Reason.PROVIDER_ERROR
        raise SignInRefused(reason, settings.name)
    code = answer.get("code", "")
    if not is_token(code):
        raise SignInRefused(Reason.PROVIDER_ANSWER, settings.name)
    form, headers = token_request(settings, auth_method, code, attempt.verifier, redirect_uri)
    return _tokens(settings.name, http.post(endpoint, form, headers, limit=ANSWER_LIMIT))


def token_request(
    settings: ProviderSettings, auth_method: str, code: str, verifier: str, redirect_uri: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the form that exchanges a code (RFC 6749 §4.1.3, RFC 7636 §4.5), and the headers that go with it.

    :param auth_method: ``client_secret_basic`` or ``client_secret_post``, as the provider wants it.
    """
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": redirect_uri,
        "code": code,
        "code_verifier": verifier,
    }
    client_id, secret = settings.client_id, settings.client_secret.reveal()
    if auth_method == "client_secret_post":
        return form | {"client_id": client_id, "client_secret": secret}, {}
    # Both are encoded before they are joined (RFC 6749 §2.3.1): otherwise a ``%`` or a ``:`` would not arrive.
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def is_token(text: Any) -> bool:
    """Return whether something may be a code or an access token: visible ASCII (RFC 6749 appendix A)."""
    return (
        isinstance(text, str) and 0 < len(text) <= LONGEST and text.isascii() and text.isprintable() and " " not in text
    )


def _tokens(provider: str, answer: Answer) -> dict[str, Any]:
    """Return what a provider gives for a code (RFC 6749 §5.1), of which nothing is believed that is not looked at here.

    :raises ProviderUnavailable: if it was not the provider's exchange that answered.
    :raises SignInRefused: if it gives nothing, or nothing that can be used.
    """
    tokens = Answer(200, answer.headers, answer.body).json_object() or {}
    # From some a refusal comes with 200, and from some without a word.
    if "error" in tokens or answer.status in _REFUSALS:
        error = tokens["error"] if tokens.get("error") in _KNOWN_ERRORS else "an error"
        _log.warning("Provider %s answered the exchange of a code with %s", provider, error)
        raise SignInRefused(Reason.PROVIDER_ERROR, provider, by_caller=error not in _ABOUT_US)
    if answer.status in _ABOUT_THE_WAY:
        _log.warning("The exchange of a code at provider %s was not reached: status %s", provider, answer.status)
        raise ProviderUnavailable(provider)
    token_type = tokens.get("token_type")
    if (
        answer.status != 200
        or not is_token(tokens.get("access_token"))
        or not isinstance(token_type, str)
        or token_type.lower() != "bearer"
    ):
        # Whatever else a provider refuses codes with, anybody can make one up, and would be slowed down by nothing.
        # Those that ask for another try do not come here (``ProviderHttp``).
        raise SignInRefused(Reason.PROVIDER_ANSWER, provider, by_caller=400 <= answer.status < 500)
    return tokens
