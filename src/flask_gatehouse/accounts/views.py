"""What other rooms see of people: plain values, never rows."""

from dataclasses import dataclass
from datetime import datetime

from .rules import Role


@dataclass(frozen=True, slots=True)
class UserRow:
    """One person as a list shows her.

    :param email: case-folded; None if no provider vouches for one.
    :param version: raised by every change, and sent back by a form to notice the change of somebody else.
    :param is_held: whether nobody signs in as her, because she said that it was not she.
    """

    id: int
    email: str | None
    name: str
    role: Role
    is_active: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    version: int
    is_held: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return what JSON shows of her: moments are ISO 8601 in UTC."""
        return {
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "role": self.role.value,
            "is_active": self.is_active,
            "created_at": self.created_at.isoformat(),
            "last_login": None if self.last_sign_in_at is None else self.last_sign_in_at.isoformat(),
            "locked": self.is_held,
        }

    def to_changed_dict(self) -> dict[str, object]:
        """Return what JSON shows of her before and after a change: also the version that the next one has to name."""
        return self.to_dict() | {"version": self.version}


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """A user as she was found or made at sign-in.

    :param signed_in_at: the database's time.
    :param language: in which she last signed in; None if that is not known.
    """

    id: int
    name: str
    role: Role
    session_generation: int
    previous_sign_in_at: datetime | None
    is_new: bool
    signed_in_at: datetime
    language: str | None


@dataclass(frozen=True, slots=True)
class IdentityView:
    """One account at one provider with which a person signs in."""

    id: int
    provider: str
    issuer: str
    email: str | None
    email_is_authoritative: bool
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationView:
    """A role that waits for the owner of an address.

    :param invited_by: the id of the administrator, None if it was the command line.
    :param expires_at: None if it waits for ever.
    """

    id: int
    email: str
    role: Role
    invited_by: int | None
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class JoinRequestView:
    """Somebody who waits to be let in.

    :param approved_role: what waits for her next sign-in; None while nobody has decided, and with ``decided_at`` if she
        was declined.
    """

    id: int
    provider: str
    issuer: str
    email: str | None
    email_is_authoritative: bool
    name: str
    requested_at: datetime
    approved_role: Role | None
    decided_at: datetime | None
