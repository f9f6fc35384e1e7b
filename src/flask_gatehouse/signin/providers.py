"""The providers of an application, in the order in which the sign-in page shows them."""

import threading
from collections.abc import Callable

from ..kernel.deferred import Deferred
from ..settings import ProviderKind, ProviderSettings, Settings
from .assertion import Assertion, Provider
from .attempt import Attempt

# The libraries that they speak with are half of what a process would load before its first answer.
_OPENID, _GITHUB = Deferred("signin.oidc:OpenIDProvider"), Deferred("signin.github:GitHubProvider")


class DeferredProvider:
    """A provider that is made when the first person signs in with it.

    :param make: returns it; called once.
    """

    def __init__(self, settings: ProviderSettings, make: Callable[[], Provider]) -> None:
        self.settings = settings
        self._make = make
        self._made: Provider | None = None
        self._lock = threading.Lock()

    def authorization_url(self, attempt: Attempt, redirect_uri: str, *, fresh: bool = False) -> str:
        """See ``assertion.Provider``."""
        return self._provider().authorization_url(attempt, redirect_uri, fresh=fresh)

    def end_session_url(self, post_logout_redirect_uri: str) -> str | None:
        """See ``assertion.Provider``. It is told by what has been fetched, and nothing has been before the first."""
        return None if self._made is None else self._made.end_session_url(post_logout_redirect_uri)

    def redeem(self, attempt: Attempt, answer: dict[str, str], redirect_uri: str) -> Assertion:
        """See ``assertion.Provider``."""
        return self._provider().redeem(attempt, answer, redirect_uri)

    def _provider(self) -> Provider:
        # Two of them would fetch each document twice, and let twice as many calls be under way.
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def make_providers(settings: Settings) -> dict[str, Provider]:
    """Return one object for each configured provider; nothing is asked of any before somebody signs in."""

    def made(provider: ProviderSettings) -> Provider:
        if provider.kind is ProviderKind.GITHUB:
            return DeferredProvider(provider, lambda: _GITHUB.load()(provider, settings.github_api_url))
        return DeferredProvider(provider, lambda: _OPENID.load()(provider))

    return {provider.name: made(provider) for provider in settings.providers}
