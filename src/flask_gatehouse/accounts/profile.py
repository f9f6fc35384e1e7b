"""Who a provider says that somebody is."""

from dataclasses import dataclass

from ..kernel.text import case_folded_address

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
    def binding_address(self) -> str | None:
        """Return the address that may bind an account or an invitation, or None."""
        return case_folded_address(self.email) if self.email and self.email_is_authoritative else None
