"""Signing in with GitHub, which speaks OAuth 2.0 without identity: who it is, is asked of its API."""

from typing import Any

from ..accounts.service import Profile
from ..kernel.addresses import stated_address
from ..settings import ProviderSettings
from .assertion import Assertion
from .attempt import Attempt
from .call import Transport
from .claims import line
from .code_flow import authorization_url, exchange_code
from .errors import Reason, SignInRefused
from .http import ANSWER_LIMIT, ProviderHttp
from .rules import address_is_authoritative

_API_VERSION = "2022-11-28"


class GitHubProvider:
    """GitHub, or a GitHub Enterprise Server. One object serves all threads of a process.

    :param api_url: where its REST API is, without a trailing slash.
    :param transport: answers for addresses below the issuer instead of the network.
    """

    def __init__(self, settings: ProviderSettings, api_url: str, transport: Transport | None = None) -> None:
        self.settings = settings
        self._api_url = api_url.rstrip("/")
        self._oauth_url = f"{settings.issuer.rstrip('/')}/login/oauth"
        self._http = ProviderHttp(settings.name, settings.issuer, transport)

    def authorization_url(self, attempt: Attempt, redirect_uri: str, *, fresh: bool = False) -> str:
        """See ``assertion.Provider``. GitHub asks for no password again; a choice of account is the most it offers."""
        more = {"prompt": "select_account"} if fresh else {}
        return authorization_url(self.settings, f"{self._oauth_url}/authorize", attempt, redirect_uri, **more)

    def end_session_url(self, post_logout_redirect_uri: str) -> str | None:
        """GitHub has no such address."""
        return None

    def redeem(self, attempt: Attempt, answer: dict[str, str], redirect_uri: str) -> Assertion:
        """See ``assertion.Provider``."""
        # Not sent at the time of writing. Its metadata names the second form as its issuer (RFC 9207 §2.4).
        if answer.get("iss", self._oauth_url) not in {self.settings.issuer, self._oauth_url}:
            raise self._refusal(Reason.ISSUER_MISMATCH)
        tokens = exchange_code(
            self.settings,
            self._http,
            f"{self._oauth_url}/access_token",
            attempt,
            answer,
            redirect_uri,
            auth_method="client_secret_post",
        )
        person = self._person(tokens["access_token"])
        email = self._verified_primary_address(tokens["access_token"])
        settings = self.settings
        profile = Profile(
            provider=settings.name,
            issuer=settings.issuer,
            subject=str(person["id"]),
            name=line(person.get("name")) or line(person.get("login")),
            email=email,
            email_is_authoritative=address_is_authoritative(
                settings.kind, email, email_verified=True, hosted_domain=None, believed_domains=settings.email_domains
            ),
        )
        return Assertion(profile=profile)

    def _refusal(self, reason: Reason) -> SignInRefused:
        return SignInRefused(reason, self.settings.name)

    def _unusable(self) -> SignInRefused:
        return SignInRefused(Reason.PROVIDER_ANSWER, self.settings.name, by_caller=False)

    def _api(self, path: str, access_token: str) -> Any:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {access_token}",
            "X-GitHub-Api-Version": _API_VERSION,
        }
        answer = self._http.get(f"{self._api_url}{path}", limit=ANSWER_LIMIT, headers=headers)
        try:
            return answer.json()
        except ValueError as error:
            raise self._unusable() from error

    def _person(self, access_token: str) -> dict[str, Any]:
        """Return the account, which its number identifies: a login name can be given up and taken by another."""
        person = self._api("/user", access_token)
        number = person.get("id") if isinstance(person, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
            raise self._unusable()
        return dict(person)

    def _verified_primary_address(self, access_token: str) -> str:
        """Return the one address that is both; any other may be somebody else's, or nobody's.

        :raises SignInRefused: with ``email_unverified`` if there is none.
        """
        entries = self._api("/user/emails", access_token)
        if not isinstance(entries, list):
            raise self._unusable()
        for entry in entries:
            if isinstance(entry, dict) and entry.get("primary") is True and entry.get("verified") is True:
                email = stated_address(entry.get("email"))
                if email is not None:
                    return email
        raise self._refusal(Reason.EMAIL_UNVERIFIED)
