"""What a provider has proved about a person, whatever protocol it speaks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..accounts.service import Profile
from ..settings import ProviderSettings
from .attempt import Attempt
from .rules import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class Assertion:
    """A person as a provider asserted her, after every check of the protocol.

    :param hosted_domain: Google's ``hd`` claim; the organisation that owns the account.
    :param authenticated_at: when she last proved herself there (``auth_time``), if it said.
    :param provider_session_id: the provider's session (``sid``), if it said.
    """

    profile: Profile
    hosted_domain: str | None = None
    authenticated_at: datetime | None = None
    provider_session_id: str | None = None

    @property
    def proved_at(self) -> datetime | None:
        """Return when by our clock she proved herself at the latest, if the provider said: its clock may be behind.

        For confirmations alone. What is believed of one is written down as it is believed: as of a moment that is too
        old already she would be asked again at once, having been told that it is she.
        """
        return None if self.authenticated_at is None else self.authenticated_at + CLOCK_SKEW


class Provider(Protocol):
    """One identity provider that can be asked."""

    settings: ProviderSettings

    def authorization_url(self, attempt: Attempt, redirect_uri: str, *, fresh: bool = False) -> str:
        """Return where to send the browser.

        :param fresh: ask the provider to have the person prove herself again.
        :raises ProviderUnavailable: if its discovery document cannot be had.
        :raises SignInRefused: if that document cannot be believed.
        """
        ...

    def end_session_url(self, post_logout_redirect_uri: str) -> str | None:
        """Return where a browser can sign out at the provider too; None if it offers that nowhere."""
        ...

    def redeem(self, attempt: Attempt, answer: dict[str, str], redirect_uri: str) -> Assertion:
        """Exchange the code and check everything that came back.

        :param answer: the query of the callback, each name once.
        :raises ProviderUnavailable: if the provider does not answer.
        :raises SignInRefused: if anything is wrong; never anything else.
        """
        ...
