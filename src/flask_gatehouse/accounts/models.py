"""Tables of people. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime, text_enum
from .rules import Role

ISSUER_LENGTH = 255
# OpenID Connect Core 1.0 §2: a subject is at most 255 ASCII characters.
SUBJECT_LENGTH = 255
ADDRESS_LENGTH = 254
NAME_LENGTH = 200


class User(Base):
    __tablename__ = "gatehouse_users"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    # Case-folded, and present only if a provider is authoritative for it.
    email: Mapped[str | None] = mapped_column(String(ADDRESS_LENGTH), unique=True)
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

    # An id is never given twice, because the trail speaks of people by it.
    __table_args__ = (Index(None, "created_at", "id"), {"sqlite_autoincrement": True})


class Identity(Base):
    """One account at one provider, bound to one user for good."""

    __tablename__ = "gatehouse_identities"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("gatehouse_users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH))
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH))
    # As the provider last stated it; ``email_is_authoritative`` says whether that binds anything.
    email: Mapped[str | None] = mapped_column(String(ADDRESS_LENGTH))
    email_is_authoritative: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("issuer", "subject"),)


class Invitation(Base):
    """An address that will get a role at its first authoritative sign-in, once."""

    __tablename__ = "gatehouse_invitations"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), unique=True)
    role: Mapped[Role] = mapped_column(text_enum(Role))
    invited_by: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
