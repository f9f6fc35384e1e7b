"""Signing in with an OpenID Connect provider: the code flow, and nothing of the protocol besides.

Not Authlib's Flask registry, which shares state between applications, waits for ever, and lets the discovery
document overrule the caller.
"""

import time
from collections.abc import Callable
from typing import Any

from ..accounts.service import Profile
from ..kernel.addresses import stated_address
from ..kernel.clock import utc_now
from ..settings import ProviderKind, ProviderSettings
from .assertion import Assertion
from .attempt import Attempt
from .cached import Cached
from .call import Transport
from .claims import hosted_domain, line, short_text
from .code_flow import authorization_url, exchange_code, with_query
from .discovery import Metadata, fetch_metadata
from .errors import Reason, SignInRefused
from .http import ANSWER_LIMIT, DEADLINE, SLOTS, ProviderHttp
from .keys import KeySet, fetch_keys
from .rules import address_is_authoritative
from .tokens import Expectation, moment, read_id_token


class OpenIDProvider:
    """A provider that publishes a discovery document. One object serves all threads of a process.

    :param transport: answers for addresses below the issuer instead of the network.
    :param deadline: seconds for each call to the provider.
    :param slots: calls to it that may be under way at once.
    :param clock: monotonic seconds, for the age of documents.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        transport: Transport | None = None,
        *,
        deadline: float = DEADLINE,
        slots: int = SLOTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._http = ProviderHttp(settings.name, settings.issuer, transport, deadline=deadline, slots=slots)
        self._metadata = Cached(settings.name, lambda: fetch_metadata(settings, self._http), deadline, clock)
        self._keys = Cached(settings.name, self._fetch_keys, deadline, clock)

    def authorization_url(self, attempt: Attempt, redirect_uri: str, *, fresh: bool = False) -> str:
        """See ``assertion.Provider``."""
        more = {"nonce": attempt.nonce}
        if fresh and self.settings.kind is ProviderKind.GOOGLE:
            # Google knows neither prompt=login nor max_age.
            more["prompt"] = "select_account"
        elif fresh:
            more |= {"prompt": "login", "max_age": "0"}
        endpoint = self._metadata.get().authorization_endpoint
        return authorization_url(self.settings, endpoint, attempt, redirect_uri, **more)

    def redeem(self, attempt: Attempt, answer: dict[str, str], redirect_uri: str) -> Assertion:
        """See ``assertion.Provider``."""
        metadata = self._metadata.get()
        self._check_issuer(metadata, answer)
        tokens = exchange_code(
            self.settings,
            self._http,
            metadata.token_endpoint,
            attempt,
            answer,
            redirect_uri,
            auth_method=metadata.token_auth_method,
        )
        claims = self._id_token(metadata, attempt, tokens)
        return self._assertion(claims, self._userinfo(metadata, claims, tokens["access_token"]))

    def end_session_url(self, post_logout_redirect_uri: str) -> str | None:
        """Return where to send a browser to sign out at the provider too; None if it offers that nowhere.

        Answers from what is known already; never fetches and never raises (RP-Initiated Logout 1.0 §2).
        """
        metadata = self._metadata.last
        endpoint = None if metadata is None else metadata.end_session_endpoint
        if endpoint is None:
            return None
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": post_logout_redirect_uri}
        return with_query(endpoint, query)

    def _fetch_keys(self) -> tuple[KeySet, float]:
        return fetch_keys(self.settings.name, self._metadata.get().jwks_uri, self._http)

    def _refusal(self, reason: Reason) -> SignInRefused:
        return SignInRefused(reason, self.settings.name)

    def _check_issuer(self, metadata: Metadata, answer: dict[str, str]) -> None:
        """Check who answered (RFC 9207 §2.4): without it, a code can be carried from one provider to another."""
        missing = None if metadata.answers_with_issuer else self.settings.issuer
        if answer.get("iss", missing) != self.settings.issuer:
            raise self._refusal(Reason.ISSUER_MISMATCH)

    def _id_token(self, metadata: Metadata, attempt: Attempt, tokens: dict[str, Any]) -> dict[str, Any]:
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str) or not id_token:
            raise self._refusal(Reason.ID_TOKEN_MISSING)
        expected = Expectation(
            provider=self.settings.name,
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=attempt.nonce,
            access_token=tokens["access_token"],
            algorithms=metadata.algorithms,
            keys=self._keys.get(),
            newer_keys=self._keys.newer_than,
            now=utc_now().timestamp(),
        )
        return read_id_token(id_token, expected)

    def _userinfo(self, metadata: Metadata, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Ask for what the ID token does not say. An answer about anybody else is refused (Core §5.3.2)."""
        if metadata.userinfo_endpoint is None or {"email", "name"} <= claims.keys():
            return {}
        bearer = {"Authorization": f"Bearer {access_token}"}
        answer = self._http.get(metadata.userinfo_endpoint, limit=ANSWER_LIMIT, headers=bearer)
        userinfo = answer.json_object()
        if userinfo is None:
            raise SignInRefused(Reason.PROVIDER_ANSWER, self.settings.name, by_caller=False)
        if userinfo.get("sub") != claims["sub"]:
            raise self._refusal(Reason.USERINFO_SUBJECT)
        return userinfo

    def _assertion(self, claims: dict[str, Any], userinfo: dict[str, Any]) -> Assertion:
        # An address and its verification are believed from one and the same source.
        source = claims if "email" in claims else userinfo
        settings, email = self.settings, stated_address(source.get("email"))
        # A claim of Google's own. From anybody else, people or tenants may choose what it says.
        domain = hosted_domain(claims.get("hd")) if settings.kind is ProviderKind.GOOGLE else None
        return Assertion(
            profile=Profile(
                provider=settings.name,
                issuer=settings.issuer,
                subject=claims["sub"],
                name=line(claims.get("name", userinfo.get("name"))),
                email=email,
                email_is_authoritative=address_is_authoritative(
                    settings.kind, email, source.get("email_verified"), domain, settings.email_domains
                ),
            ),
            hosted_domain=domain,
            authenticated_at=moment(claims.get("auth_time")),
            provider_session_id=short_text(claims.get("sid")),
        )
