"""Why a request may not go on: the expected failures of the web itself."""

from ..accounts.rules import Role
from ..kernel.errors import GatehouseError
from ..sessions.rules import EndReason


class NotSignedIn(GatehouseError):
    """Only for people who are signed in, and nobody is.

    :param ended: why the session that the browser still had is over, if it had one.
    """

    def __init__(self, ended: EndReason | None) -> None:
        super().__init__("not signed in")
        self.ended = ended


class NotAllowed(GatehouseError):
    """The person who is signed in may not do this.

    :param needed: the role that could.
    """

    def __init__(self, needed: Role | None = None) -> None:
        super().__init__("not allowed")
        self.needed = needed


class NotYourself(NotAllowed):
    """An administrator may do this to everybody else."""


class ObjectNotAllowed(NotAllowed):
    """The role would do, and the rule of this very thing says no."""


class OnlyAPage(GatehouseError):
    """A program has asked for JSON where there is a page alone."""


class NotFound(GatehouseError):
    """Nothing is there, or nothing that this person may know of."""


class CrossSiteRequest(GatehouseError):
    """A change was asked for without the token of a page of ours, or from another site."""


class ConfirmationRequired(GatehouseError):
    """A sensitive action, and the last proof of who is there is too old."""


class ProviderGone(GatehouseError):
    """Who is there cannot be proved: the provider that the person has signed in with is configured no longer.

    :param provider: its name.
    """

    def __init__(self, provider: str) -> None:
        super().__init__(f"provider {provider} is gone")
        self.provider = provider


class HttpsRequired(GatehouseError):
    """Something was sent by plain http that no redirect should carry on."""
