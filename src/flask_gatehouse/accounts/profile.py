"""Who a provider says that somebody is."""

from dataclasses import dataclass

from ..kernel.text import case_folded_address, plain
from .fold import NAME_LENGTH

# OpenID Connect Core 1.0 §2: a subject is at most 255 ASCII characters.
SUBJECT_LENGTH = 255


def identifying(name: str, email: str | None) -> dict[str, str]:
    """Return what tells people apart, as the trail keeps it: values that go with a person's erasure."""
    return {"name": name} if email is None else {"name": name, "email": email}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a provider says of the person who signs in.

    :param email: the address as stated, or None.
    :param email_is_authoritative: whether the provider may be believed about it (``signin.rules``).
    """

    provider: str
    issuer: str
    subject: str
    name: str | None
    email: str | None
    email_is_authoritative: bool

    @property
    def display_name(self) -> str:
        """Return what somebody is called here who comes for the first time: nobody is without a name."""
        before_the_at = (self.email or "").partition("@")[0]
        return plain(self.name or "", NAME_LENGTH) or plain(before_the_at, NAME_LENGTH) or "Somebody"

    @property
    def binding_address(self) -> str | None:
        """Return the address that may bind an account or an invitation, or None."""
        return case_folded_address(self.email) if self.email and self.email_is_authoritative else None
