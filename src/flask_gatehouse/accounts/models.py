"""Tables of people. Imported by this room and by the migrations only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, validates

from ..db.base import Base, UtcDateTime, index_of, text_enum
from ..kernel.addresses import ADDRESS_LENGTH
from ..settings.providers import ISSUER_LENGTH, PROVIDER_LENGTH
from .fold import NAME_LENGTH, SEARCH_LENGTH, search_text_of
from .profile import SUBJECT_LENGTH, Profile
from .rules import Role


class _Execution(Protocol):
    """What SQLAlchemy hands to a column's default: the values of the row that is written."""

    def get_current_parameters(self) -> Mapping[str, Any]: ...


def _search_text(execution: _Execution) -> str:
    row = execution.get_current_parameters()
    return search_text_of(row["name"], row.get("email"))


def _idle_since(execution: _Execution) -> datetime:
    row = execution.get_current_parameters()
    moment: datetime = row.get("last_sign_in_at") or row["created_at"]
    return moment


def _created_at(execution: _Execution) -> datetime:
    moment: datetime = execution.get_current_parameters()["created_at"]
    return moment


# For rows that were written past us: nobody has come in as them, and nobody has decided about them.
_NEVER = text("'1970-01-01 00:00:00.000000'")


def _in_byte_order(length: int) -> String:
    """Return a text whose order is that of its bytes everywhere, so that a prefix is a range of an index."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


# A planner takes a partial index only for a question that has its very words.
_MORE = "role <> 'viewer'"


class User(Base):
    __tablename__ = "gatehouse_users"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    # Case-folded, and present only if a provider is authoritative for it.
    email: Mapped[str | None] = mapped_column(_in_byte_order(ADDRESS_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    # An administrator chose the name: the provider's no longer replaces it.
    name_is_fixed: Mapped[bool] = mapped_column(Boolean, server_default=false())
    role: Mapped[Role] = mapped_column(text_enum(Role))
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=true())
    # Every session holds the number it began with; raising it here ends them all at once.
    session_generation: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    # Raised by every change of the row, so that two editors notice each other.
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when nobody signs in as her, because she said that it was not she.
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # In which she last signed in, and is written to.
    language: Mapped[str | None] = mapped_column(String(8))

    # What a review of access asks for: when she came in last or was told to stay, and when somebody last decided that
    # she has this role. The trail says who; these make it possible to find the few among many.
    idle_since: Mapped[datetime] = mapped_column(UtcDateTime, default=_idle_since, server_default=_NEVER)
    role_confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_created_at, server_default=_NEVER)

    # Name and address as they are searched and sorted: see ``fold``.
    search_text: Mapped[str] = mapped_column(_in_byte_order(SEARCH_LENGTH), default=_search_text, server_default="")

    __table_args__ = (
        # One for each order of the list: a page is the next rows of an index, however many people there are.
        Index(None, "created_at", "id"),
        Index(None, "search_text", "id"),
        Index(None, "email", "id"),
        Index(None, "role", "id"),
        Index(None, "is_active", "id"),
        Index(None, "last_sign_in_at", "id"),
        index_of("held_at IS NOT NULL", "held_at"),
        # The two lists of a review, which nobody is on who cannot come in.
        Index(None, "is_active", "idle_since", "id"),
        index_of(_MORE, "is_active", "role_confirmed_at", "id"),
        # An id is never given twice, because the trail speaks of people by it.
        {"sqlite_autoincrement": True},
    )

    @validates("name", "email")
    def _follow(self, column: str, value: str | None) -> str | None:
        """Keep what is searched in step with what is shown."""
        said = {"name": self.name, "email": self.email} | {column: value}
        self.search_text = search_text_of(said["name"] or "", said["email"])
        return value


class Identity(Base):
    """One account at one provider, bound to one user for good."""

    __tablename__ = "gatehouse_identities"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("gatehouse_users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(PROVIDER_LENGTH))
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH))
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH))
    # As the provider last stated it; ``email_is_authoritative`` says whether that binds anything.
    email: Mapped[str | None] = mapped_column(String(ADDRESS_LENGTH))
    email_is_authoritative: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    @classmethod
    def of(cls, user_id: int, profile: Profile, now: datetime) -> "Identity":
        """Return the account that a provider tells of as a new one of this user's."""
        return cls(
            user_id=user_id,
            provider=profile.provider,
            issuer=profile.issuer,
            subject=profile.subject,
            email=profile.email,
            email_is_authoritative=profile.email_is_authoritative,
            created_at=now,
            last_used_at=now,
        )


class Invitation(Base):
    """An address that will get a role at its first authoritative sign-in, once."""

    __tablename__ = "gatehouse_invitations"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), unique=True)
    role: Mapped[Role] = mapped_column(text_enum(Role))
    invited_by: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    # An id is never given twice: with one invitation's values in the trail, those of another would be erased.
    __table_args__ = ({"sqlite_autoincrement": True},)


class JoinRequest(Base):
    """Somebody who has proved who she is at a provider, was not invited, and waits for an administrator's word."""

    __tablename__ = "gatehouse_join_requests"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    provider: Mapped[str] = mapped_column(String(PROVIDER_LENGTH))
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH))
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH))
    email: Mapped[str | None] = mapped_column(String(ADDRESS_LENGTH))
    email_is_authoritative: Mapped[bool] = mapped_column(Boolean, server_default=false())
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    # The role that waits for her next sign-in; None while nobody has decided, and where she was declined.
    approved_role: Mapped[Role | None] = mapped_column(text_enum(Role))
    decided_at: Mapped[datetime | None] = mapped_column("approved_at", UtcDateTime, index=True)

    __table_args__ = (UniqueConstraint("issuer", "subject"), {"sqlite_autoincrement": True})
